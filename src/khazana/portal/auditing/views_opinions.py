"""The opinion at the desk: a file to sign, the signed file, and its publication."""

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from khazana.errors import KhazanaError
from khazana.portal.accounts.sessions import person_of
from khazana.portal.audit.record import record
from khazana.portal.auditing.models import AuditRow, OpinionRow
from khazana.portal.auditing.opinions import publish_opinion, take_opinion, unsigned_opinion
from khazana.portal.auditing.views import acted, audit_named, download
from khazana.portal.desk.uploads import uploaded
from khazana.statement.opinions import KINDS, MOST_OPINION_BYTES


def opinion_form(request: HttpRequest, pk: int) -> HttpResponse:
    """The opinion as a file, to carry to the auditor's key; nothing of it is kept here."""
    row, given, problems = audit_named(pk), request.POST, []
    if request.method == "POST":
        try:
            raw = unsigned_opinion(row, given.dict(), at=timezone.now())
            record("opinion written", actor=person_of(request).username, subject=row.root)
            return download(raw, "opinion.json")
        except KhazanaError as error:
            problems = [str(error)]
    fields = [
        {
            "code": code,
            "name": name,
            **{each: given.get(f"{each}_{code}", "") for each in ("scope", "excluded", "reasons")},
        }
        for code, name in settings.LANGUAGES
    ]
    context = {
        "audit": row,
        "fields": fields,
        "opinion_kinds": KINDS,
        "given": given,
        "problems": problems,
    }
    return render(request, "auditing/opinion.html", context, status=422 if problems else 200)


def opinion_in(request: HttpRequest, pk: int) -> HttpResponse:
    """The signed opinion comes back."""

    def act(row: AuditRow) -> None:
        raw = uploaded(request, "opinion", most=MOST_OPINION_BYTES)
        take_opinion(row, raw, by=person_of(request).username, at=timezone.now())

    return acted(request, pk, act)


@reauthentication_required  # type: ignore[untyped-decorator]
def opinion_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Another person puts it beside the statement, who has shown a key within five minutes."""

    def act(row: AuditRow) -> None:
        seen = request.POST.get("seen", "")
        opinion = get_object_or_404(OpinionRow, audit=row, sha256=seen)
        publish_opinion(opinion, seen=seen, by=person_of(request).username, at=timezone.now())

    return acted(request, pk, act)
