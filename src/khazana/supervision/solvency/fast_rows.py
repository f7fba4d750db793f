"""A section read piece by piece by the compiled reader; what it stops at, the plain one judges."""

import hashlib
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from khazana.supervision.solvency import extract
from khazana.supervision.solvency.extract import MOST_PROBLEMS, Problems, Section, Survey
from khazana.supervision.solvency.kernel_leaves import count_leaves
from khazana.supervision.solvency.kernel_rows import print_ids, read_rows
from khazana.supervision.solvency.plan import MOST_SPLITS, Splitting, TreeId
from khazana.supervision.solvency.twins import Fingerprints

PIECE_BYTES = 1 << 22
MOST_NAMED = 1 << 20
"""Of ids that are compared letter by letter at a time."""


_USUAL_ROW_BYTES = 24


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one piece of the file, taken apart. amounts: smallest units."""

    data: Any
    count: int
    starts: Any
    sizes: Any
    amounts: Any
    owns: Any

    def id_of(self, row: Any) -> str:
        at = self.starts[row]
        return bytes(self.data[at : at + self.sizes[row]]).decode()


@dataclass(slots=True)
class _Look:
    """What one piece holds. odd: lines before it in the piece, and a line for the plain reader."""

    lines: int
    rows: int
    leaves: int
    total: int
    odd: list[tuple[int, bytes]]
    prints: Any


def pieces(section: Section, digest: Any) -> Iterator[bytes]:
    """A section from its third line on, in whole lines; `digest` sees all of it."""
    with section.path.open("rb") as file:
        file.seek(section.start)
        for _ in range(extract.FIRST_ROW - 1):
            left = section.end - file.tell()
            digest.update(file.readline(min(left, extract.MOST_LINE_BYTES)))
        while (left := section.end - file.tell()) > 0:
            raw = file.read(min(PIECE_BYTES, left))
            raw += file.readline(min(extract.MOST_LINE_BYTES + 1, section.end - file.tell()))
            if not raw:
                return  # the file became shorter; whoever compares digests says so
            digest.update(raw)
            yield raw


def taken_apart(raw: bytes, tree: TreeId, splitting: Splitting, at: int = 0) -> tuple[Rows, int]:
    """The rows of a piece from `at` on, and where reading stopped."""
    data = np.frombuffer(raw, np.uint8)[at:]
    room = raw.count(b"\n", at)
    starts, sizes, owns = np.empty((3, room), np.int32)
    amounts = np.empty(room, np.int64)
    # A balance with too many leaves is not for the compiled reader either.
    most = min(tree.asset.most, MOST_SPLITS * splitting.most_per_leaf)
    count, stopped = read_rows(data, tree.asset.scale, most, starts, sizes, amounts, owns)
    return Rows(data, count, starts, sizes, amounts[:count], owns), at + stopped


def prints_of(rows: Rows) -> Any:
    """A fingerprint of each row's id: equal ids have equal ones."""
    found = np.empty(rows.count, np.uint64)
    print_ids(rows.data, rows.starts, rows.sizes, found)
    return found


def total_and_leaves(rows: Rows, splitting: Splitting) -> tuple[int, int]:
    """What some rows add up to, and how many leaves they have."""
    leaves, total = count_leaves(rows.amounts, splitting.shares, splitting.most_per_leaf)
    # Beyond 2^62 the kernel stops adding.
    return (int(total) if total >= 0 else sum(map(int, rows.amounts))), int(leaves)


def survey_fast(
    section: Section, tree: TreeId, splitting: Splitting, *, threads: int = 1
) -> Survey:
    """As `extract.survey`, in bounded memory: ids are compared by fingerprints kept on disk."""
    digest = hashlib.sha256()
    found = _Findings(section, tree, splitting)
    with tempfile.TemporaryFile() as spool, ThreadPoolExecutor(threads) as pool:
        prints = Fingerprints(spool, expected=(section.end - section.start) // _USUAL_ROW_BYTES)
        waiting: deque[Future[_Look]] = deque()
        for raw in pieces(section, digest):
            waiting.append(pool.submit(_look, raw, tree, splitting))
            if len(waiting) > threads:
                prints.add(found.add(waiting.popleft().result()))
        for each in waiting:
            prints.add(found.add(each.result()))
        suspects = prints.equal(pool, most=MOST_NAMED)
    if len(suspects) and not found.name_twins(suspects):
        # So many fingerprints equal by chance or design that only a full comparison can tell.
        return extract.survey(section, tree, splitting)
    return found.judged(digest.hexdigest())


def _look(raw: bytes, tree: TreeId, splitting: Splitting) -> _Look:
    made = _Look(0, 0, 0, 0, [], [])
    at = 0
    while True:
        rows, stopped = taken_apart(raw, tree, splitting, at)
        total, leaves = total_and_leaves(rows, splitting)
        made.rows += rows.count
        made.lines += rows.count
        made.total += total
        made.leaves += leaves
        made.prints.append(prints_of(rows))
        if stopped >= len(raw):
            return made
        end = raw.find(b"\n", stopped) + 1 or len(raw)
        most = stopped + extract.MOST_LINE_BYTES + 2
        made.odd.append((made.lines, raw[stopped : min(end, most)]))
        made.lines += 1
        at = end


class _Findings:
    """What is wrong with a section, line by line, as the plain reader finds it."""

    def __init__(self, section: Section, tree: TreeId, splitting: Splitting) -> None:
        self.section, self.tree, self.splitting = section, tree, splitting
        self.line = section.first_row
        self.rows = self.leaves = self.total = 0
        self.found: list[tuple[int, str]] = []
        self.more = 0
        self.last: tuple[int, bytes] | None = None
        self.stopped_at: int | None = None
        """The line after which nothing is read any more."""

    def add(self, look: _Look) -> list[Any]:
        """Take a piece in; the fingerprints of its rows."""
        if self.stopped_at is not None:
            return []
        if self.last is not None and look.lines and not (look.odd and look.odd[0][0] == 0):
            self._rows_follow()
            return []
        nexts = [*(lines for lines, _ in look.odd), look.lines][1:]
        for (lines, raw), later in zip(look.odd, nexts, strict=True):
            if not self._judge(self.line + lines, raw):
                break
            if self.last is not None and lines + 1 < later:
                self._rows_follow()
                break
        self.line += look.lines
        self.rows += look.rows
        self.total += look.total
        self.leaves += look.leaves
        prints: list[Any] = look.prints
        return prints

    def _judge(self, number: int, raw: bytes) -> bool:
        """Whether reading goes on after this line."""
        if not raw.endswith(b"\n") or len(raw) > extract.MOST_LINE_BYTES + 1:
            self._note(number, extract.NOT_ENDED)
            self.last, self.stopped_at = None, number
            return False
        if self.last is not None:
            self._rows_follow()
            return False
        line = raw.removesuffix(b"\n").removesuffix(b"\r")
        if line.startswith(b"#"):
            self.last = (number, line)
            return True
        try:
            extract.customer_of(line, self.tree, self.splitting)
        except extract.RowRefused as refused:
            self._note(number, str(refused))
            return True
        raise RuntimeError(f"the compiled reader stopped at the sound line {number}")

    def _rows_follow(self) -> None:
        if self.last is not None:
            self._note(self.last[0], extract.ROWS_FOLLOW)
            self.stopped_at = self.last[0]

    def _note(self, number: int, text: str) -> None:
        if len(self.found) < MOST_PROBLEMS:
            self.found.append((number, text))
        else:
            self.more += 1

    def name_twins(self, suspects: Any) -> bool:
        """Read again, and compare the ids whose fingerprints are equal; False when undecided."""
        seen: dict[str, int] = {}
        named: list[tuple[int, str]] = []
        whole = len(suspects) < MOST_NAMED
        for number, customer in _with_prints(self.section, self.tree, self.splitting, suspects):
            if self.stopped_at is not None and number > self.stopped_at:
                break
            if (before := seen.get(customer)) is not None:
                if len(named) < MOST_PROBLEMS:
                    named.append((number, extract.twin(customer, before)))
                else:
                    self.more += 1
            elif len(seen) < MOST_NAMED:
                seen[customer] = number
            else:
                whole = False
        self.found = sorted([*self.found, *named])
        return whole or bool(named)

    def judged(self, digest: str) -> Survey:
        problems = Problems(self.section.path.name, more=self.more)
        for number, text in self.found:
            problems.add(number, text)
        with self.section.path.open("rb") as file:
            file.seek(self.section.start)
            file.readline(extract.MOST_LINE_BYTES)
            second = file.readline(extract.MOST_LINE_BYTES).rstrip(b"\r\n")
        extract.check_head(self.section, second, self.tree, problems)
        if not problems.found:
            extract.check_total(self.section, self.total, self.tree, problems)
            number, line = self.last or (self.line, b"")
            extract.check_end(
                line, number, rows=self.rows, total=self.total, tree=self.tree, problems=problems
            )
        problems.refuse_if_any()
        return Survey(sha256=digest, rows=self.rows, total=self.total, leaves=self.leaves)


def _with_prints(
    section: Section, tree: TreeId, splitting: Splitting, suspects: Any
) -> Iterator[tuple[int, str]]:
    """Line and id of each row whose fingerprint is among `suspects`, which are sorted."""
    line = section.first_row
    for raw in pieces(section, hashlib.sha256()):
        at = 0
        while True:
            rows, stopped = taken_apart(raw, tree, splitting, at)
            prints = prints_of(rows)
            where = np.minimum(np.searchsorted(suspects, prints), len(suspects) - 1)
            for row in np.flatnonzero(suspects[where] == prints):
                yield line + int(row), rows.id_of(row)
            line += rows.count
            if stopped >= len(raw):
                break
            line += 1
            at = raw.find(b"\n", stopped) + 1 or len(raw)
