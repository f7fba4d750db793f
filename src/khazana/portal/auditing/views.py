"""Audits at the desk: the list, one audit with its requests, files, report and papers."""

from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from khazana.errors import KhazanaError
from khazana.portal.accounts.roles import AUDITS, CONFIRMS, PREPARES
from khazana.portal.accounts.sessions import person_of
from khazana.portal.audit.record import record
from khazana.portal.auditing.archive import papers_of
from khazana.portal.auditing.engagements import answer, ask, open_audit, roots_to_audit, settle
from khazana.portal.auditing.files import kept, sent_with
from khazana.portal.auditing.models import AuditRow, FileRow, RequestRow
from khazana.portal.auditing.reports import verify_for
from khazana.portal.auditing.samples import announcement_of
from khazana.portal.tasks.models import TipRow
from khazana.reserve.auditing.draw import METHODS
from khazana.reserve.auditing.population import KINDS
from khazana.statement.opinions import read_signed_opinion

AHEAD = 6
"""Blocks between the newest one and the height that the form proposes."""


def audits(request: HttpRequest) -> HttpResponse:
    """All of them, and for an auditor the form that opens one."""
    person = person_of(request)
    problems: list[str] = []
    if request.method == "POST":
        given = request.POST
        try:
            row = open_audit(
                root=given.get("root", ""),
                auditor=given.get("auditor", ""),
                public=given.get("public", "").strip().lower(),
                scope=given.get("scope", ""),
                materiality=given.get("materiality", "").strip(),
                by=person.username,
                at=timezone.now(),
            )
            return redirect("audit", row.pk)
        except KhazanaError as error:
            problems = [str(error)]
    context = {
        "audits": AuditRow.objects.defer("statement", "report")[:100],
        "roots": roots_to_audit(),
        "audits_here": person.role in AUDITS,
        "given": request.POST,
        "problems": problems,
    }
    return render(request, "auditing/audits.html", context, status=422 if problems else 200)


def audit(request: HttpRequest, pk: int) -> HttpResponse:
    """One audit, and what whoever looks may do next."""
    return shown(request, audit_named(pk))


def audit_ask(request: HttpRequest, pk: int) -> HttpResponse:
    """A new request on the list."""

    def act(row: AuditRow) -> None:
        text, due = request.POST.get("text", ""), request.POST.get("due", "")
        ask(row, text=text, due=due, by=person_of(request).username, at=timezone.now())

    return acted(request, pk, act)


def audit_answer(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Words and files for a request."""
    found = get_object_or_404(RequestRow, audit=pk, number=number)

    def act(row: AuditRow) -> None:
        sent = sent_with(request, "files")
        by, text = person_of(request).username, request.POST.get("text", "")
        answer(found, text=text, sent=sent, by=by, at=timezone.now())

    return acted(request, pk, act)


def audit_settle(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """The auditor accepts an answer, or asks again."""
    found = get_object_or_404(RequestRow, audit=pk, number=number)

    def act(row: AuditRow) -> None:
        step, text = request.POST.get("step", ""), request.POST.get("text", "")
        settle(found, step=step, text=text, by=person_of(request).username, at=timezone.now())

    return acted(request, pk, act)


def audit_file(request: HttpRequest, pk: int, sha256: str) -> HttpResponse:
    """A file of the audit, as a download; that it was taken is an act."""
    row = FileRow.objects.filter(audit=pk, sha256=sha256).first()
    if row is None:
        return HttpResponse(status=404)

    def act(_audit: AuditRow) -> HttpResponse:
        raw = kept(sha256)
        record("audit file taken", actor=person_of(request).username, subject=sha256)
        return download(raw, f"{sha256[:16]}.bin")

    return acted(request, pk, act)


def audit_report(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask a worker to run `khazana verify`."""

    def act(row: AuditRow) -> None:
        with transaction.atomic():
            record("audit report asked for", actor=person_of(request).username, subject=row.root)
            verify_for.enqueue(row.pk)

    return acted(request, pk, act)


def audit_papers(request: HttpRequest, pk: int) -> HttpResponse:
    """The working papers, as one file that `khazana auditor papers` checks."""

    def act(row: AuditRow) -> HttpResponse:
        subject = f"audit {row.pk}"
        record("working papers taken", actor=person_of(request).username, subject=subject)
        return download(papers_of(row), f"working-papers-{row.root[:12]}.tar")

    return acted(request, pk, act)


def audit_named(pk: int) -> AuditRow:
    return get_object_or_404(AuditRow, pk=pk)


def acted(
    request: HttpRequest, pk: int, act: Callable[[AuditRow], HttpResponse | None]
) -> HttpResponse:
    """Do it and show the audit; what is refused is said on the same page."""
    row = audit_named(pk)
    try:
        answer = act(row)
    except KhazanaError as error:
        return shown(request, row, problems=[str(error)])
    return redirect("audit", pk) if answer is None else answer


def download(raw: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(raw, content_type="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def shown(
    request: HttpRequest, row: AuditRow, *, problems: list[str] | None = None
) -> HttpResponse:
    role = person_of(request).role
    tip, where = TipRow.objects.first(), request.resolver_match
    context = {
        "audit": row,
        "problems": problems or [],
        "requests": row.requests.prefetch_related("entries__files"),
        "samples": [(each, announcement_of(each)) for each in row.samples.all()],
        "opinions": [(o, read_signed_opinion(bytes(o.raw))[0]) for o in row.opinions.all()],
        "audits_here": role in AUDITS,
        "prepares": role in PREPARES,
        "confirms": role in CONFIRMS,
        "kinds": KINDS,
        "methods": METHODS,
        "tip": tip,
        "proposed": "" if tip is None else tip.height + AHEAD,
        "given": request.POST,
        "posted": where.url_name if problems and where is not None else "",
        "posted_number": where.kwargs.get("number") if where is not None else None,
    }
    return render(request, "auditing/audit.html", context, status=422 if problems else 200)
