"""Samples at the desk: announced into the audit log, drawn by a block, and what was found."""

from datetime import datetime
from typing import cast

from django.conf import settings

from khazana.bitcoin.adapters.source import open_chain
from khazana.bitcoin.chain import ChainView
from khazana.portal.audit.record import record
from khazana.portal.auditing.engagements import MOST_TEXT, AuditRefused, alone
from khazana.portal.auditing.files import Sent, clean, keep
from khazana.portal.auditing.models import AuditRow, FindingRow, SampleRow
from khazana.reserve.auditing.announcement import (
    Announcement,
    Sample,
    announce,
    drawing_block,
    read_announcement,
    read_sample,
    sample_by,
    write_announcement,
    write_sample,
)
from khazana.reserve.auditing.check import ANNOUNCED, DREW
from khazana.reserve.auditing.draw import METHODS
from khazana.reserve.auditing.engagement import OUTCOMES
from khazana.reserve.auditing.population import KINDS, Kind, Population, population_of
from khazana.reserve.reading import read_reserve_statement


def announce_sample(
    audit: AuditRow, *, kind: str, method: str, size: str, height: str, by: str, at: datetime
) -> SampleRow:
    """Announce a sample: the chain is asked for its tip, and the log is told in one transaction."""
    if kind not in KINDS or method not in METHODS:
        raise AuditRefused(problem="choose what to draw from, and how")
    announcement = announce(
        read_reserve_statement(bytes(audit.statement)),
        population_for(audit, kind),
        method=method,
        size=_number(size, "the size"),
        height=_number(height, "the height"),
        tip=_chain().tip(),
        by=by,
        at=at.replace(microsecond=0),
    )
    raw, sha256 = write_announcement(announcement), announcement.sha256
    with alone(audit):
        if SampleRow.objects.filter(sha256=sha256).exists():
            raise AuditRefused(problem="the same sample is announced already")
        number = audit.samples.count() + 1
        row = SampleRow.objects.create(audit=audit, number=number, announcement=raw, sha256=sha256)
        detail = {
            "height": str(announcement.height),
            "newest block": f"{announcement.known.height} {announcement.known.hash}",
            "population": announcement.population.sha256,
        }
        record(ANNOUNCED, actor=by, subject=sha256, detail=detail)
    return row


def draw_sample(row: SampleRow, *, by: str) -> Sample:
    """Ask the chain for the block that was announced, and write down what follows from it."""
    announcement = announcement_of(row)
    population = population_for(row.audit, announcement.population.kind)
    sample = sample_by(announcement, population, drawing_block(announcement, _chain()))
    with alone(row.audit):
        if not SampleRow.objects.filter(pk=row.pk, drawn=None).update(drawn=write_sample(sample)):
            raise AuditRefused(problem="it is drawn already")
        detail = {"block": f"{sample.block.height} {sample.block.hash}"}
        record(DREW, actor=by, subject=row.sha256, detail=detail)
    return sample


def find(
    row: SampleRow,
    *,
    item: str,
    outcome: str,
    note: str,
    paper: Sent | None,
    by: str,
    at: datetime,
) -> None:
    """What the auditor saw of an item of the sample."""
    sample = sample_of(row)
    if sample is None or item not in {each.id for each in sample.items}:
        raise AuditRefused(problem="this was not drawn")
    if outcome not in OUTCOMES:
        raise AuditRefused(problem="it agrees, it differs, or it was not seen")
    words = clean(note)
    if len(words) > MOST_TEXT or (outcome != "agrees" and not words):
        raise AuditRefused(problem=f"the note has 1 to {MOST_TEXT} characters where it disagrees")
    with alone(row.audit):
        file = None if paper is None else keep(row.audit, paper)
        FindingRow.objects.create(
            sample=row, item=item, outcome=outcome, note=words, paper=file, by=by, at=at
        )
        detail = {"item": item[:200], "outcome": outcome}
        if file is not None:
            detail["paper"] = file.sha256
        record("audit finding", actor=by, subject=row.sha256, detail=detail)


def population_for(audit: AuditRow, kind: str) -> Population:
    """The population that the audit's statement gives."""
    return population_of(read_reserve_statement(bytes(audit.statement)), cast(Kind, kind))


def announcement_of(row: SampleRow) -> Announcement:
    return read_announcement(bytes(row.announcement))


def sample_of(row: SampleRow) -> Sample | None:
    """What was drawn; None before."""
    return None if row.drawn is None else read_sample(bytes(row.drawn))


def _chain() -> ChainView:
    if not settings.DESK_SOURCE:
        raise AuditRefused(problem="the desk was started without --chain and sees no blocks")
    return open_chain(settings.DESK_SOURCE)


def _number(text: str, what: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise AuditRefused(problem=f"{what} is a whole number")
    return int(text)
