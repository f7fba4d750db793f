"""Reconciliation at the desk: postings with what explains them, documents, papers."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Sum
from django.db.models.functions import Abs
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from khazana.errors import KhazanaError
from khazana.portal.accounts.roles import AUDITS, CONFIRMS, PREPARES
from khazana.portal.accounts.sessions import person_of
from khazana.portal.audit.record import record
from khazana.portal.desk.office_store import files_sha256, stored
from khazana.portal.reconciliation.models import (
    PaperRow,
    PostingRow,
    ProposalRow,
    ProposalState,
    ReadingRow,
)
from khazana.portal.reconciliation.papers import kept
from khazana.portal.reconciliation.reading import ask_for_reading

AT_A_TIME = 50


def reconciliation(request: HttpRequest) -> HttpResponse:
    """What nothing explains comes first, with what might; behind it everything else."""
    reading = ReadingRow.objects.first()
    unexplained = PostingRow.objects.filter(unexplained=True)
    page = Paginator(PostingRow.objects.all(), AT_A_TIME).get_page(request.GET.get("page"))
    context = {
        **person_context(request),
        "reading": reading,
        "behind": reading is None or reading.files != files_sha256(),
        "page": page,
        "open_count": unexplained.count(),
        "open_sum": unexplained.aggregate(sum=Sum(Abs("amount")))["sum"] or 0,
        "findings": [] if reading is None else reading.findings,
        "proposals": ProposalRow.objects.filter(
            state__in=(ProposalState.WAITING, ProposalState.OPEN)
        )[:AT_A_TIME],
        "ended": ProposalRow.objects.exclude(state__in=(ProposalState.WAITING, ProposalState.OPEN))[
            :AT_A_TIME
        ],
    }
    return render(request, "reconciliation/reconciliation.html", context)


def read_again(request: HttpRequest) -> HttpResponse:
    """Ask a worker to read the wallets now."""
    record("reading asked for", actor=person_of(request).username, subject="wallets")
    ask_for_reading()
    return redirect("reconciliation")


def posting(request: HttpRequest, txid: str, wallet: str) -> HttpResponse:
    """All lines of one transaction and wallet."""
    lines = list(PostingRow.objects.filter(txid=txid, wallet=wallet))
    if not lines:
        raise Http404
    context = {**person_context(request), "lines": lines, "first": lines[0]}
    return render(request, "reconciliation/posting.html", context)


def documents(request: HttpRequest) -> HttpResponse:
    """The documents in force and those corrected, each with the other."""
    office = stored().office
    rows: list[dict[str, Any]] = []
    if office is not None:
        corrects = {each.by: each.document.id for each in office.corrected}
        rows += [
            {"it": each, "corrects": corrects.get(each.id), "by": ""} for each in office.documents
        ]
        rows += [
            {"it": each.document, "corrects": corrects.get(each.document.id), "by": each.by}
            for each in office.corrected
        ]
    rows.sort(key=lambda row: row["it"].at, reverse=True)
    page = Paginator(rows, AT_A_TIME).get_page(request.GET.get("page"))
    papers = {each.sha256 for each in PaperRow.objects.all()}
    for row in page:
        row["paper"] = row["it"].file_sha256 in papers
    context = {**person_context(request), "page": page}
    return render(request, "reconciliation/documents.html", context)


def paper(request: HttpRequest, sha256: str) -> HttpResponse:
    """The file of a paper as it came; that it was taken is an act."""
    row = get_object_or_404(PaperRow, sha256=sha256)
    try:
        raw = kept(row.sha256)
    except KhazanaError as error:
        context = {"problems": [str(error)]}
        return render(request, "reconciliation/refused.html", context, status=422)
    record("paper taken", actor=person_of(request).username, subject=row.sha256)
    answer = HttpResponse(raw, content_type="application/octet-stream")
    # Its sender's name is no name for a file here: it could be anything.
    answer.headers["Content-Disposition"] = f'attachment; filename="{row.sha256[:16]}.bin"'
    return answer


def person_context(request: HttpRequest) -> dict[str, Any]:
    """What whoever looks may do."""
    person = person_of(request)
    return {
        "person": person.username,
        "prepares": person.role in PREPARES,
        "confirms": person.role in CONFIRMS,
        "takes": person.role in PREPARES | CONFIRMS | AUDITS,
    }
