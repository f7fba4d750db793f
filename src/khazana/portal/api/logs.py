"""The accord's logs, as answers: what offices entered, who cosigned it, what each found of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from django.db.models import QuerySet
from ninja import Schema
from pydantic import Field, StringConstraints

from khazana.bitcoin.chain import BlockRef
from khazana.portal.accord.models import FeedRow, LogEntryRow, VerdictRow
from khazana.portal.api.asking import Paged, Root
from khazana.portal.api.figures import block_of, notice_of
from khazana.portal.api.schemas import HASH, Answer, Block
from khazana.statement.times import read_instant
from khazana.units import BlockHash, Height

Fingerprint = Annotated[str, StringConstraints(pattern="^[0-9a-f]{8,64}$")]
"""Of an office, which may be shortened to eight digits."""
Kind = Annotated[str, StringConstraints(pattern="^[a-z][a-z-]{0,31}$")]
Finding = Literal["verified", "contradicted", "not-checkable"]


class Cosignature(Answer):
    """A witness, by fingerprint, saw the log with so many entries; it only grew until then."""

    witness: str = Field(pattern=HASH)
    entries: int
    at: datetime


class Log(Answer):
    """An office's log. own: of the portal's own office; else its copy of another's."""

    office: str = Field(pattern=HASH)
    name: dict[str, str]
    own: bool
    entries: int
    root: str = Field(pattern=HASH)
    cosigned: Sequence[Cosignature]
    test: bool
    notice: str | None


class LogEntry(Answer):
    """An entry of a log. issued: in the office's word. statement: the root that it is about."""

    office: str = Field(pattern=HASH)
    entry: int
    issued: datetime
    kind: str
    statement: str | None
    test: bool
    notice: str | None


class FailedCheck(Answer):
    """A check that failed: its name, claimed and found figures, and where."""

    check: str
    text: str
    where: str


class LogVerdict(Answer):
    """What an office says, signed, of an entry of another's log. block: the newest that it saw.

    statement: the root that the judged entry is about, where its log is here with that very entry.
    """

    by: str = Field(pattern=HASH)
    by_entry: int
    office: str = Field(pattern=HASH)
    entry: int
    finding: Finding
    basis: str
    reason: str
    failed: Sequence[FailedCheck]
    block: Block | None
    signed_at: datetime
    statement: str | None
    test: bool
    notice: str | None


class EntryFilter(Schema):
    """office: whose log. kind: such as statement or verdict. statement: about which root."""

    office: Fingerprint | None = None
    kind: Kind | None = None
    statement: Root | None = None


class VerdictFilter(Schema):
    """by: who says it. office: on whose log. statement: about which root."""

    by: Fingerprint | None = None
    office: Fingerprint | None = None
    finding: Finding | None = None
    statement: Root | None = None


class EntriesAsked(Paged, EntryFilter):
    """A part of the list of entries."""


class VerdictsAsked(Paged, VerdictFilter):
    """A part of the list of verdicts."""


def logs_asked() -> QuerySet[FeedRow]:
    """The own log and the copies of others that the operator named."""
    return FeedRow.objects.filter(office__own=True, known=True).select_related("office")


def entries_asked(asked: EntryFilter) -> QuerySet[LogEntryRow]:
    """Entries of all logs, each log in its order."""
    rows = LogEntryRow.objects.filter(feed__in=logs_asked()).select_related("feed__office")
    if asked.office is not None:
        rows = rows.filter(feed__fingerprint__startswith=asked.office)
    if asked.kind is not None:
        rows = rows.filter(kind=asked.kind)
    if asked.statement is not None:
        rows = rows.filter(root__startswith=asked.statement)
    return rows


def verdicts_asked(asked: VerdictFilter) -> QuerySet[VerdictRow]:
    """Verdicts, the newest first."""
    rows = VerdictRow.objects.filter(feed__in=logs_asked()).select_related("feed__office")
    if asked.by is not None:
        rows = rows.filter(feed__fingerprint__startswith=asked.by)
    if asked.office is not None:
        rows = rows.filter(fingerprint__startswith=asked.office)
    if asked.finding is not None:
        rows = rows.filter(finding=asked.finding)
    if asked.statement is not None:
        rows = rows.filter(root__startswith=asked.statement)
    return rows.order_by("-signed_at", "feed", "-index")


def log_item(row: FeedRow) -> Log:
    return Log(
        office=row.fingerprint,
        name=row.name,
        own=row.folder == "feed",
        entries=row.size,
        root=row.root,
        cosigned=[
            Cosignature(witness=each["witness"], entries=each["size"], at=read_instant(each["at"]))
            for each in row.cosigned
        ],
        test=row.office.test,
        notice=notice_of(row.office),
    )


def entry_item(row: LogEntryRow) -> LogEntry:
    return LogEntry(
        office=row.feed.fingerprint,
        entry=row.index,
        issued=row.issued,
        kind=row.kind,
        statement=row.root or None,
        test=row.feed.office.test,
        notice=notice_of(row.feed.office),
    )


def verdict_item(row: VerdictRow) -> LogVerdict:
    return LogVerdict(
        by=row.feed.fingerprint,
        by_entry=row.index,
        office=row.fingerprint,
        entry=row.on,
        finding=row.finding,  # type: ignore[arg-type]
        basis=row.basis,
        reason=row.reason,
        failed=[FailedCheck(**each) for each in row.failed],
        block=None
        if row.height is None
        else block_of(BlockRef(Height(row.height), BlockHash(row.block))),
        signed_at=row.signed_at,
        statement=row.root or None,
        test=row.feed.office.test,
        notice=notice_of(row.feed.office),
    )
