"""Proposals at the desk: exactly what would be written, what it changes, and who agrees."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from khazana.errors import KhazanaError
from khazana.portal.accounts.sessions import person_of
from khazana.portal.desk.office_store import TABLES, files_sha256, stored
from khazana.portal.reconciliation.models import PaperRow, ProposalRow, ProposalState
from khazana.portal.reconciliation.papers import PAPER_COLUMN
from khazana.portal.reconciliation.proposals import confirm, counted, decline, still_needed
from khazana.portal.reconciliation.views import person_context


def proposal(request: HttpRequest, pk: int) -> HttpResponse:
    """One proposal, and what whoever looks may do next."""
    return _shown(request, pk)


def proposal_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """One of the two others agrees to the bytes that the page showed."""

    def act(by: str) -> None:
        confirm(pk, by=by, seen=request.POST.get("seen", ""), at=timezone.now())

    return _acted(request, pk, act)


def proposal_decline(request: HttpRequest, pk: int) -> HttpResponse:
    """Nobody will write it: by who confirms, or by who prepared it."""

    def act(by: str) -> None:
        decline(pk, by=by, word=request.POST.get("word", ""), at=timezone.now())

    return _acted(request, pk, act)


def _acted(request: HttpRequest, pk: int, act: Callable[[str], None]) -> HttpResponse:
    get_object_or_404(ProposalRow, pk=pk)
    try:
        act(person_of(request).username)
    except KhazanaError as error:
        return _shown(request, pk, problems=[str(error)])
    return redirect("proposal", pk)


def _shown(request: HttpRequest, pk: int, *, problems: list[str] | None = None) -> HttpResponse:
    row = get_object_or_404(ProposalRow, pk=pk)
    person = person_context(request)
    agreed = counted(row)
    context = {
        **person,
        "proposal": row,
        "rows": [_row(row.table, cells) for cells in row.rows],
        "effect": row.effect,
        "agreed": agreed,
        "missing": still_needed(row),
        "waiting": row.state == ProposalState.WAITING,
        "changed": row.state == ProposalState.OPEN and row.base != files_sha256(),
        "may_confirm": person["confirms"]
        and row.state == ProposalState.OPEN
        and row.by != person["person"]
        and person["person"] not in agreed,
        "may_decline": row.state in (ProposalState.OPEN, ProposalState.WAITING)
        and (person["confirms"] or person["prepares"]),
        "problems": problems or [],
    }
    return render(request, "reconciliation/proposal.html", context, status=422 if problems else 200)


def _row(table: str, cells: dict[str, str]) -> dict[str, Any]:
    """A row with its cells in the table's order, its paper, and the document that it corrects."""
    paper = PaperRow.objects.filter(sha256=cells.get(PAPER_COLUMN, "")).first()
    office = stored().office
    old = None
    if office is not None and cells.get("corrects"):
        known = {each.id: each for each in office.documents}
        known |= {each.document.id: each.document for each in office.corrected}
        old = known.get(cells["corrects"])
    ordered = [(column, cells[column]) for column in TABLES[table] if column in cells]
    return {"cells": ordered, "paper": paper, "old": old}
