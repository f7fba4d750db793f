"""Statements on their way, at the desk."""

import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

from allauth.account.decorators import reauthentication_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from khazana.errors import KhazanaError
from khazana.portal.accounts.roles import CONFIRMS, PREPARES
from khazana.portal.accounts.sessions import person_of
from khazana.portal.audit.record import record
from khazana.portal.desk.drafting import (
    MOST_REASON,
    Quarter,
    begin_correction,
    begin_draft,
    discard,
    make_anew,
    quarters_before,
)
from khazana.portal.desk.models import CampaignRow, DraftRow, DraftState
from khazana.portal.desk.office_store import OFFICE_JSON, read_file, stored
from khazana.portal.desk.readers import (
    PUBLIC_LEVELS,
    Shown,
    choose_level,
    publication_of,
    shown_at,
    usual_level,
)
from khazana.portal.desk.signing import standing_of, take_signed
from khazana.portal.desk.statements import publish
from khazana.portal.desk.steps import OPEN, DraftRefused, inputs_now
from khazana.portal.desk.uploads import MOST_STATEMENT_BYTES, uploaded
from khazana.portal.statement.choosing import newest_statement, standing_statements
from khazana.reserve.levels import LEVELS

_FINDING = re.compile(r"  ([A-Z]+[0-9]+): (.*) \((.*)\)")


def drafts(request: HttpRequest) -> HttpResponse:
    """All of them, and forms for the next period and for a correction."""
    problems = []
    if request.method == "POST":
        try:
            return redirect("draft", _asked_for(request).pk)
        except KhazanaError as error:
            problems = [str(error)]
    newest = newest_statement()
    context = {
        "drafts": DraftRow.objects.defer("raw", "signed")[:50],
        "prepares": person_of(request).role in PREPARES,
        "after": "" if newest is None else newest.until_hash,
        "quarters": _quarters(),
        "standing": standing_statements()[:20],
        "most_reason": MOST_REASON,
        "problems": problems,
    }
    return render(request, "desk/drafts.html", context, status=422 if problems else 200)


def _asked_for(request: HttpRequest) -> DraftRow:
    by = person_of(request).username
    given = {name: request.POST.get(name, "").strip() for name in request.POST}
    if given.get("what") == "correction":
        return begin_correction(given.get("root", ""), reason=given.get("reason", ""), by=by)
    if given.get("what") == "quarter":
        for quarter in _quarters():
            if quarter.name == given.get("quarter"):
                return begin_draft(after=str(quarter.after), until=str(quarter.until), by=by)
        raise DraftRefused(problem="a quarter is chosen that is not over yet")
    return begin_draft(after=given.get("after", ""), until=given.get("until", ""), by=by)


def _quarters() -> list[Quarter]:
    """Those that are over where the office is; none before the office says where."""
    office = stored().office
    if office is None:
        return []
    zone = ZoneInfo(office.rules.timezone)
    return list(quarters_before(timezone.now().astimezone(zone).date()))


def draft(request: HttpRequest, pk: int) -> HttpResponse:
    """One statement: where it stands, and what whoever looks may do next."""
    return _shown(request, get_object_or_404(DraftRow, pk=pk))


def draft_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The file to carry to the keys, with the signatures so far; that it was taken is an act."""
    row = get_object_or_404(DraftRow, pk=pk, raw__isnull=False)
    record("statement taken", actor=person_of(request).username, subject=row.root)
    raw = row.raw if row.signed is None else row.signed
    return _attachment(bytes(raw or b""), "statement.json")


def draft_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Put it aside, or aside and made anew from the files as they are now."""
    row, by = get_object_or_404(DraftRow, pk=pk), person_of(request).username
    try:
        if request.POST.get("what") == "anew":
            return redirect("draft", make_anew(pk, by=by).pk)
        discard(pk, by=by)
    except KhazanaError as error:
        return _shown(request, row, problems=[str(error)])
    return redirect("drafts")


def draft_signed(request: HttpRequest, pk: int) -> HttpResponse:
    """A signed file comes back."""

    def act(row: DraftRow) -> None:
        raw = uploaded(request, "statement", most=MOST_STATEMENT_BYTES)
        take_signed(row, raw, by=person_of(request).username, now=timezone.now())

    return _acted(request, pk, act)


def draft_readers(request: HttpRequest, pk: int) -> HttpResponse:
    """What each reader will see, part by part; and the choice of what the public sees."""
    row = get_object_or_404(DraftRow, pk=pk, raw__isnull=False)
    person, problems = person_of(request), []
    if request.method == "POST":
        try:
            hide = request.POST.get("proofs") == "withheld"
            level = request.POST.get("level", "")
            choose_level(pk, level, hide_proofs=hide, by=person.username)
            return redirect("draft-readers", pk)
        except KhazanaError as error:
            problems = [str(error)]
    hidden = row.proofs_withheld
    context = {
        "draft": row,
        "problems": problems,
        "prepares": person.role in PREPARES and row.state in OPEN,
        "levels": [
            (shown_at(row, level, hide_proofs=hidden), level in PUBLIC_LEVELS) for level in LEVELS
        ],
        "chosen": row.level or usual_level(),
    }
    return render(request, "desk/readers.html", context, status=422 if problems else 200)


def draft_shown(request: HttpRequest, pk: int) -> HttpResponse:
    """The very file of one kind of reader; that it was taken is an act."""
    row = get_object_or_404(DraftRow, pk=pk, raw__isnull=False)
    level = request.POST.get("level", "")
    if level not in LEVELS:
        return _shown(request, row, problems=[f"there is no level {level!r}"])
    return _taken(request, row, shown_at(row, level, hide_proofs=row.proofs_withheld))


def draft_public(request: HttpRequest, pk: int) -> HttpResponse:
    """The very bytes that publishing would write, for who decides about it."""
    row = get_object_or_404(DraftRow, pk=pk, raw__isnull=False)
    shown = publication_of(row)
    if shown is None:
        return _shown(request, row, problems=["nobody has chosen yet what the public sees"])
    return _taken(request, row, shown)


def _taken(request: HttpRequest, row: DraftRow, shown: Shown) -> HttpResponse:
    detail = {"level": shown.level, "sha256": shown.sha256}
    actor = person_of(request).username
    record("disclosure taken", actor=actor, subject=row.root, detail=detail)
    return _attachment(shown.raw, f"statement-{shown.level}.json")


@reauthentication_required  # type: ignore[untyped-decorator]
def draft_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Another person publishes it, who has shown a key within the last five minutes."""

    def act(row: DraftRow) -> None:
        seen = request.POST.get("seen", "")
        publish(row, by=person_of(request).username, seen=seen, now=timezone.now())

    return _acted(request, pk, act)


def _acted(request: HttpRequest, pk: int, act: Callable[[DraftRow], None]) -> HttpResponse:
    row = get_object_or_404(DraftRow, pk=pk)
    try:
        act(row)
    except KhazanaError as error:
        return _shown(request, row, problems=[str(error)])
    return redirect("draft", pk)


def _shown(
    request: HttpRequest, row: DraftRow, *, problems: list[str] | None = None
) -> HttpResponse:
    role = person_of(request).role
    open_ = row.state in OPEN
    context = {
        "draft": row,
        "findings": _FINDING.findall(row.findings),
        "problems": problems or [],
        "prepares": role in PREPARES,
        "confirms": role in CONFIRMS,
        "open": open_,
        "waiting": row.state == DraftState.WAITING,
        "changed": open_ and row.inputs != "" and row.inputs != inputs_now(),
        "signatures": standing_of(row, now=timezone.now()) if open_ else None,
        "keyless": read_file(OFFICE_JSON) is None,
        "campaign": CampaignRow.objects.filter(draft=row).first(),
        "public": publication_of(row) if row.state == DraftState.SIGNED else None,
    }
    return render(request, "desk/draft.html", context, status=422 if problems else 200)


def _attachment(raw: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(raw, content_type="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
