"""Entering: a document by a form, a table by CSV, a book entry; each becomes a proposal."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from khazana.bitcoin.secrets import SecretRefused
from khazana.errors import KhazanaError
from khazana.ledger.documents import Document, Reason, utc_text
from khazana.ledger.money import minor_digits
from khazana.ledger.office import OfficeFile
from khazana.ledger.problems import OfficeFileRefused
from khazana.portal.accounts.sessions import person_of
from khazana.portal.desk.office_store import TABLES, stored
from khazana.portal.desk.uploads import MOST_OFFICE_BYTES, UploadRefused, uploaded
from khazana.portal.reconciliation.entering import row_of_form, rows_of_csv
from khazana.portal.reconciliation.models import PostingRow
from khazana.portal.reconciliation.papers import Paper, keep, papers_in
from khazana.portal.reconciliation.proposals import propose
from khazana.portal.reconciliation.views import person_context
from khazana.units import Sats

REASONS = tuple(reason.value for reason in Reason if reason.from_document)
BOOK_KINDS = ("loss", "restatement")
Rows = Sequence[Mapping[str, str]]


def document_add(request: HttpRequest) -> HttpResponse:
    """One document with its paper; ?txid= and ?wallet= or ?corrects= fill the form."""

    def rows(papers: Sequence[Paper]) -> Rows:
        return [row_of_form("documents", request.POST, papers)]

    given: Mapping[str, str] = request.POST
    problems: list[str] = []
    if request.method == "POST":
        answer = _proposed(request, "documents", rows, problems)
        if answer is not None:
            return answer
        given = {} if _SECRET in problems else given
    else:
        given = _filled(request.GET)
    context = {"given": given, "reasons": REASONS}
    return _form(request, "reconciliation/document_add.html", context, problems)


def table_in(request: HttpRequest) -> HttpResponse:
    """Many rows by CSV, refused whole with line and field of each problem."""
    table = request.POST.get("table", "documents")

    def rows(papers: Sequence[Paper]) -> Rows:
        if table not in TABLES:
            raise UploadRefused(problem="there is no such table")
        return rows_of_csv(table, uploaded(request, "csv", most=MOST_OFFICE_BYTES), papers)

    problems: list[str] = []
    if request.method == "POST":
        answer = _proposed(request, table, rows, problems)
        if answer is not None:
            return answer
    columns = {name: ",".join(each) for name, each in TABLES.items()}
    context = {"tables": list(TABLES), "columns": columns, "table": table}
    return _form(request, "reconciliation/table_in.html", context, problems)


def book_add(request: HttpRequest) -> HttpResponse:
    """A loss or a restatement: an entry of its own beside what the chain shows."""

    def rows(papers: Sequence[Paper]) -> Rows:
        return [row_of_form("book", request.POST, papers)]

    problems: list[str] = []
    if request.method == "POST":
        answer = _proposed(request, "book", rows, problems)
        if answer is not None:
            return answer
    given = {} if _SECRET in problems else request.POST
    context = {"given": given, "kinds": BOOK_KINDS}
    return _form(request, "reconciliation/book_add.html", context, problems)


_SECRET = "secret"
"""Marks that what came held a secret: nothing of it is drawn again."""


def _proposed(
    request: HttpRequest,
    table: str,
    rows: Callable[[Sequence[Paper]], Rows],
    problems: list[str],
) -> HttpResponse | None:
    """Make the proposal and go to it; else say what is wrong, and nothing was kept."""
    by, now = person_of(request).username, timezone.now()
    try:
        papers = papers_in(request, "papers")
        with transaction.atomic():
            # The files come last: a refusal before leaves none behind.
            entered = rows(papers)
            made = propose(table, entered, by=by, at=now)
            keep(papers, by=by, at=now)
    except OfficeFileRefused as error:
        problems += [str(problem) for problem in error.problems]
        if any(problem.place.field == "(text)" for problem in error.problems):
            problems.append(_SECRET)
    except SecretRefused as error:
        problems += [str(error), _SECRET]
    except KhazanaError as error:
        problems.append(str(error))
    else:
        return redirect("proposal", made.pk)
    return None


def _form(
    request: HttpRequest, template: str, context: dict[str, Any], problems: Sequence[str]
) -> HttpResponse:
    office = stored().office
    said = [problem for problem in problems if problem != _SECRET]
    context |= {
        **person_context(request),
        "problems": said,
        "accounts": [] if office is None else _accounts(office),
        "custodial": [] if office is None else [each.id for each in office.accounts],
    }
    return render(request, template, context, status=422 if said else 200)


def _accounts(office: OfficeFile) -> list[str]:
    return [*(each.id for each in office.wallets), *(each.id for each in office.accounts)]


def _filled(query: Mapping[str, str]) -> dict[str, str]:
    """What is known already: of an open line, or of the document that is corrected."""
    given: dict[str, str] = {}
    old = _document(query.get("corrects", ""))
    if old is not None:
        given = {**_cells(old), "id": "", "corrects": old.id}
    line = PostingRow.objects.filter(
        txid=query.get("txid", "")[:64], wallet=query.get("wallet", "")[:64], unexplained=True
    ).first()
    if line is not None:
        given["txid"] = line.txid
        if old is None:
            given |= {
                "account": line.wallet,
                "amount_btc": _btc(abs(line.amount)),
                "at": utc_text(line.time),
            }
    return given


def _document(name: str) -> Document | None:
    office = stored().office
    found = () if office is None else office.documents
    return next((each for each in found if each.id == name), None)


def _cells(document: Document) -> dict[str, str]:
    """A document as its row is written."""
    cells = {
        name: getattr(document, name) or ""
        for name in TABLES["documents"]
        if isinstance(getattr(document, name, None), str)
    }
    cells |= {"reason": document.reason.value, "at": utc_text(document.at)}
    cells["amount_btc"] = _btc(document.amount)
    if document.fiat is not None:
        currency = document.fiat.currency
        digits = minor_digits()[currency]
        cells |= {
            "currency": currency,
            "paid": _major(document.fiat.paid, digits),
            "fees": _major(document.fiat.fees, digits),
        }
    return cells


def _btc(amount: int) -> str:
    return _major(Sats(amount), 8)


def _major(amount: int, digits: int) -> str:
    whole, part = divmod(amount, 10**digits)
    return f"{whole}.{part:0{digits}d}" if digits else str(whole)
