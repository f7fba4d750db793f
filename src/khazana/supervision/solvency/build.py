"""From an extract to a tree on disk: compiled where numba is installed, plain Python elsewhere."""

import contextlib
import hashlib
import mmap
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from khazana.supervision.solvency.encoding import NODE_BYTES, Node, leaf_of, nonce_of, parent_of
from khazana.supervision.solvency.epoch import BuiltTree
from khazana.supervision.solvency.errors import PlanRefused
from khazana.supervision.solvency.extract import Section, Survey, rows, section_for, survey
from khazana.supervision.solvency.plan import Plan, depth_of, nodes_at
from khazana.supervision.solvency.positions import positions
from khazana.supervision.solvency.splitting import split
from khazana.supervision.solvency.tree import dummy_key, key_of
from khazana.supervision.solvency.tree_file import TreeFile, level_starts, read_ends

COMPILED = ("numba", "numpy", "llvmlite")
Builder = Callable[[Section, Plan, Path], tuple[Survey, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A tree that was built, and the section of an extract that it was built from."""

    built: BuiltTree
    survey: Survey
    level: bytes

    @property
    def root(self) -> Node:
        return self.built.root


def builder(*, threads: int, memory_bytes: int = 0) -> Builder:
    """The best builder of this installation.

    memory_bytes: more than some 300 MiB that the compiled one may use, to be faster.
    """
    try:
        from khazana.supervision.solvency.build_fast import build_into
    except ModuleNotFoundError as error:
        if error.name not in COMPILED:
            raise
        return build_plainly

    def using(section: Section, plan: Plan, out: Path) -> tuple[Survey, int]:
        return build_into(section, plan, out, threads=threads, memory_bytes=memory_bytes)

    return using


def build_plainly(section: Section, plan: Plan, out: Path) -> tuple[Survey, int]:
    """The same tree in plain Python; only the ids of all customers are held in memory."""
    found = survey(section, plan.tree, plan.splitting)
    leaves = plan.leaves if plan.leaves is not None else max(1, found.leaves)
    if found.leaves > leaves:
        raise PlanRefused(problem=f"the balances need {found.leaves} leaves, the plan has {leaves}")
    starts = level_starts(leaves)
    with out.open("w+b") as file:
        file.truncate(starts[-1])
        with mmap.mmap(file.fileno(), starts[-1]) as nodes:
            _put_leaves(section, plan, leaves, nodes)
            tree = TreeFile(nodes, leaves, plan.tree.epoch)
            for level in range(depth_of(leaves)):
                for at in range(nodes_at(level + 1, leaves=leaves)):
                    left, right = tree.node(level, 2 * at), tree.node(level, 2 * at + 1)
                    node = parent_of(left, right, most=plan.tree.asset.most)
                    to = starts[level + 1] + NODE_BYTES * at
                    nodes[to : to + NODE_BYTES] = node.to_bytes()
    return found, leaves


def _put_leaves(section: Section, plan: Plan, leaves: int, nodes: mmap.mmap) -> None:
    where = positions(plan.key, leaves)
    number = 0

    def put(nonce: bytes, amount: int) -> None:
        nonlocal number
        at = where.of(number)
        leaf = leaf_of(nonce=nonce, amount=amount, position=at)
        nodes[NODE_BYTES * at : NODE_BYTES * (at + 1)] = leaf.to_bytes()
        number += 1

    epoch = plan.tree.epoch
    for customer in rows(section, plan.tree, plan.splitting):
        key = key_of(customer, plan)
        for nonce, amount in split(customer.balance, plan.splitting, key=key, epoch=epoch):
            put(nonce, amount)
    nobody = dummy_key(plan)
    for dummy in range(leaves - number):
        put(nonce_of(key=nobody, epoch=epoch, split=dummy), 0)


def build_tree(
    extract: Path, plan: Plan, out: Path, *, using: Builder, section: Section | None = None
) -> Made:
    """Build the tree into a new file that appears whole or not at all.

    section: where its rows stand in the extract, if that is known already.
    """
    if section is None:
        section = section_for(extract, plan.tree)
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        found, leaves = using(section, plan, temporary)
        root, level = read_ends(temporary, leaves=leaves)
        built = BuiltTree(
            tree=plan.tree,
            splitting=plan.splitting,
            leaves=leaves,
            root=root,
            level_sha256=hashlib.sha256(level).hexdigest(),
        )
        temporary.replace(out)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    return Made(built=built, survey=found, level=level)
