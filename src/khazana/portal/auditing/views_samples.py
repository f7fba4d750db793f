"""Samples at the desk: announced, drawn, and a finding for each item."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from khazana.errors import KhazanaError
from khazana.portal.accounts.roles import AUDITS
from khazana.portal.accounts.sessions import person_of
from khazana.portal.audit.record import record
from khazana.portal.auditing.files import sent_with
from khazana.portal.auditing.models import AuditRow, SampleRow
from khazana.portal.auditing.samples import (
    announce_sample,
    announcement_of,
    draw_sample,
    find,
    sample_of,
)
from khazana.portal.auditing.views import acted, download
from khazana.reserve.auditing.engagement import OUTCOMES


def audit_announce(request: HttpRequest, pk: int) -> HttpResponse:
    """Announce a sample that a block to come draws."""

    def act(row: AuditRow) -> HttpResponse:
        given = request.POST
        sample = announce_sample(
            row,
            kind=given.get("kind", ""),
            method=given.get("method", ""),
            size=given.get("size", ""),
            height=given.get("height", ""),
            by=person_of(request).username,
            at=timezone.now(),
        )
        return redirect("audit-sample", pk, sample.number)

    return acted(request, pk, act)


def audit_sample(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """The announcement, what was drawn, and the findings; the auditor adds one."""
    row = _sample(pk, number)
    if request.method != "POST":
        return _shown(request, row)
    try:
        papers = sent_with(request, "paper")
        find(
            row,
            item=request.POST.get("item", ""),
            outcome=request.POST.get("outcome", ""),
            note=request.POST.get("note", ""),
            paper=papers[0] if papers else None,
            by=person_of(request).username,
            at=timezone.now(),
        )
    except KhazanaError as error:
        return _shown(request, row, problems=[str(error)])
    return redirect("audit-sample", pk, number)


def audit_draw(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Draw, if the block is there and buried; else say what it waits for."""
    row = _sample(pk, number)
    try:
        draw_sample(row, by=person_of(request).username)
    except KhazanaError as error:
        return _shown(request, row, problems=[str(error)])
    return redirect("audit-sample", pk, number)


def announcement(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """The announcement's file, for whoever draws the sample again."""
    row = _sample(pk, number)
    record("announcement taken", actor=person_of(request).username, subject=row.sha256)
    return download(bytes(row.announcement), f"announcement-{number}.json")


def _sample(pk: int, number: int) -> SampleRow:
    return get_object_or_404(SampleRow.objects.select_related("audit"), audit=pk, number=number)


def _shown(
    request: HttpRequest, row: SampleRow, *, problems: list[str] | None = None
) -> HttpResponse:
    sample = sample_of(row)
    findings = {each.item: each for each in row.findings.select_related("paper")}
    context = {
        "sample": row,
        "announced": announcement_of(row),
        "drawn": sample,
        "items": [] if sample is None else [(i, findings.get(i.id)) for i in sample.items],
        "outcomes": OUTCOMES,
        "audits_here": person_of(request).role in AUDITS,
        "problems": problems or [],
        "given": request.POST,
    }
    return render(request, "auditing/sample.html", context, status=422 if problems else 200)
