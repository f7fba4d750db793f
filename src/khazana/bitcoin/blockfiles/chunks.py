"""The compiled walk over a run of blocks: the piece of work for one thread, or one machine."""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from khazana.bitcoin.block import HEADER_SIZE
from khazana.bitcoin.blockfiles import kernel
from khazana.bitcoin.blockfiles.directory import KEY_SIZE, MAX_BLOCK_SIZE, BlockDirectory, OpenFiles
from khazana.bitcoin.blockfiles.index import Place
from khazana.bitcoin.blockfiles.records import PREFIX_SIZE
from khazana.bitcoin.blockfiles.tables import Array, ScriptTable
from khazana.bitcoin.blockfiles.walk import digest_of

SHORT = 4
"""A status beside the kernel's: the file ends before the block does."""

_SMALLEST_INPUT = 41
_SMALLEST_TRANSACTION = 10
_HASHING_ROOM = 256
_TREE_ROOM = 64


@dataclass(frozen=True, eq=False)
class Chunk:
    """Consecutive blocks of a chain. first: height of the first. headers: (block, 80) bytes."""

    first: int
    places: tuple[Place, ...]
    headers: Array
    full: bool
    digests: bool

    @property
    def size(self) -> int:
        return sum(place.size for place in self.places)


@dataclass(frozen=True, eq=False)
class Walked:
    """What a chunk may hold for us; fingerprints only.

    status: `kernel.OK`, or what is wrong with the block after the `good` first ones.
    spent, bounds, ours, digests: of the good blocks, see `kernel.walk_blocks`.
    """

    status: int
    good: int
    spent: Array
    bounds: Array
    ours: Array
    digests: tuple[bytes, ...]


class _Room(threading.local):
    """Memory that a thread uses again for every chunk."""

    def __init__(self) -> None:
        self.data = np.empty(0, np.uint8)
        self.spent = np.empty(0, np.uint64)
        self.message = np.empty(0, np.uint8)
        self.ids = np.empty((0, 32), np.uint8)

    def fit(self, *, total: int, largest: int, full: bool) -> None:
        if len(self.data) < total:
            self.data = np.empty(total, np.uint8)
            self.spent = np.empty(total // _SMALLEST_INPUT + 1, np.uint64)
        if len(self.message) < largest + _HASHING_ROOM:
            self.message = np.empty(largest + _HASHING_ROOM, np.uint8)
        rows = tree_rows(largest) if full else 0
        if len(self.ids) < rows:
            self.ids = np.empty((rows, 32), np.uint8)


_room = _Room()


def tree_rows(size: int) -> int:
    """Rows that the Merkle tree of a block of `size` bytes needs at most."""
    return 2 * (size // _SMALLEST_TRANSACTION) + _TREE_ROOM


def walk_chunk(files: OpenFiles, chunk: Chunk, table: ScriptTable) -> Walked:
    """Read a run of blocks and walk them."""
    count = len(chunk.places)
    starts = np.empty(count, np.int64)
    sizes = np.array([place.size for place in chunk.places], np.int64)
    total = int(sizes.sum()) + PREFIX_SIZE * count
    largest = int(sizes.max())
    if largest > MAX_BLOCK_SIZE:
        raise ValueError(f"a block of {largest} bytes")
    _room.fit(total=total, largest=largest, full=chunk.full)
    bounds = np.zeros(count + 1, np.int64)
    ours = np.zeros(count, np.int64)
    there = _read(files, chunk, starts)
    key = files.directory.key
    keys = np.array([key_at(key, place.offset) for place in chunk.places], np.uint64)
    status, good = kernel.walk_blocks(
        _room.data,
        starts[:there],
        starts[:there] + sizes[:there],
        keys,
        files.directory.is_obfuscated,
        chunk.headers,
        table.prints,
        table.bits,
        table.lengths,
        _room.spent,
        chunk.full,
        _room.message,
        _room.ids,
        bounds,
        ours,
    )
    if status == kernel.OK and there < count:
        status = SHORT
    digests: tuple[bytes, ...] = ()
    if chunk.digests:
        view = _room.data.data
        digests = tuple(
            digest_of(view[start : start + size])
            for start, size in zip(starts[:good].tolist(), sizes[:good].tolist(), strict=True)
        )
    spent = _room.spent[: bounds[good]].copy()
    return Walked(int(status), int(good), spent, bounds[: good + 1], ours[:good], digests)


def walk_elsewhere(directory: BlockDirectory, chunk: Chunk, table: ScriptTable) -> Walked:
    """The same where no file is open yet: on another machine that has the same files."""
    with OpenFiles(directory) as files:
        return walk_chunk(files, chunk, table)


def _read(files: OpenFiles, chunk: Chunk, starts: Array) -> int:
    """Read the blocks into the room, neighbours on the disk in one go.

    Gives how many of them are whole: a file may have become too short for the next.
    """
    view = _room.data.data
    at = 0
    begin = 0
    while begin < len(chunk.places):
        first = chunk.places[begin]
        end, offset = begin, first.offset
        while (
            end < len(chunk.places)
            and chunk.places[end].file == first.file
            and chunk.places[end].offset == offset
        ):
            starts[end] = at + offset - first.offset
            offset += chunk.places[end].size + PREFIX_SIZE
            end += 1
        size = offset - PREFIX_SIZE - first.offset
        done = files.file(first.file).read_into(view[at : at + size], first.offset)
        if done < size:
            return begin + sum(
                1 for i in range(begin, end) if starts[i] - at + chunk.places[i].size <= done
            )
        at += size
        begin = end
    return begin


def key_at(key: bytes, offset: int) -> Any:
    """The key as it applies from an offset on, as the kernels take it."""
    turn = offset % KEY_SIZE
    return np.uint64(int.from_bytes(key[turn:] + key[:turn], "little"))


def headers_of(headers: bytes) -> Array:
    """Headers one after the other, as rows."""
    return np.frombuffer(headers, np.uint8).reshape(-1, HEADER_SIZE)
