"""The compiled builder: from a section to the file of all nodes, in bounded memory on some threads.

Positions are permuted, so leaves come in any order. Each is first appended to the bucket of 2^17
positions that it belongs to: in memory as far as the builder may use it, for the rest in the place
where the bucket will stand in the file, with offsets in a second file. Then each bucket is put in
order in memory, and hashed up as far as it reaches.
"""

import hashlib
import os
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from khazana.supervision.solvency.encoding import NODE_BYTES
from khazana.supervision.solvency.errors import ExtractRefused, PlanRefused
from khazana.supervision.solvency.extract import Section, Survey
from khazana.supervision.solvency.fast_rows import (
    Rows,
    pieces,
    survey_fast,
    taken_apart,
    total_and_leaves,
)
from khazana.supervision.solvency.kernel_leaves import (
    chained,
    derive_keys,
    place_leaves,
    put_dummies,
    put_leaves,
    sort_places,
)
from khazana.supervision.solvency.kernel_tree import OK, fill_level, pad_node, put_in_order
from khazana.supervision.solvency.plan import Plan, depth_of, nodes_at
from khazana.supervision.solvency.positions import positions
from khazana.supervision.solvency.tree import dummy_key
from khazana.supervision.solvency.tree_file import level_starts

BUCKET_BITS = 17
BATCH = 1 << 18
"""Dummies that a thread makes at a time."""
OFFSET_BYTES = 4

Leaves = tuple[int, Callable[[Any, Any, Any], None]]
"""How many leaves, and what hashes them, given their places, their slots and room for nodes."""


class _Room(threading.local):
    """Arrays that a thread uses again: fresh memory costs as much as a third of the hashing."""

    def of(self, name: str, count: int, kind: Any) -> Any:
        held = self.__dict__.get(name)
        if held is None or len(held) < count:
            held = self.__dict__[name] = np.empty(count, kind)
        return held[:count]


class Places:
    """A permutation, as `positions` makes it, for many leaves at a time."""

    def __init__(self, key: bytes, leaves: int) -> None:
        where = positions(key, leaves)
        width = np.uint16 if where.right_bits <= 16 else np.uint32
        self._leaves, self._right_bits = leaves, where.right_bits
        self._tables = np.zeros((len(where.tables), 1 << where.right_bits), width)
        for turn, table in enumerate(where.tables):
            self._tables[turn, : len(table)] = table

    def put(self, numbers: Any, found: Any) -> None:
        place_leaves(numbers, self._leaves, self._right_bits, self._tables, found)


def hmac_pads(key: bytes) -> tuple[Any, Any]:
    """HMAC-SHA-256's chaining values after the inner and the outer pad."""
    padded = key.ljust(64, b"\0")
    inner = chained(np.frombuffer(bytes(b ^ 0x36 for b in padded), np.uint8))
    outer = chained(np.frombuffer(bytes(b ^ 0x5C for b in padded), np.uint8))
    return inner, outer


def build_into(
    section: Section, plan: Plan, out: Path, *, threads: int, memory_bytes: int
) -> tuple[Survey, int]:
    """Write all nodes to `out`; what the section holds, and how many leaves the tree has.

    memory_bytes: for leaves that wait, besides some 300 MiB; what goes beyond waits on disk.
    """
    found = survey_fast(section, plan.tree, plan.splitting, threads=threads)
    leaves = plan.leaves if plan.leaves is not None else max(1, found.leaves)
    if found.leaves > leaves:
        raise PlanRefused(problem=f"the balances need {found.leaves} leaves, the plan has {leaves}")
    digest = hashlib.sha256()
    given = _all_leaves(section, plan, digest, customers=found.leaves, leaves=leaves)
    write_tree(given, plan, leaves, out, threads=threads, memory_bytes=memory_bytes)
    if digest.hexdigest() != found.sha256:
        raise ExtractRefused(
            file=section.path.name, problems=("the file changed while it was read",), more=0
        )
    return found, leaves


def _all_leaves(
    section: Section, plan: Plan, digest: Any, *, customers: int, leaves: int
) -> Iterator[Leaves]:
    """The leaves of every row, then the dummies."""
    pads = hmac_pads(plan.key)
    number = 0
    for raw in pieces(section, digest):
        rows, _ = taken_apart(raw, plan.tree, plan.splitting)
        _, more = total_and_leaves(rows, plan.splitting)
        number += more
        if number > customers:
            return  # not the file that was surveyed: its digest will say so
        yield more, _Customers(rows, plan, pads)
    nobody = np.frombuffer(dummy_key(plan), np.uint8)
    for first in range(0, leaves - number, BATCH):
        count = min(BATCH, leaves - number - first)
        yield count, _Dummies(nobody, first, plan.tree.epoch)


class KeyedLeaves:
    """Customers whose keys are known, and their leaves are to be hashed. keys: 32 bytes each."""

    def __init__(self, keys: Any, amounts: Any, plan: Plan) -> None:
        self._keys, self._amounts, self._plan = keys, amounts, plan

    def __call__(self, places: Any, slots: Any, nodes: Any) -> None:
        splitting = self._plan.splitting
        put_leaves(
            self._keys,
            self._amounts,
            self._plan.tree.epoch,
            splitting.shares,
            splitting.most_per_leaf,
            places,
            slots,
            nodes,
        )


class _Customers:
    """Some rows whose keys are to be derived and whose leaves are to be hashed."""

    def __init__(self, rows: Rows, plan: Plan, pads: tuple[Any, Any]) -> None:
        self._rows, self._plan, self._pads = rows, plan, pads

    def __call__(self, places: Any, slots: Any, nodes: Any) -> None:
        rows = self._rows
        keys, none = np.empty(32 * rows.count, np.uint8), np.empty(0, np.uint8)
        derive_keys(rows.data, rows.starts, rows.sizes, rows.owns, *self._pads, keys, none)
        KeyedLeaves(keys, rows.amounts, self._plan)(places, slots, nodes)


class _Dummies:
    """Leaves of nobody."""

    def __init__(self, key: Any, first: int, epoch: int) -> None:
        self._key, self._first, self._epoch = key, first, epoch

    def __call__(self, places: Any, slots: Any, nodes: Any) -> None:
        put_dummies(self._key, self._first, self._epoch, places, slots, nodes)


def write_tree(
    given: Iterator[Leaves],
    plan: Plan,
    leaves: int,
    out: Path,
    *,
    threads: int,
    memory_bytes: int,
) -> None:
    """The tree over leaves in the order of their numbers; all of them, or the file is no tree."""
    with (
        out.open("w+b", buffering=0) as tree,
        tempfile.TemporaryFile(dir=out.parent, buffering=0) as offsets,
        ThreadPoolExecutor(threads) as pool,
    ):
        in_memory = memory_bytes // ((NODE_BYTES + OFFSET_BYTES) << BUCKET_BITS)
        file = _TreeInParts(plan, leaves, tree.fileno(), offsets.fileno(), in_memory)
        waiting: deque[Future[None]] = deque()
        number = 0
        for count, hashed in given:
            waiting.append(pool.submit(file.scatter, number, count, hashed))
            number += count
            # Few pieces at a time: that bounds the memory.
            while len(waiting) > threads:
                waiting.popleft().result()
        for each in waiting:
            each.result()
        if number != leaves:
            return  # what was read changed; its reader says so
        for _ in pool.map(file.finish, range(file.buckets)):
            pass
        file.finish_top()


class _TreeInParts:
    """A tree's file while it is made. Descriptors: of the file itself, of the leaves' offsets."""

    def __init__(self, plan: Plan, leaves: int, tree: int, offsets: int, in_memory: int) -> None:
        self._plan, self._leaves, self._tree, self._offsets = plan, leaves, tree, offsets
        self._bits = BUCKET_BITS
        self.buckets = nodes_at(self._bits, leaves=leaves)
        self._starts = level_starts(leaves)
        self._filled = [0] * self.buckets
        self._held: list[tuple[Any, Any] | None] = [
            (self._empty(bucket, NODE_BYTES, np.uint8), self._empty(bucket, 1, np.uint32))
            if bucket < in_memory
            else None
            for bucket in range(self.buckets)
        ]
        self._lock = threading.Lock()
        self._room = _Room()
        self._where = Places(plan.key, leaves)

    def _empty(self, bucket: int, each: int, kind: Any) -> Any:
        return np.empty(each * self._count(bucket), kind)

    def _count(self, bucket: int) -> int:
        """Leaves of a bucket."""
        return min(self._leaves - (bucket << self._bits), 1 << self._bits)

    def scatter(self, first: int, count: int, hashed: Callable[[Any, Any, Any], None]) -> None:
        """Append leaves to their buckets. first: number of the first of them."""
        room = self._room
        places, slots = room.of("places", count, np.int64), room.of("slots", count, np.int64)
        slots[:] = np.arange(first, first + count)  # the numbers, until they are placed
        self._where.put(slots, places)
        offsets = room.of("offsets", count, np.uint32)
        starts = np.zeros(self.buckets + 1, np.int64)
        sort_places(places, self._bits, slots, offsets, starts)
        nodes = room.of("nodes", NODE_BYTES * count, np.uint8)
        hashed(places, slots, nodes)
        bounds = starts.tolist()
        with self._lock:
            at = self._filled.copy()
            for bucket in range(self.buckets):
                self._filled[bucket] += bounds[bucket + 1] - bounds[bucket]
        for bucket, (begin, end) in enumerate(pairwise(bounds)):
            if begin < end:
                some = nodes[NODE_BYTES * begin : NODE_BYTES * end]
                self._append(bucket, at[bucket], some, offsets[begin:end])

    def _append(self, bucket: int, at: int, nodes: Any, offsets: Any) -> None:
        """at: how many leaves the bucket held before."""
        held = self._held[bucket]
        if held is not None:
            held[0][NODE_BYTES * at : NODE_BYTES * at + len(nodes)] = nodes
            held[1][at : at + len(offsets)] = offsets
            return
        to = (bucket << self._bits) + at
        _write(self._tree, nodes, NODE_BYTES * to)
        _write(self._offsets, offsets, OFFSET_BYTES * to)

    def finish(self, bucket: int) -> None:
        """Put a bucket's leaves in order, and write its nodes of every level that it reaches."""
        first = bucket << self._bits
        count = self._count(bucket)
        held, self._held[bucket] = self._held[bucket], None
        if held is not None:
            mixed, offsets = held
        else:
            mixed = self._room.of("mixed", NODE_BYTES * count, np.uint8)
            _read(self._tree, mixed, NODE_BYTES * first)
            offsets = self._room.of("offsets read", count, np.uint32)
            _read(self._offsets, offsets, OFFSET_BYTES * first)
        levels = min(self._bits, depth_of(self._leaves))
        sizes = [NODE_BYTES * nodes_at(level, leaves=count) for level in range(levels + 1)]
        nodes = self._room.of("levels", sum(sizes), np.uint8)
        put_in_order(mixed, offsets, nodes)
        del held, mixed, offsets
        self._climb(nodes, sizes, level=0, first=first)

    def finish_top(self) -> None:
        """The levels above the buckets."""
        depth = depth_of(self._leaves)
        if depth <= self._bits:
            return
        levels = range(self._bits, depth + 1)
        sizes = [NODE_BYTES * nodes_at(level, leaves=self._leaves) for level in levels]
        nodes = self._room.of("levels", sum(sizes), np.uint8)
        _read(self._tree, nodes[: sizes[0]], self._starts[self._bits])
        self._climb(nodes, sizes, level=self._bits, first=0)

    def _climb(self, nodes: Any, sizes: list[int], *, level: int, first: int) -> None:
        """Hash level after level in `nodes`, and write each. first: position of the first node."""
        pad = np.zeros(NODE_BYTES, np.uint8)
        below = 0
        for step, (size, above) in enumerate(zip(sizes, [*sizes[1:], 0], strict=True)):
            at = self._starts[level + step] + NODE_BYTES * (first >> step)
            _write(self._tree, nodes[below : below + size], at)
            if above:
                count = size // NODE_BYTES
                last = (first >> step) + count
                pad_node(self._plan.tree.epoch, level + step, last, pad, 0)
                made = fill_level(
                    nodes,
                    below,
                    count,
                    below + size,
                    0,
                    above // NODE_BYTES,
                    pad,
                    self._plan.tree.asset.most,
                )
                if made != OK:
                    raise PlanRefused(problem="a sum exceeds what there can be of the asset")
            below += size


def _write(file: int, data: Any, at: int) -> None:
    rest = memoryview(data).cast("B")
    while rest:
        done = os.pwrite(file, rest, at)
        rest, at = rest[done:], at + done


def _read(file: int, data: Any, at: int) -> None:
    rest = memoryview(data).cast("B")
    while rest:
        done = os.preadv(file, [rest], at)
        if not done:
            raise RuntimeError("a file of our own is shorter than what was written to it")
        rest, at = rest[done:], at + done
