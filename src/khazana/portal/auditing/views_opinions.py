"""The opinion at the desk: a file to sign, the signed file, and its publication."""

from allauth.account.decorators import reauthentication_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone

from khazana.portal.accounts.sessions import person_of
from khazana.portal.audit.record import record
from khazana.portal.auditing.models import AuditRow, OpinionRow
from khazana.portal.auditing.opinions import publish_opinion, take_opinion, unsigned_opinion
from khazana.portal.auditing.views import acted, download
from khazana.portal.desk.uploads import uploaded
from khazana.statement.opinions import MOST_OPINION_BYTES


def opinion_form(request: HttpRequest, pk: int) -> HttpResponse:
    """The opinion as a file, to carry to the auditor's key; nothing of it is kept here."""

    def act(row: AuditRow) -> HttpResponse:
        raw = unsigned_opinion(row, request.POST.dict(), at=timezone.now())
        record("opinion written", actor=person_of(request).username, subject=row.root)
        return download(raw, "opinion.json")

    return acted(request, pk, act)


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
