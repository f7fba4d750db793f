"""What a feed, or a copy of one, shows: its log, who cosigned it, and its verdicts on others."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from khazana.accord.feed.errors import FeedTooLarge
from khazana.accord.feed.mirror import read_document
from khazana.accord.feed.paths import OFFICE
from khazana.accord.feed.records import (
    MOST_RECORD_BYTES,
    FailedFile,
    VerdictRecord,
    read_record,
    require_signed,
)
from khazana.errors import KhazanaError
from khazana.statement.identity import Office
from khazana.statement.log.entries import (
    AnyEntry,
    DisclosureEntry,
    StatementEntry,
    VerdictEntry,
    read_entry,
)
from khazana.statement.log.errors import EntryRefused
from khazana.statement.log.files import LogFiles, LogFolder, verify_whole
from khazana.statement.log.notes import Note
from khazana.statement.log.office_keys import cosigned_by, log_origin, read_office_checkpoint
from khazana.statement.log.office_log import entries_from, open_office_log
from khazana.statement.office_file import MAX_OFFICE_BYTES, Pin, read_office
from khazana.statement.times import read_instant
from khazana.statement.tree import leaf_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryShown:
    """An entry of a log. root: of the statement that it is about; None where it is about none.

    leaf: its hash in the tree, which a verdict names.
    """

    index: int
    issued: datetime
    kind: str
    root: str | None
    leaf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictShown:
    """A signed verdict on entry `on` of the log `log`, by the office whose feed it is in.

    entry: the leaf hash of what it judged. An office that signs two logs has two entries `on`.
    """

    index: int
    log: str
    on: int
    entry: str
    finding: str
    basis: str
    reason: str
    failed: tuple[FailedFile, ...]
    height: int | None
    block: str | None
    signed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CosignatureShown:
    """A witness saw the log with `size` entries, and it began with what it had seen before."""

    witness: str
    size: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class FeedView:
    """A feed as its files show it; every entry was held to the signed root."""

    office: Office
    log: LogFiles
    entries: tuple[EntryShown, ...]
    verdicts: tuple[VerdictShown, ...]

    @property
    def origin(self) -> str:
        return log_origin(self.office.fingerprint)


MOST_ENTRIES = 500_000
"""That a view holds; all of them are in memory."""


def feed_view(
    folder: LogFolder, *, now: datetime, pin: Pin | None = None, most: int = MOST_ENTRIES
) -> FeedView | None:
    """What the folder shows; None where there is no feed in it, refused where it contradicts its
    own signatures. Verdicts whose record is not there, or not signed, are left out.

    pin: whose feed it must be; the newest account that it or the folder has counts.
    """
    raw = folder.read(OFFICE, most=MAX_OFFICE_BYTES)
    if raw is None:
        return None
    office = read_office(raw) if pin is None else pin.admits(read_office(raw))
    log = open_office_log(folder, office)
    if log is None:
        return None
    if log.checkpoint.size > most:
        raise FeedTooLarge(what="entries", found=log.checkpoint.size, limit=most)
    # A full tile is held to the one above only here: else whoever serves the files could change it.
    verify_whole(log)
    raws = list(entries_from(log))
    entries = [(index, _read(each)) for index, each in raws]
    return FeedView(
        office=office,
        log=log,
        entries=tuple(
            _shown(index, entry, raw)
            for (index, entry), (_, raw) in zip(entries, raws, strict=True)
            if entry is not None
        ),
        verdicts=tuple(_verdicts(folder, office, entries, now=now)),
    )


def cosignatures(
    view: FeedView, notes: Iterable[Note], witnesses: Sequence[Office], *, now: datetime
) -> tuple[CosignatureShown, ...]:
    """The newest cosignature of each witness over this very log.

    notes: checkpoints of the log as anybody kept them. One of another log, or that nobody
    cosigned, shows nothing here and is passed over.
    """
    newest: dict[str, CosignatureShown] = {}
    for note in notes:
        for witness in witnesses:
            found = _cosigned(view, note, witness, now=now)
            known = None if found is None else newest.get(found.witness)
            if found is not None and (known is None or found.at > known.at):
                newest[found.witness] = found
    return tuple(newest.values())


def _cosigned(
    view: FeedView, note: Note, witness: Office, *, now: datetime
) -> CosignatureShown | None:
    try:
        checkpoint, _, _ = read_office_checkpoint(note.to_bytes(), view.office)
        at = cosigned_by(note, witness, now=now)
    except KhazanaError:
        return None
    size = checkpoint.size
    if at is None or size > view.log.checkpoint.size:
        return None
    if view.log.tree.root(size) != checkpoint.root:
        return None
    return CosignatureShown(witness=witness.fingerprint, size=size, at=at)


def _read(raw: bytes) -> AnyEntry | None:
    try:
        return read_entry(raw)
    except EntryRefused:
        return None


def _shown(index: int, entry: AnyEntry, raw: bytes) -> EntryShown:
    about = isinstance(entry, (StatementEntry, DisclosureEntry))
    return EntryShown(
        index=index,
        issued=read_instant(entry.issued),
        kind=str(type(entry).__struct_config__.tag),
        root=entry.root if about else None,  # type: ignore[union-attr]
        leaf=leaf_hash(raw).hex(),
    )


def _verdicts(
    folder: LogFolder,
    office: Office,
    entries: Sequence[tuple[int, AnyEntry | None]],
    *,
    now: datetime,
) -> Iterator[VerdictShown]:
    for index, entry in entries:
        if not isinstance(entry, VerdictEntry):
            continue
        try:
            raw = read_document(folder, entry.digest, most=MOST_RECORD_BYTES)
            signed = None if raw is None else read_record(raw)
            at = None if signed is None else require_signed(signed, office, now=now)
        except KhazanaError:
            continue  # its own partner contradicts it; it shows nothing here
        record = None if signed is None else signed.record
        if at is None or not isinstance(record, VerdictRecord):
            continue
        if (record.log, record.index, record.finding) != (entry.log, entry.index, entry.finding):
            continue
        yield VerdictShown(
            index=index,
            log=record.log,
            on=record.index,
            entry=record.entry,
            finding=record.finding,
            basis=record.basis,
            reason=record.reason,
            failed=record.failed,
            height=None if record.block is None else record.block.height,
            block=None if record.block is None else record.block.hash,
            signed_at=at,
        )
