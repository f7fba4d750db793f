"""The compiled builder: from an extract to the file of all nodes, on several threads."""

import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from khazana.supervision.solvency.encoding import NODE_BYTES
from khazana.supervision.solvency.errors import ExtractRefused, PlanRefused
from khazana.supervision.solvency.extract import Survey
from khazana.supervision.solvency.fast_rows import Rows, pieces, survey_fast, taken_apart
from khazana.supervision.solvency.kernel_leaves import (
    chained,
    count_leaves,
    put_dummies,
    put_leaves,
)
from khazana.supervision.solvency.kernel_tree import OK, fill_level, pad_node
from khazana.supervision.solvency.plan import Plan, depth_of, nodes_at
from khazana.supervision.solvency.positions import positions
from khazana.supervision.solvency.tree import dummy_key
from khazana.supervision.solvency.tree_file import level_starts

BATCH = 1 << 18
"""Nodes or dummies that a thread makes at a time."""


class _Derivation:
    """What every leaf of a tree depends on, as arrays."""

    def __init__(self, plan: Plan, leaves: int) -> None:
        where = positions(plan.key, leaves)
        self.halves = np.array([where.left_bits, where.right_bits], np.int64)
        self.tables = np.zeros((len(where.tables), 1 << where.right_bits), np.uint32)
        for turn, table in enumerate(where.tables):
            self.tables[turn, : len(table)] = table
        padded = plan.key.ljust(64, b"\0")
        self.inner = chained(np.frombuffer(bytes(b ^ 0x36 for b in padded), np.uint8))
        self.outer = chained(np.frombuffer(bytes(b ^ 0x5C for b in padded), np.uint8))
        self.dummies = np.frombuffer(dummy_key(plan), np.uint8)


def build_into(extract: Path, plan: Plan, out: Path, *, threads: int) -> tuple[Survey, int]:
    """Write all nodes to `out`; what the extract holds, and how many leaves the tree has."""
    found = survey_fast(extract, plan.tree, plan.splitting)
    leaves = plan.leaves if plan.leaves is not None else max(1, found.leaves)
    if found.leaves > leaves:
        raise PlanRefused(problem=f"the balances need {found.leaves} leaves, the plan has {leaves}")
    starts = level_starts(leaves)
    nodes = np.memmap(out, np.uint8, "w+", shape=(starts[-1],))
    with ThreadPoolExecutor(threads) as pool:
        _put_all_leaves(extract, plan, nodes, found, leaves, pool, threads)
        _fill_levels(plan, nodes, leaves, starts, pool)
    nodes.flush()
    return found, leaves


def _put_all_leaves(
    extract: Path,
    plan: Plan,
    nodes: Any,
    found: Survey,
    leaves: int,
    pool: ThreadPoolExecutor,
    threads: int,
) -> None:
    derivation = _Derivation(plan, leaves)
    number = 0
    waiting: deque[Future[None]] = deque()
    digest = hashlib.sha256()
    for data in pieces(extract, digest):
        rows, _ = taken_apart(data, plan.tree)
        more, _ = count_leaves(
            rows.amounts,
            rows.count,
            plan.splitting.shares,
            plan.splitting.most_per_leaf,
            plan.tree.asset.most,
        )
        if more < 0 or number + more > found.leaves:
            break  # not the file that was surveyed: its digest says so below
        waiting.append(pool.submit(_put, rows, number, leaves, plan, derivation, nodes))
        number += int(more)
        # Few pieces at a time: that bounds the memory.
        while len(waiting) > threads + 1:
            waiting.popleft().result()
    for each in waiting:
        each.result()
    if digest.hexdigest() != found.sha256:
        raise ExtractRefused(
            file=extract.name, problems=("the file changed while it was read",), more=0
        )
    dummies = leaves - number
    made = [
        pool.submit(
            put_dummies,
            derivation.dummies,
            first,
            min(first + BATCH, dummies),
            number,
            derivation.halves,
            derivation.tables,
            plan.tree.epoch,
            nodes,
            leaves,
        )
        for first in range(0, dummies, BATCH)
    ]
    for done in made:
        done.result()


def _put(
    rows: Rows, number: int, leaves: int, plan: Plan, derivation: _Derivation, nodes: Any
) -> None:
    put_leaves(
        rows.data,
        rows.count,
        rows.starts,
        rows.sizes,
        rows.amounts,
        rows.owns,
        number,
        leaves,
        derivation.halves,
        derivation.tables,
        derivation.inner,
        derivation.outer,
        plan.tree.epoch,
        plan.splitting.shares,
        plan.splitting.most_per_leaf,
        nodes,
    )


def _fill_levels(
    plan: Plan, nodes: Any, leaves: int, starts: list[int], pool: ThreadPoolExecutor
) -> None:
    pad = np.zeros(NODE_BYTES, np.uint8)
    for level in range(depth_of(leaves)):
        count = nodes_at(level, leaves=leaves)
        pad_node(plan.tree.epoch, level, count, pad, 0)
        above = nodes_at(level + 1, leaves=leaves)
        made = [
            pool.submit(
                fill_level,
                nodes,
                starts[level],
                count,
                starts[level + 1],
                first,
                min(first + BATCH, above),
                pad,
                plan.tree.asset.most,
            )
            for first in range(0, above, BATCH)
        ]
        if any(done.result() != OK for done in made):
            raise PlanRefused(problem="a sum exceeds what there can be of the asset")
