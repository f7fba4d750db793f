"""A copy of another office's feed: pulled piece by piece, verified, never taken back.

Everything that comes from a source is hostile until it leads to a root that the office signed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Protocol

import msgspec

from khazana.accord.feed.errors import FeedBehind, FeedRefused, FeedTooLarge
from khazana.accord.feed.paths import (
    MOST_DOCUMENT_BYTES,
    OFFICE,
    digest_of,
    document_path,
)
from khazana.accord.feed.split_view import require_one_log
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.statement.identity import Office, require_no_rollback
from khazana.statement.log.checkpoint import Checkpoint, checkpoint_of
from khazana.statement.log.entries import (
    AgreementEntry,
    CorrectionEntry,
    DisclosureEntry,
    VerdictEntry,
)
from khazana.statement.log.errors import LogDamaged
from khazana.statement.log.files import CHECKPOINT, LogFiles, LogFolder, empty_copy, followed
from khazana.statement.log.notes import MOST_NOTE_BYTES, Note, NoteKey
from khazana.statement.log.office_keys import log_origin, read_office_checkpoint
from khazana.statement.log.office_log import entries_of, note_in, open_office_log
from khazana.statement.log.tiles import (
    ENTRIES,
    HASH_BYTES,
    MOST_BUNDLE_BYTES,
    WIDTH,
    Tile,
    TiledTree,
    read_bundle,
    read_hashes,
    tile_at,
)
from khazana.statement.office_file import MAX_OFFICE_BYTES, Pin, read_office, write_office
from khazana.statement.wire import Hash256

STATE = ".state.json"
MOST_STATE_BYTES = 64 << 20
DOCUMENTS_AT_ONCE = 256
BYTES_AT_ONCE = 64 << 20
"""How many documents become durable together; a pull that is cut short fetches these again."""


class FeedSource(Protocol):
    """Where a feed comes from. Each answer is whatever the source likes to give."""

    def get(self, path: str, *, most: int) -> bytes | None:
        """The file, or None when there is none; raises when it is larger or does not come."""
        ...


class MirrorFolder(LogFolder, Protocol):
    """Where the copy lies."""

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one pull takes at most; what it took is kept, and the next one goes on from there.

    entries: by which the log may have grown. document: bytes of one. documents: bytes of all.
    """

    entries: int = 2_000_000
    document: int = MOST_DOCUMENT_BYTES
    documents: int = 4 << 30


class _State(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far documents were fetched. missing: digests that the feed did not serve so far."""

    format: Literal["khazana.mirror/1"] = "khazana.mirror/1"
    entries: Annotated[int, msgspec.Meta(ge=0)] = 0
    missing: tuple[Hash256, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """What a pull came to. missing: digests of documents that the log names and nobody served."""

    office: Office
    log: LogFiles
    note: Note
    before: int
    documents: int
    missing: tuple[str, ...]


def open_mirror(folder: LogFolder, pin: Pin) -> tuple[Office, LogFiles, Note] | None:
    """The copy as the last pull left it; None where nothing was pulled yet."""
    raw, note = folder.read(OFFICE, most=MAX_OFFICE_BYTES), note_in(folder)
    if raw is None or note is None:
        return None
    office = pin.admits(read_office(raw))
    log = open_office_log(folder, office)
    return None if log is None else (office, log, note)


def pull(
    source: FeedSource, folder: MirrorFolder, pin: Pin, *, now: datetime, limits: Limits
) -> Pulled:
    """Bring the copy up to the source's checkpoint; whatever is refused leaves it as it was.

    pin: the office that the reader means. now: the reader's clock. That the log was only appended
    to follows from the copy's own hashes; where it was not, `SplitViewFound` holds the proof.
    """
    office = _office(source, folder, pin)
    raw = source.get(CHECKPOINT, most=MOST_NOTE_BYTES)
    if raw is None:
        raise FeedRefused(path=CHECKPOINT, problem="there is none")
    checkpoint, note, key = read_office_checkpoint(raw, office, at=now)
    known = note_in(folder)
    log = _known_log(folder, office, key)
    before = log.checkpoint.size
    if checkpoint.size - before > limits.entries:
        more = checkpoint.size - before
        raise FeedTooLarge(what="new entries", found=more, limit=limits.entries)
    if known is not None and checkpoint.size < before:
        _refuse_earlier(office, log, known, note)
    log = _brought_up(source, log, office, known, note, key)
    state, fetched = _fetched_documents(source, folder, log, limits)
    return Pulled(
        office=office,
        log=log,
        note=note,
        before=before,
        documents=fetched,
        missing=state.missing,
    )


WITH_DOCUMENT: tuple[
    type[DisclosureEntry] | type[VerdictEntry] | type[CorrectionEntry] | type[AgreementEntry], ...
] = (
    DisclosureEntry,
    VerdictEntry,
    CorrectionEntry,
    AgreementEntry,
)
"""Kinds of entries whose digest names a document of the feed."""


def read_document(folder: LogFolder, digest: str, *, most: int) -> bytes | None:
    """A document of a feed or of a copy, held to its digest; None where there is none."""
    raw = folder.read(document_path(digest), most=most)
    if raw is not None and digest_of(raw) != digest:
        raise FeedRefused(path=document_path(digest), problem="its bytes have another digest")
    return raw


def _office(source: FeedSource, folder: LogFolder, pin: Pin) -> Office:
    """The office's newest account, which must continue the pinned one and the copy's."""
    raw = source.get(OFFICE, most=MAX_OFFICE_BYTES)
    if raw is None:
        raise FeedRefused(path=OFFICE, problem="there is none")
    office = pin.admits(read_office(raw))
    kept = folder.read(OFFICE, most=MAX_OFFICE_BYTES)
    if kept is not None:
        require_no_rollback(read_office(kept), office)
    written = write_office(office)
    if kept != written:
        with folder.alone():
            folder.write(OFFICE, written)
    return office


def _known_log(folder: LogFolder, office: Office, key: NoteKey) -> LogFiles:
    log = open_office_log(folder, office)
    if log is not None:
        return log
    return empty_copy(folder, origin=log_origin(office.fingerprint), key=key)


def _brought_up(
    source: FeedSource,
    log: LogFiles,
    office: Office,
    known: Note | None,
    note: Note,
    key: NoteKey,
) -> LogFiles:
    size = checkpoint_of(note).size
    # A pull that was cut short left whole bundles behind; they save fetching, and prove nothing.
    for keep in (True, False):
        entries = _entries(source, log, size, keep=keep)
        new = followed(log, entries, note, key=key)
        if new is not None:
            return new
    raise _diverged(source, office, log, known, note)


def _entries(source: FeedSource, log: LogFiles, size: int, *, keep: bool) -> Iterator[bytes]:
    """The entries after the copy's last one. keep: use what an earlier pull left."""
    start = log.checkpoint.size
    for place in range(start // WIDTH, (size + WIDTH - 1) // WIDTH):
        tile = tile_at(size, level=ENTRIES, index=place)
        found = log.folder.read(tile.path, most=MOST_BUNDLE_BYTES) if keep else None
        raw = found if found is not None else _served(source, tile, most=MOST_BUNDLE_BYTES)
        entries = read_bundle(tile, raw)
        yield from entries[max(start - place * WIDTH, 0) :]


def _served(source: FeedSource, tile: Tile, *, most: int) -> bytes:
    raw = source.get(tile.path, most=most)
    if raw is None:
        raise FeedRefused(path=tile.path, problem="the checkpoint needs it and it is not served")
    return raw


def _diverged(
    source: FeedSource, office: Office, log: LogFiles, known: Note | None, note: Note
) -> FeedRefused:
    """Why the served entries do not give the served root; raises the proof against the office.

    The tiles of hashes may still lead to that root; then they show how its tree begins.
    """
    after = checkpoint_of(note)
    if known is not None and after.size == log.checkpoint.size:
        require_one_log(office, note, newer=known, tree=log.tree)
    tree = remote_tree(source, after)
    if tree.root() != after.root:
        problem = "neither its entries nor its tiles give the root that it states"
        return FeedRefused(path=CHECKPOINT, problem=problem)
    if known is not None:
        require_one_log(office, known, newer=note, tree=tree)
    return FeedRefused(path="tile/entries", problem="its entries have other hashes than the tree")


def remote_tree(source: FeedSource, checkpoint: Checkpoint) -> TiledTree:
    """The tree behind a checkpoint as the source serves its tiles, each fetched once."""
    fetched: dict[Tile, tuple[bytes, ...]] = {}

    def hashes(tile: Tile) -> tuple[bytes, ...]:
        if tile not in fetched:
            raw = _served(source, tile, most=WIDTH * HASH_BYTES)
            fetched[tile] = read_hashes(tile, raw)
        return fetched[tile]

    return TiledTree(checkpoint.size, hashes)


def _refuse_earlier(office: Office, log: LogFiles, known: Note, note: Note) -> None:
    """A smaller log than ours is an old copy of it, or another log."""
    require_one_log(office, note, newer=known, tree=log.tree)
    raise FeedBehind(shown=checkpoint_of(note).size, known=log.checkpoint.size)


def _fetched_documents(
    source: FeedSource, folder: MirrorFolder, log: LogFiles, limits: Limits
) -> tuple[_State, int]:
    """Fetch the documents that new entries name, and once more those that did not come before."""
    state = _read_state(folder)
    wanted = dict.fromkeys(state.missing)
    start = min(state.entries, log.checkpoint.size)
    for _, entry in entries_of(log, *WITH_DOCUMENT, start=start):
        wanted[entry.digest] = None
    missing: list[str] = []
    batch: list[tuple[str, bytes]] = []
    fetched, left, held = 0, limits.documents, 0
    for digest in wanted:
        path = document_path(digest)
        if folder.exists(path):
            continue
        raw_document = source.get(path, most=limits.document) if left > 0 else None
        if raw_document is None or digest_of(raw_document) != digest:
            missing.append(digest)  # what has another digest is not the document
            continue
        batch.append((path, raw_document))
        fetched, left, held = fetched + 1, left - len(raw_document), held + len(raw_document)
        if len(batch) == DOCUMENTS_AT_ONCE or held > BYTES_AT_ONCE:
            _write_all(folder, batch)
            held = 0
    _write_all(folder, batch)
    state = _State(entries=log.checkpoint.size, missing=tuple(missing))
    with folder.alone():
        folder.write(STATE, canonical_bytes(msgspec.to_builtins(state)) + b"\n")
    return state, fetched


def _write_all(folder: MirrorFolder, batch: list[tuple[str, bytes]]) -> None:
    if batch:
        with folder.alone():
            folder.write_all(batch)
        batch.clear()


def _read_state(folder: LogFolder) -> _State:
    raw = folder.read(STATE, most=MOST_STATE_BYTES)
    if raw is None:
        return _State()
    try:
        return msgspec.convert(parse_strict(raw), _State)
    except ValueError as error:
        raise LogDamaged(path=STATE, problem=f"{error}; remove it, and pull again") from error
