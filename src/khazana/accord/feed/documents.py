"""The documents of a copied feed: fetched as far as the limits go, and on from there next time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Literal, Protocol

import msgspec

from khazana.accord.feed.errors import FileTooLarge
from khazana.accord.feed.paths import MOST_DOCUMENT_BYTES, digest_of, document_path
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.statement.log.errors import LogDamaged
from khazana.statement.log.files import LogFolder
from khazana.statement.wire import Hash256

STATE = ".state.json"
MOST_STATE_BYTES = 64 << 20
MOST_MISSING = 10_000
"""Digests nobody served that are remembered, the newest: others are asked for no more."""
MOST_ASKED_AGAIN = 1_000
"""Of these, in one pull."""
ASKED_AT_ONCE = 1_000
"""Requests after which it is written down how far the documents are."""
DOCUMENTS_AT_ONCE = 256
BYTES_AT_ONCE = 64 << 20
"""How many documents become durable together; a pull that is cut short fetches these again."""


class FeedSource(Protocol):
    """Where a feed comes from. Each answer is whatever the source likes to give."""

    def get(self, path: str, *, most: int) -> bytes | None:
        """The file, or None when there is none; FileTooLarge, or another error when it does not
        come.
        """
        ...


class MirrorFolder(LogFolder, Protocol):
    """Where the copy lies."""

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one pull takes at most; what it took is kept, and the next one goes on from there.

    entries: by which the log may have grown. bundles: bytes of these. document: bytes of one.
    documents: bytes of all. whole: bytes of the copy, after many pulls.
    """

    entries: int = 2_000_000
    bundles: int = 2 << 30
    document: int = MOST_DOCUMENT_BYTES
    documents: int = 4 << 30
    whole: int = 64 << 30


class MirrorState(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far documents were fetched. missing: digests that the feed did not serve so far. bytes:
    of the documents and entries that the copy has.
    """

    format: Literal["khazana.mirror/1"] = "khazana.mirror/1"
    entries: Annotated[int, msgspec.Meta(ge=0)] = 0
    missing: tuple[Hash256, ...] = ()
    bytes: Annotated[int, msgspec.Meta(ge=0)] = 0


@dataclass
class _Fetching:
    """Documents on their way into the copy. left: bytes that may still come."""

    source: FeedSource
    folder: MirrorFolder
    most: int
    left: int
    fetched: int = 0
    came: int = 0
    asked: int = 0
    _batch: list[tuple[str, bytes]] = field(default_factory=list)
    _coming: set[str] = field(default_factory=set)
    _held: int = 0

    def has(self, digest: str) -> bool:
        """Whether the document is here, perhaps now. What has another digest is not it."""
        path = document_path(digest)
        if digest in self._coming or self.folder.exists(path):
            return True
        self.asked += 1
        try:
            raw = self.source.get(path, most=self.most)
        except FileTooLarge:
            self.left -= self.most
            return False
        if raw is None:
            return False
        self.left -= len(raw)
        if digest_of(raw) != digest:
            return False
        self._batch.append((path, raw))
        self._coming.add(digest)
        self.fetched, self.came = self.fetched + 1, self.came + len(raw)
        self._held += len(raw)
        return True

    @property
    def due(self) -> bool:
        """Whether enough came together to make it durable."""
        return len(self._batch) >= DOCUMENTS_AT_ONCE or self._held > BYTES_AT_ONCE

    def flush(self) -> None:
        if self._batch:
            with self.folder.alone():
                self.folder.write_all(self._batch)
        self._batch.clear()
        self._coming.clear()
        self._held = 0


def fetched_documents(
    source: FeedSource,
    folder: MirrorFolder,
    named: Iterable[tuple[int, str]],
    *,
    size: int,
    limits: Limits,
    state: MirrorState,
) -> tuple[MirrorState, int]:
    """Fetch the documents that new entries name, then again some that did not come before.

    New ones first, and how far it came is kept whatever ends it: digests that nobody ever serves
    must not use up the time of those that are served. named: digests by the number of the entry,
    from `state.entries` on. size: of the log.
    """
    left = min(limits.documents, limits.whole - state.bytes)
    fetching = _Fetching(source, folder, limits.document, left)
    missing = dict.fromkeys(state.missing)
    before, done = state.bytes, min(state.entries, size)

    def kept() -> MirrorState:
        fetching.flush()
        for digest in tuple(missing)[:-MOST_MISSING]:
            del missing[digest]
        return _kept(folder, done, missing, before + fetching.came)

    try:
        for index, digest in named:
            if fetching.left <= 0:
                break
            if not fetching.has(digest):
                missing[digest] = None
            done = index + 1
            if fetching.due or fetching.asked >= ASKED_AT_ONCE:
                fetching.asked = 0
                kept()
        else:
            done = size
            for digest in tuple(state.missing)[:MOST_ASKED_AGAIN]:
                if fetching.left <= 0:
                    break
                here = fetching.has(digest)
                missing.pop(digest, None)
                if not here:
                    missing[digest] = None  # behind the others, which come first next time
    finally:
        state = kept()
    return state, fetching.fetched


def _kept(folder: MirrorFolder, done: int, missing: Iterable[str], size: int) -> MirrorState:
    state = MirrorState(entries=done, missing=tuple(missing), bytes=size)
    with folder.alone():
        folder.write(STATE, canonical_bytes(msgspec.to_builtins(state)) + b"\n")
    return state


def read_state(folder: LogFolder) -> MirrorState:
    raw = folder.read(STATE, most=MOST_STATE_BYTES)
    if raw is None:
        return MirrorState()
    try:
        return msgspec.convert(parse_strict(raw), MirrorState)
    except ValueError as error:
        raise LogDamaged(path=STATE, problem=f"{error}; remove it, and pull again") from error
