"""A log as files that any web server can serve, appended to so that no crash forks or shortens it.

Tiles are written first, under paths that no published checkpoint needs; then the checkpoint takes
the old one's place in one step. Before that step the log is the old one, after it the new one.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.statement.keys import public_bytes
from khazana.statement.log.checkpoint import (
    Checkpoint,
    checkpoint_of,
    read_checkpoint,
    sign_checkpoint,
)
from khazana.statement.log.errors import LogDamaged, LogMoved, TileRefused
from khazana.statement.log.notes import MOST_NOTE_BYTES, Note, NoteKey
from khazana.statement.log.tiles import (
    ENTRIES,
    HASH_BYTES,
    MOST_BUNDLE_BYTES,
    WIDTH,
    Tile,
    TiledTree,
    bundle_bytes,
    edge_tiles,
    read_bundle,
    read_hashes,
    root_of_edge,
    tile_at,
)
from khazana.statement.tree import EMPTY_ROOT, leaf_hash, root_of

CHECKPOINT = "checkpoint"
TILES_KEPT = 256
"""Two megabytes of hashes: every proof shares the upper tiles with the one before."""
FILES_AT_ONCE = 64
"""Tiles that become durable together. None of them counts before the checkpoint does."""


class LogFolder(Protocol):
    """Where the files lie. Paths are relative, with slashes."""

    def read(self, path: str, *, most: int) -> bytes | None:
        """The file's bytes, or None when there is none; refuses one larger than `most`."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Put the file in place in one step, and return when it will survive a power cut."""
        ...

    def write_all(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Put each file in place in one step, and return when all will survive a power cut."""
        ...

    def alone(self) -> AbstractContextManager[None]:
        """Keep every other writer out for as long as the block lasts."""
        ...


@dataclass(frozen=True)
class LogFiles:
    """A log in a folder, as its checkpoint states it. key: the log's own, of type 1.

    edge: the hashes of the partial tiles, level by level; they alone give the root.
    """

    folder: LogFolder
    key: NoteKey
    checkpoint: Checkpoint
    edge: tuple[tuple[bytes, ...], ...]

    @cached_property
    def tree(self) -> TiledTree:
        """The tree, for proofs; a tile is read when a proof needs it, and the last ones are kept.

        What is kept cannot grow old: a tile that this checkpoint needs never changes.
        """
        kept = lru_cache(TILES_KEPT)(lambda tile: _hashes(self.folder, tile))
        return TiledTree(self.checkpoint.size, kept)

    def entry(self, index: int) -> bytes:
        """The bytes of an entry, which must give the hash that the tree holds for it."""
        if not 0 <= index < self.checkpoint.size:
            raise ValueError(f"entry {index} is not in a log of {self.checkpoint.size}")
        place, at = divmod(index, WIDTH)
        bundle = tile_at(self.checkpoint.size, level=ENTRIES, index=place)
        entry = _bundle(self.folder, bundle)[at]
        if leaf_hash(entry) != _hashes(self.folder, Tile(0, place, bundle.width))[at]:
            raise LogDamaged(path=bundle.path, problem=f"entry {index} has another hash")
        return entry


def new_log(
    folder: LogFolder, private: Ed25519PrivateKey, *, origin: str, name: str | None = None
) -> LogFiles:
    """An empty log in a folder that holds none. name: of the key, if it is not the origin."""
    key = NoteKey(name or origin, public_bytes(private))
    with folder.alone():
        if folder.read(CHECKPOINT, most=MOST_NOTE_BYTES) is not None:
            raise LogDamaged(path=CHECKPOINT, problem="the folder holds a log already")
        empty = Checkpoint(origin, 0, EMPTY_ROOT)
        folder.write(CHECKPOINT, sign_checkpoint(empty, private, name=key.name).to_bytes())
    return LogFiles(folder, key, empty, ())


def open_log(folder: LogFolder, *, origin: str, key: NoteKey) -> LogFiles:
    """The log in a folder: its signature, and that the tiles at its edge give its root.

    The last bundle must give the last tile. Older tiles are read by `verify_whole`.
    """
    checkpoint = _checkpoint(folder, origin, key)
    size = checkpoint.size
    edge: list[tuple[bytes, ...]] = [()] * ((size.bit_length() + 7) // 8)
    for tile in edge_tiles(size):
        edge[tile.level] = _hashes(folder, tile)
    if root_of_edge(edge) != checkpoint.root:
        raise LogDamaged(path=CHECKPOINT, problem="the tiles give another root than it states")
    log = LogFiles(folder, key, checkpoint, tuple(edge))
    if size:
        bundle_of(log, (size - 1) // WIDTH)
    return log


def verify_whole(log: LogFiles) -> None:
    """Read every tile and every entry, and hash all of it again up to the root."""
    size, level = log.checkpoint.size, 0
    for index in range((size + WIDTH - 1) // WIDTH):
        bundle_of(log, index)
    while size >> 8 * (level + 1):
        above = size >> 8 * (level + 1)
        for index in range(above):
            tile = Tile(level, index)
            up = tile_at(size, level=level + 1, index=index // WIDTH)
            if root_of(_hashes(log.folder, tile)) != _hashes(log.folder, up)[index % WIDTH]:
                raise LogDamaged(path=tile.path, problem="the level above holds another hash")
        level += 1
    if log.tree.root() != log.checkpoint.root:
        raise LogDamaged(path=CHECKPOINT, problem="the tiles give another root than it states")


def appended(log: LogFiles, entries: Sequence[bytes], private: Ed25519PrivateKey) -> LogFiles:
    """The log with these entries after its last one, all of them or none.

    A crash before the last write leaves tiles that no checkpoint needs; the next append writes
    over them.
    """
    if NoteKey(log.key.name, public_bytes(private)) != log.key:
        raise ValueError("this is not the log's key")
    if not entries:
        return log
    bundle_bytes(entries)  # refuses an entry that is too large before anything is written
    with log.folder.alone():
        _require_unmoved(log)
        edge = _write_tiles(log, entries)
        size = log.checkpoint.size + len(entries)
        after = Checkpoint(log.checkpoint.origin, size, root_of_edge(edge))
        signed = sign_checkpoint(after, private, name=log.key.name)
        log.folder.write(CHECKPOINT, signed.to_bytes())
    return LogFiles(log.folder, log.key, after, edge)


def resigned(log: LogFiles, private: Ed25519PrivateKey) -> LogFiles:
    """The same tree under a checkpoint signed by another key of the log, after a rotation."""
    key = NoteKey(log.key.name, public_bytes(private))
    with log.folder.alone():
        _require_unmoved(log)
        signed = sign_checkpoint(log.checkpoint, private, name=key.name)
        log.folder.write(CHECKPOINT, signed.to_bytes())
    return LogFiles(log.folder, key, log.checkpoint, log.edge)


def followed(
    log: LogFiles, entries: Iterable[bytes], note: Note, *, key: NoteKey
) -> LogFiles | None:
    """A copy of somebody's log with the entries that its new checkpoint has more; None if they
    do not give its root, with the checkpoint left as it was.

    log: the copy so far. note: the new checkpoint, which the caller has verified as signed by
    `key`. Entries are read as they are needed, none beyond the new size. The copy's own hashes
    lead to the new root, so that the new tree begins with the old one: no other proof is needed.
    """
    after = checkpoint_of(note)
    more = after.size - log.checkpoint.size
    if more < 0 or after.origin != log.checkpoint.origin:
        raise ValueError("a log is followed to a later state of itself")
    with log.folder.alone():
        _require_unmoved(log)
        edge = _write_tiles(log, islice(entries, more)) if more else log.edge
        if root_of_edge(edge) != after.root:
            return None
        log.folder.write(CHECKPOINT, note.to_bytes())
    return LogFiles(log.folder, key, after, edge)


def empty_copy(folder: LogFolder, *, origin: str, key: NoteKey) -> LogFiles:
    """Somebody's log before any of it is copied; the folder must hold no checkpoint."""
    if folder.read(CHECKPOINT, most=MOST_NOTE_BYTES) is not None:
        raise LogDamaged(path=CHECKPOINT, problem="the folder holds a log already")
    return LogFiles(folder, key, Checkpoint(origin, 0, EMPTY_ROOT), ())


def _require_unmoved(log: LogFiles) -> None:
    """Nobody wrote to the folder since the log was opened."""
    raw = log.folder.read(CHECKPOINT, most=MOST_NOTE_BYTES)
    if raw is None and log.checkpoint.size == 0:
        return
    now = _checkpoint(log.folder, log.checkpoint.origin, log.key)
    if now != log.checkpoint:
        raise LogMoved(expected=log.checkpoint.size, found=now.size)


def _write_tiles(log: LogFiles, entries: Iterable[bytes]) -> tuple[tuple[bytes, ...], ...]:
    """Write all tiles that the longer log has and the old one has not; its edge."""
    edge = [list(hashes) for hashes in log.edge] or [[]]
    tiles = _new_tiles(log, entries, edge)
    while batch := list(islice(tiles, FILES_AT_ONCE)):
        log.folder.write_all(batch)
    return tuple(tuple(hashes) for hashes in edge)


def _new_tiles(
    log: LogFiles, entries: Iterable[bytes], edge: list[list[bytes]]
) -> Iterator[tuple[str, bytes]]:
    """The new tiles' paths and contents, leaving in `edge` the hashes of the partial ones."""
    size, touched = log.checkpoint.size, set()
    bundle: list[bytes] = []
    if size % WIDTH:
        bundle += _bundle(log.folder, Tile(ENTRIES, size // WIDTH, size % WIDTH))
    for entry in entries:
        bundle.append(entry)
        edge[0].append(leaf_hash(entry))
        touched.add(0)
        size += 1
        if size % WIDTH == 0:
            yield Tile(ENTRIES, size // WIDTH - 1).path, bundle_bytes(bundle)
            bundle.clear()
        level = 0
        while len(edge[level]) == WIDTH:
            full = Tile(level, (size >> 8 * (level + 1)) - 1)
            yield full.path, b"".join(edge[level])
            if level + 1 == len(edge):
                edge.append([])
            edge[level + 1].append(root_of(edge[level]))
            touched.add(level + 1)
            edge[level].clear()
            level += 1
    if bundle:
        yield Tile(ENTRIES, size // WIDTH, len(bundle)).path, bundle_bytes(bundle)
    for tile in edge_tiles(size):
        if tile.level in touched:
            yield tile.path, b"".join(edge[tile.level])


def _checkpoint(folder: LogFolder, origin: str, key: NoteKey) -> Checkpoint:
    raw = folder.read(CHECKPOINT, most=MOST_NOTE_BYTES)
    if raw is None:
        raise LogDamaged(path=CHECKPOINT, problem="the folder holds no checkpoint")
    return read_checkpoint(raw, origin=origin, key=key)[0]


def bundle_of(log: LogFiles, index: int) -> tuple[bytes, ...]:
    """The entries of one bundle, which must give the hashes that the tree holds for them."""
    bundle = tile_at(log.checkpoint.size, level=ENTRIES, index=index)
    entries = _bundle(log.folder, bundle)
    if tuple(map(leaf_hash, entries)) != _hashes(log.folder, Tile(0, index, bundle.width)):
        raise LogDamaged(path=bundle.path, problem="its entries have other hashes than the tree")
    return entries


def _hashes(folder: LogFolder, tile: Tile) -> tuple[bytes, ...]:
    return read_hashes(tile, _file(folder, tile, most=WIDTH * HASH_BYTES))


def _bundle(folder: LogFolder, tile: Tile) -> tuple[bytes, ...]:
    return read_bundle(tile, _file(folder, tile, most=MOST_BUNDLE_BYTES))


def _file(folder: LogFolder, tile: Tile, *, most: int) -> bytes:
    raw = folder.read(tile.path, most=most)
    if raw is None:
        raise TileRefused(path=tile.path, problem="it is missing")
    return raw
