"""The lender's conditions at the desk: the memorandum, what-if questions, and verdicts so far."""

from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from khazana.bitcoin.secrets import refuse_secrets_in
from khazana.conditions.shipped import SHIPPED_MEMORANDA, shipped_bytes
from khazana.errors import KhazanaError
from khazana.ledger.documents import Reason
from khazana.ledger.office import OfficeFile
from khazana.portal.accounts.roles import CONFIRMS, PREPARES
from khazana.portal.accounts.sessions import person_of
from khazana.portal.desk.office_store import read_file, stored
from khazana.portal.memoranda.files import (
    FILE,
    MOST_BYTES,
    Linted,
    confirm,
    decline,
    linted,
    propose,
    sha256_of,
)
from khazana.portal.memoranda.log import verdict_log
from khazana.portal.memoranda.models import ProposedRow, QuestionRow
from khazana.portal.memoranda.questions import ask
from khazana.units import sats_from_btc

REASONS = tuple(reason.value for reason in Reason if reason.from_document and reason.direction)
MOST_SHOWN, MOST_LETTERS = 20, 24


def memoranda(request: HttpRequest) -> HttpResponse:
    """What stands, what waits, what was asked, what was said."""
    return _shown(request, [])


def memorandum_edit(request: HttpRequest) -> HttpResponse:
    """The whole file as text; what is wrong is listed with its line, and nothing is kept."""
    now = read_file(FILE)
    if request.method != "POST":
        ready = request.GET.get("ready", "")
        if ready and ready not in SHIPPED_MEMORANDA:
            raise Http404
        raw = shipped_bytes(ready) if ready else now or b""
        return _editor(request, raw.decode(), why="", seen=sha256_of(now), problems=[])
    text = request.POST.get("text", "").replace("\r\n", "\n")
    why, seen = request.POST.get("why", ""), request.POST.get("seen", "")
    try:
        raw = text.encode()
        if len(raw) > MOST_BYTES:
            problems = [f"a memorandum has at most {MOST_BYTES} bytes"]
        else:
            refuse_secrets_in(text, where=FILE)
            row = propose(raw, why=why, seen=seen, by=_name(request), now=timezone.now())
            return redirect("memorandum", row.pk)
    except KhazanaError as error:
        problems = _problems(error)
    return _editor(request, text, why=why, seen=seen, problems=problems)


def memorandum(request: HttpRequest, pk: int) -> HttpResponse:
    """One proposal: what the lint notes, what changes, and who may decide."""
    return _proposed(request, get_object_or_404(ProposedRow, pk=pk), [])


def memorandum_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    seen = request.POST.get("seen", "")
    return _acted(
        request, pk, lambda: confirm(pk, seen=seen, by=_name(request), now=timezone.now())
    )


def memorandum_decline(request: HttpRequest, pk: int) -> HttpResponse:
    word = request.POST.get("word", "")
    return _acted(
        request, pk, lambda: decline(pk, word=word, by=_name(request), now=timezone.now())
    )


def what_if(request: HttpRequest) -> HttpResponse:
    """Ask what one booking would do; a worker answers over the office's books."""
    fields = {
        name: request.POST.get(name, "").strip()
        for name in ("reason", "account", "btc", "cost", "currency", "paid_from")
    }
    problems = list(_wrong(fields))
    if not problems:
        try:
            row = ask(fields, by=_name(request), now=timezone.now())
            return redirect("what-if-answer", row.pk)
        except KhazanaError as error:
            problems = [str(error)]
    return _shown(request, problems, fields)


def what_if_answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Each condition before and after the supposed booking."""
    row = get_object_or_404(QuestionRow, pk=pk)
    context = {"question": row, "waiting": row.state == "waiting"}
    return render(request, "memoranda/answer.html", context)


def _wrong(fields: dict[str, str]) -> Iterator[str]:
    if fields["reason"] not in REASONS:
        yield f"reason: one of {', '.join(REASONS)}"
    office = stored().office
    known = set() if office is None else _accounts(office)
    if fields["account"] not in known:
        yield "account: a wallet or account of the office"
    try:
        if sats_from_btc(Decimal(fields["btc"])) <= 0:
            yield "bitcoin: above zero"
    except (ValueError, InvalidOperation):
        yield "bitcoin: an amount with at most 8 decimals"
    if bool(fields["cost"]) is not bool(fields["currency"]):
        yield "cost and currency come together"
    if not all(t.isascii() and t.isprintable() and len(t) <= MOST_LETTERS for t in fields.values()):
        yield f"each field has at most {MOST_LETTERS} plain letters"


def _editor(
    request: HttpRequest, text: str, *, why: str, seen: str, problems: list[str]
) -> HttpResponse:
    context = {
        "text": text,
        "why": why,
        "seen": seen,
        "problems": problems,
        "ready": SHIPPED_MEMORANDA,
    }
    return render(request, "memoranda/edit.html", context, status=422 if problems else 200)


def _proposed(request: HttpRequest, row: ProposedRow, problems: list[str]) -> HttpResponse:
    person = person_of(request)
    context = {
        "row": row,
        "text": bytes(row.raw).decode(),
        "before": (read_file(FILE) or b"").decode() if row.state == "open" else "",
        "linted": linted(bytes(row.raw)),
        "problems": problems,
        "may_confirm": row.state == "open"
        and person.role in CONFIRMS
        and person.username != row.by,
        "may_decline": row.state == "open" and person.role in CONFIRMS | PREPARES,
    }
    return render(request, "memoranda/memorandum.html", context, status=422 if problems else 200)


def _acted(request: HttpRequest, pk: int, act: Callable[[], None]) -> HttpResponse:
    row = get_object_or_404(ProposedRow, pk=pk)
    try:
        act()
    except KhazanaError as error:
        return _proposed(request, row, [str(error)])
    return redirect("memorandum", pk)


def _shown(
    request: HttpRequest, problems: list[str], given: dict[str, str] | None = None
) -> HttpResponse:
    raw = read_file(FILE)
    now: Linted | None = None
    if raw is not None:
        try:
            now = linted(raw)
        except KhazanaError as error:
            problems = [*problems, *_problems(error)]
    office = stored().office
    context = {
        "now": now,
        "proposed": ProposedRow.objects.defer("raw")[:MOST_SHOWN],
        "questions": QuestionRow.objects.all()[:MOST_SHOWN],
        "verdicts": list(verdict_log()),
        "problems": problems,
        "prepares": person_of(request).role in PREPARES,
        "reasons": REASONS,
        "accounts": [] if office is None else sorted(_accounts(office)),
        "given": given or {},
        "ready": SHIPPED_MEMORANDA,
    }
    return render(request, "memoranda/memoranda.html", context, status=422 if given else 200)


def _accounts(office: OfficeFile) -> set[str]:
    return {wallet.id for wallet in office.wallets} | {each.id for each in office.accounts}


def _problems(error: KhazanaError) -> list[str]:
    found = getattr(error, "problems", None)
    return [str(each) for each in found] if found else [str(error)]


def _name(request: HttpRequest) -> str:
    return person_of(request).username
