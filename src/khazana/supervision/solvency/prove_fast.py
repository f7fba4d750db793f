"""Slips of many customers at a time, by compiled code: the bytes that `slip.Slip` would write."""

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from khazana.supervision.solvency.build_fast import Places, hmac_pads
from khazana.supervision.solvency.encoding import NODE_BYTES
from khazana.supervision.solvency.epoch import TreeHead
from khazana.supervision.solvency.extract import Section
from khazana.supervision.solvency.fast_rows import Rows, pieces, prints_of, taken_apart
from khazana.supervision.solvency.kernel_leaves import derive_keys
from khazana.supervision.solvency.kernel_rows import print_ids
from khazana.supervision.solvency.kernel_slips import leaf_numbers, put_slips
from khazana.supervision.solvency.plan import Plan
from khazana.supervision.solvency.slip import Slip
from khazana.supervision.solvency.tree_file import level_starts

BATCH = 1 << 14
"""Customers at a time: their slips wait in memory."""


def raw_slips(
    wanted: Collection[str] | None,
    *,
    section: Section,
    plan: Plan,
    tree: Path,
    head: TreeHead,
    number: int,
    height: int,
) -> Iterator[tuple[str, bytes]]:
    """Each customer's id and slip, in the order of the extract. wanted: None for everybody.

    number: of the tree in the statement.
    """
    making = _Making(plan, tree, head, number, height)
    prints = None if wanted is None else _prints(wanted)
    chosen = None if wanted is None else set(wanted)
    first = 0
    for raw in pieces(section, hashlib.sha256()):
        rows, _ = taken_apart(raw, plan.tree, plan.splitting)
        counts = making.counts(rows.amounts)
        firsts = first + np.cumsum(counts) - counts
        first += int(counts.sum())
        picked = np.arange(rows.count)
        if prints is not None:
            picked = np.flatnonzero(np.isin(prints_of(rows), prints))
        for at in range(0, len(picked), BATCH):
            some = picked[at : at + BATCH]
            for row, slip in zip(some, making.slips(rows, some, firsts, counts), strict=True):
                customer = rows.id_of(row)
                if chosen is None or customer in chosen:
                    yield customer, slip


class _Making:
    """What all slips of one tree have in common."""

    def __init__(self, plan: Plan, tree: Path, head: TreeHead, number: int, height: int) -> None:
        self._plan, self._height = plan, height
        self._leaves = head.leaves
        self._nodes = np.memmap(tree, np.uint8, "r")
        self._starts = np.array(level_starts(head.leaves), np.int64)
        self._pads = hmac_pads(plan.key)
        self._where = Places(plan.key, head.leaves)
        empty = Slip(
            tree=number,
            height=height,
            root=bytes.fromhex(head.root),
            epoch=plan.tree.epoch,
            secret=bytes(32),
            leaves=(),
        )
        self._head = np.frombuffer(empty.to_bytes(), np.uint8)

    def counts(self, amounts: Any) -> Any:
        splitting = self._plan.splitting
        return np.maximum(splitting.shares, -(-amounts // splitting.most_per_leaf))

    def slips(self, rows: Rows, some: Any, firsts: Any, counts: Any) -> Iterator[bytes]:
        """The slips of some rows. firsts, counts: of the leaves of all rows."""
        keys, secrets = np.empty((2, 32 * len(some)), np.uint8)
        ids = rows.starts[some], rows.sizes[some], rows.owns[some]
        derive_keys(rows.data, *ids, *self._pads, keys, secrets)
        amounts, counts = rows.amounts[some], counts[some]
        numbers = np.empty(int(counts.sum()), np.int64)
        leaf_numbers(firsts[some], counts, numbers)
        places = np.empty(len(numbers), np.int64)
        self._where.put(numbers, places)
        sizes = len(self._head) + counts * (16 + NODE_BYTES * self._height)
        out = np.empty(int(sizes.sum()), np.uint8)
        put_slips(
            self._head,
            secrets,
            keys,
            amounts,
            counts,
            places,
            self._plan.splitting.most_per_leaf,
            self._plan.tree.epoch,
            self._height,
            self._leaves,
            self._starts,
            self._nodes,
            out,
        )
        raw, at = out.tobytes(), 0
        for size in sizes.tolist():
            yield raw[at : at + size]
            at += size


def _prints(wanted: Collection[str]) -> Any:
    """The fingerprints of ids; those that can stand in no extract are nobody's."""
    ids = [each.encode() for each in wanted if each.isascii()]
    sizes = np.array([len(each) for each in ids], np.int64)
    data = np.frombuffer(b"".join(ids) + bytes(8), np.uint8)
    found = np.empty(len(ids), np.uint64)
    print_ids(data, np.cumsum(sizes) - sizes, sizes, found)
    return found
