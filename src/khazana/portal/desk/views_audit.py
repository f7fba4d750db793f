"""The audit log at the desk: acts, whether the chain holds, the file to take away."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from khazana.portal.audit.models import ActRow
from khazana.portal.audit.record import exported, newest_head, record, verified
from khazana.statement.acts import ActsRefused

ON_A_PAGE = 100


def audit_log(request: HttpRequest) -> HttpResponse:
    """The acts, newest first. The whole chain is followed only when it is asked for."""
    pages = Paginator(ActRow.objects.order_by("-number"), ON_A_PAGE)
    context = {"page": pages.get_page(request.GET.get("page")), "head": newest_head()}
    if "verify" in request.GET:
        try:
            context["whole"] = verified()
        except ActsRefused as error:
            context["broken"] = error
    return render(request, "desk/audit_log.html", context)


def audit_log_file(request: HttpRequest) -> HttpResponse:
    """The log as a file that `khazana audit-log` checks; that it was taken is an act too."""
    record("audit log taken", actor=request.user.get_username())
    head = newest_head()  # what is recorded meanwhile belongs to the next file
    answer = HttpResponse(b"".join(exported(head.number)), content_type="application/jsonl")
    answer.headers["Content-Disposition"] = f'attachment; filename="audit-log-{head.number}.jsonl"'
    return answer
