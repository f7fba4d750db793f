"""An extract read piece by piece by the compiled reader; what it stops at, the plain one judges."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from khazana.supervision.solvency import extract
from khazana.supervision.solvency.extract import Survey
from khazana.supervision.solvency.kernel_leaves import count_leaves
from khazana.supervision.solvency.kernel_rows import print_ids, read_rows
from khazana.supervision.solvency.plan import Splitting, TreeId

PIECE_BYTES = 1 << 22
_SHORTEST_ROW = 5


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one piece of the file, taken apart."""

    data: Any
    count: int
    starts: Any
    sizes: Any
    amounts: Any
    owns: Any


def pieces(path: Path, digest: Any) -> Iterator[Any]:
    """The file from line 3 on, in whole lines; `digest` sees all of it."""
    with path.open("rb") as file:
        digest.update(file.readline(extract.MOST_LINE_BYTES))
        digest.update(file.readline(extract.MOST_LINE_BYTES))
        while raw := file.read(PIECE_BYTES):
            raw += file.readline(extract.MOST_LINE_BYTES)
            digest.update(raw)
            yield np.frombuffer(raw, np.uint8)


def taken_apart(data: Any, tree: TreeId) -> tuple[Rows, int]:
    """The rows of a piece, and where reading stopped."""
    room = len(data) // _SHORTEST_ROW + 1
    starts, sizes = np.empty(room, np.int64), np.empty(room, np.int64)
    amounts, owns = np.empty(room, np.int64), np.empty(room, np.int64)
    count, stopped = read_rows(
        data, tree.asset.scale, tree.asset.most, starts, sizes, amounts, owns
    )
    return Rows(data, count, starts, sizes, amounts, owns), stopped


def survey_fast(path: Path, tree: TreeId, splitting: Splitting) -> Survey:
    """As `extract.survey`, which is asked whenever something does not look sound."""
    digest = hashlib.sha256()
    rows = total = leaves = 0
    prints: list[Any] = []
    end = b""
    for data in pieces(path, digest):
        if end:
            return extract.survey(path, tree, splitting)
        piece, stopped = taken_apart(data, tree)
        more, amount = count_leaves(
            piece.amounts,
            piece.count,
            splitting.shares,
            splitting.most_per_leaf,
            tree.asset.most - total,
        )
        if more < 0:
            return extract.survey(path, tree, splitting)
        prints.append(_prints(piece))
        rows, total, leaves = rows + piece.count, total + int(amount), leaves + int(more)
        end = data[stopped:].tobytes()
    problems = extract.Problems(path.name)
    with path.open("rb") as file:
        head = [file.readline(extract.MOST_LINE_BYTES).rstrip(b"\r\n") for _ in range(2)]
    extract.check_head(head[0], head[1], tree, problems)
    line = end.removesuffix(b"\n").removesuffix(b"\r")
    if not end.endswith(b"\n") or b"\n" in line:
        problems.add(rows + extract.FIRST_ROW, "is no sound row")
    else:
        number = rows + extract.FIRST_ROW
        extract.check_end(line, number, rows=rows, total=total, tree=tree, problems=problems)
    if problems.found or _has_twins(prints):
        # Slower, and says everything; two ids may also share a fingerprint by chance.
        return extract.survey(path, tree, splitting)
    return Survey(sha256=digest.hexdigest(), rows=rows, total=total, leaves=leaves)


def _prints(piece: Rows) -> Any:
    found = np.empty(piece.count, np.uint64)
    print_ids(piece.data, piece.starts, piece.sizes, found)
    return found


def _has_twins(prints: list[Any]) -> bool:
    if not prints:
        return False
    every = np.concatenate(prints)
    prints.clear()
    every.sort()
    return bool((every[1:] == every[:-1]).any())
