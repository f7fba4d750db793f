"""A copy of another office's feed: pulled piece by piece, verified, never taken back.

Everything that comes from a source is hostile until it leads to a root that the office signed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from khazana.accord.feed.documents import (
    FeedSource,
    Limits,
    MirrorFolder,
    fetched_documents,
    read_state,
)
from khazana.accord.feed.errors import FeedBehind, FeedRefused, FeedTooLarge
from khazana.accord.feed.paths import (
    OFFICE,
    digest_of,
    document_path,
)
from khazana.accord.feed.split_view import require_one_log
from khazana.statement.identity import Office, require_no_rollback
from khazana.statement.log.checkpoint import Checkpoint, checkpoint_of
from khazana.statement.log.entries import (
    AgreementEntry,
    CorrectionEntry,
    DeclarationEntry,
    DisclosureEntry,
    VerdictEntry,
)
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


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """What a pull came to. missing: digests of documents that the log names and nobody served.
    left: entries whose documents the next pull looks for.
    """

    office: Office
    log: LogFiles
    note: Note
    before: int
    documents: int
    missing: tuple[str, ...]
    left: int


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
    state = read_state(folder)
    if state.bytes >= limits.whole:
        raise FeedTooLarge(what="bytes in your copy", found=state.bytes, limit=limits.whole)
    taken = _Taken(min(limits.bundles, limits.whole - state.bytes))
    log = _brought_up(source, log, office, known, note, key, taken)
    state = msgspec.structs.replace(state, bytes=state.bytes + taken.new)
    named = entries_of(log, *WITH_DOCUMENT, start=min(state.entries, log.checkpoint.size))
    state, fetched = fetched_documents(
        source,
        folder,
        ((index, entry.digest) for index, entry in named),
        size=log.checkpoint.size,
        limits=limits,
        state=state,
    )
    return Pulled(
        office=office,
        log=log,
        note=note,
        before=before,
        documents=fetched,
        missing=state.missing,
        left=log.checkpoint.size - state.entries,
    )


WITH_DOCUMENT: tuple[
    type[DisclosureEntry]
    | type[VerdictEntry]
    | type[CorrectionEntry]
    | type[AgreementEntry]
    | type[DeclarationEntry],
    ...,
] = (
    DisclosureEntry,
    VerdictEntry,
    CorrectionEntry,
    AgreementEntry,
    DeclarationEntry,
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
    taken: "_Taken",
) -> LogFiles:
    size = checkpoint_of(note).size
    # A pull that was cut short left whole bundles behind; they save fetching, and prove nothing.
    for keep in (True, False):
        entries = _entries(source, log, size, taken, keep=keep)
        new = followed(log, entries, note, key=key)
        if new is not None:
            return new
    raise _diverged(source, office, log, known, note)


@dataclass
class _Taken:
    """Bytes of entries. new: that were added to the copy."""

    most: int
    new: int = 0

    def add(self, entries: Sequence[bytes]) -> None:
        self.new += sum(map(len, entries))
        if self.new > self.most:
            raise FeedTooLarge(what="bytes of new entries", found=self.new, limit=self.most)


def _entries(
    source: FeedSource, log: LogFiles, size: int, taken: _Taken, *, keep: bool
) -> Iterator[bytes]:
    """The entries after the copy's last one. keep: use what an earlier pull left."""
    taken.new = 0
    start = log.checkpoint.size
    for place in range(start // WIDTH, (size + WIDTH - 1) // WIDTH):
        tile = tile_at(size, level=ENTRIES, index=place)
        found = log.folder.read(tile.path, most=MOST_BUNDLE_BYTES) if keep else None
        raw = found if found is not None else _served(source, tile, most=MOST_BUNDLE_BYTES)
        entries = read_bundle(tile, raw)[max(start - place * WIDTH, 0) :]
        taken.add(entries)
        yield from entries


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
