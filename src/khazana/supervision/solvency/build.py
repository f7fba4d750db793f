"""From an extract to a tree on disk: compiled where numba is installed, plain Python elsewhere."""

import contextlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from khazana.supervision.solvency.encoding import Node
from khazana.supervision.solvency.epoch import BuiltTree
from khazana.supervision.solvency.errors import PlanRefused
from khazana.supervision.solvency.extract import Survey, rows, survey
from khazana.supervision.solvency.plan import Plan
from khazana.supervision.solvency.tree import TooManyLeaves, build
from khazana.supervision.solvency.tree_file import opened

COMPILED = ("numba", "numpy", "llvmlite")
Builder = Callable[[Path, Plan, Path], tuple[Survey, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A tree that was built, and the extract that it was built from."""

    built: BuiltTree
    survey: Survey
    level: bytes

    @property
    def root(self) -> Node:
        return self.built.root


def builder(*, threads: int) -> Builder:
    """The best builder of this installation."""
    try:
        from khazana.supervision.solvency.build_fast import build_into
    except ModuleNotFoundError as error:
        if error.name not in COMPILED:
            raise
        return build_plainly
    return lambda extract, plan, out: build_into(extract, plan, out, threads=threads)


def build_plainly(extract: Path, plan: Plan, out: Path) -> tuple[Survey, int]:
    """The reference tree, written as the compiled builder writes it."""
    found = survey(extract, plan.tree, plan.splitting)
    try:
        tree = build(list(rows(extract, plan.tree, plan.splitting)), plan)
    except TooManyLeaves as error:
        raise PlanRefused(problem=str(error)) from error
    with out.open("wb") as file:
        for level in tree.levels:
            file.writelines(node.to_bytes() for node in level)
    return found, tree.leaves


def build_tree(extract: Path, plan: Plan, out: Path, *, using: Builder) -> Made:
    """Build the tree into a new file that appears whole or not at all."""
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        found, leaves = using(extract, plan, temporary)
        with opened(temporary, leaves=leaves, epoch=plan.tree.epoch) as tree:
            built = BuiltTree(
                tree=plan.tree,
                splitting=plan.splitting,
                leaves=leaves,
                root=tree.root,
                level_sha256=tree.published_sha256(),
            )
            level = tree.published()
        temporary.replace(out)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    return Made(built=built, survey=found, level=level)
