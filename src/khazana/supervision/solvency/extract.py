"""A provider's extract: one strict row for each customer, refused whole when one is wrong.

A file has one section for each tree. `survey` finds everything that is wrong with one before
anything is made; `rows` gives its rows.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from khazana.supervision.solvency.encoding import contribution_of
from khazana.supervision.solvency.errors import ExtractRefused
from khazana.supervision.solvency.plan import MOST_SPLITS, Splitting, TreeId
from khazana.supervision.solvency.splitting import shares_of
from khazana.supervision.solvency.tree import Customer

HEADER = b"customer,balance,contribution"
SECTION = b"#khazana.extract/1,"
MOST_LINE_BYTES = 200
MOST_PROBLEMS = 50
FIRST_ROW = 3
"""Line of a section on which the first customer stands."""

NOT_ENDED = "is not ended: it is too long, or the file was cut short"
ROWS_FOLLOW = "is the line of totals, and rows follow it"

_ID = re.compile(rb"[!#-+\--~]{1,48}")
_CONTRIBUTION = re.compile(rb"(?:[0-9a-f]{64})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Where the rows of one tree stand in a file. start, end: bytes. line: number of its first."""

    path: Path
    start: int
    end: int
    line: int
    head: bytes

    @property
    def first_row(self) -> int:
        return self.line + FIRST_ROW - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a sound section holds. leaves: of customers, dummies not counted."""

    sha256: str
    rows: int
    total: int
    leaves: int


class RowRefused(Exception):
    """What is wrong with one row."""


@dataclass
class Problems:
    """The first problems in full, the others counted."""

    file: str
    found: list[str] = field(default_factory=list)
    more: int = 0

    def add(self, line: int, text: str) -> None:
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(f"line {line}: {text}")
        else:
            self.more += 1

    def refuse_if_any(self) -> None:
        if self.found:
            raise ExtractRefused(file=self.file, problems=tuple(self.found), more=self.more)


def first_line(tree: TreeId) -> bytes:
    """What the section for this tree begins with."""
    return SECTION + f"{tree.asset.name},{tree.asset.scale},{tree.kind}".encode()


def sections_of(path: Path) -> tuple[Section, ...]:
    """Every section of a file, in order; there is always one, if only to be refused."""
    starts = [(0, 1)]
    at, line = 0, 1
    fresh = True  # whether a line begins where the piece does
    with path.open("rb") as file:
        while piece := file.read(1 << 22):
            piece += file.readline(1 << 16)
            found = piece.find(SECTION)
            counted = 0
            while found >= 0:
                if fresh if found == 0 else piece[found - 1 : found] == b"\n":
                    line += piece.count(b"\n", counted, found)
                    counted = found
                    if at + found:
                        starts.append((at + found, line))
                found = piece.find(SECTION, found + 1)
            line += piece.count(b"\n", counted)
            at += len(piece)
            fresh = piece.endswith(b"\n")
        ends = [start for start, _ in starts[1:]] + [at]
        made = []
        for (start, first), end in zip(starts, ends, strict=True):
            file.seek(start)
            head = file.readline(MOST_LINE_BYTES).rstrip(b"\r\n")
            made.append(Section(path=path, start=start, end=end, line=first, head=head))
    return tuple(made)


def section_for(path: Path, tree: TreeId) -> Section:
    """The section of this tree; where there is none, the first, which its survey refuses."""
    every = sections_of(path)
    return next((each for each in every if each.head == first_line(tree)), every[0])


def amount_of(text: bytes, tree: TreeId) -> int:
    """A balance with exactly the asset's decimals, in smallest units."""
    asset = tree.asset
    if text[:1] == b"-":
        raise RowRefused(f"the balance {_shown(text)} is negative; debts go to a tree of their own")
    whole, point, decimals = text.partition(b".")
    if not whole.isdigit() or (point and not decimals.isdigit()) or len(text) > 40:
        raise RowRefused(f"the balance {_shown(text)} is no plain decimal number")
    if len(decimals) != asset.scale or bool(point) != bool(asset.scale):
        raise RowRefused(
            f"the balance {_shown(text)} has {len(decimals)} decimals, {asset.name} has "
            f"{asset.scale}"
        )
    if len(whole) > 1 and whole[:1] == b"0":
        raise RowRefused(f"the balance {_shown(text)} begins with a zero too many")
    amount = int(whole + decimals)
    if amount > asset.most:
        raise RowRefused(f"the balance {_shown(text)} is more than there can be of {asset.name}")
    return amount


def customer_of(line: bytes, tree: TreeId, splitting: Splitting) -> Customer:
    """The row in a line without its end."""
    cells = line.split(b",")
    if len(cells) != 3:
        raise RowRefused(f"has {len(cells)} cells, not 3")
    who, balance, contribution = cells
    if not _ID.fullmatch(who):
        raise RowRefused(f"the id {_shown(who)} is not 1 to 48 printable ASCII characters")
    if not _CONTRIBUTION.fullmatch(contribution):
        raise RowRefused("the contribution is neither empty nor 64 lower-case hex digits")
    amount = amount_of(balance, tree)
    if shares_of(amount, splitting) > MOST_SPLITS:
        raise RowRefused(f"the balance {_shown(balance)} needs more than {MOST_SPLITS} leaves")
    name = who.decode()
    own = bytes.fromhex(contribution.decode()) if contribution else contribution_of(name)
    return Customer(id=name, balance=amount, contribution=own)


def _shown(text: bytes) -> str:
    return repr(text[:60].decode(errors="backslashreplace"))


def check_head(section: Section, second: bytes, tree: TreeId, problems: Problems) -> None:
    """The two lines before the customers."""
    line, first = section.line, section.head
    if first != first_line(tree):
        wanted = first_line(tree).decode()
        problems.add(line, f"is {_shown(first)}, and an extract for this tree begins {wanted!r}")
    elif second != HEADER:
        problems.add(line + 1, f"is {_shown(second)}, not {HEADER.decode()!r}")


def check_end(
    line: bytes, number: int, *, rows: int, total: int, tree: TreeId, problems: Problems
) -> None:
    """The control line: what it says against what was read."""
    cells = line.split(b",")
    if len(cells) != 3 or cells[0] != b"#total" or not cells[2].isdigit() or len(cells[2]) > 15:
        problems.add(number, "is not the last line '#total,SUM,ROWS'; the file was cut short")
        return
    try:
        said = amount_of(cells[1], tree)
    except RowRefused as refused:
        problems.add(number, str(refused))
        return
    if int(cells[2]) != rows:
        problems.add(number, f"says {int(cells[2])} rows, and the file has {rows}")
    elif said != total:
        problems.add(number, f"says a total of {said} smallest units, and the rows have {total}")


def lines_of(file: BinaryIO, section: Section) -> Iterator[tuple[int, bytes, bool]]:
    """Number, content and whether the line was ended; a line far too long comes cut."""
    file.seek(section.start)
    number, left = section.line - 1, section.end - section.start
    while left > 0 and (line := file.readline(min(left, MOST_LINE_BYTES + 1))):
        number += 1
        left -= len(line)
        ended = line.endswith(b"\n")
        yield number, line.removesuffix(b"\n").removesuffix(b"\r"), ended
        if not ended and len(line) > MOST_LINE_BYTES:
            return


def survey(section: Section, tree: TreeId, splitting: Splitting) -> Survey:
    """Everything that a section says, or ExtractRefused with everything that is wrong."""
    problems = Problems(section.path.name)
    seen: dict[str, int] = {}
    rows = total = leaves = 0
    second = b""
    last: tuple[int, bytes] | None = None
    with section.path.open("rb") as file:
        for number, line, ended in lines_of(file, section):
            if not ended:
                problems.add(number, NOT_ENDED)
                last = None
                break
            if number < section.first_row:
                second = line if number > section.line else b""
                continue
            if last is not None:
                problems.add(last[0], ROWS_FOLLOW)
                break
            if line.startswith(b"#"):
                last = (number, line)
                continue
            try:
                customer = customer_of(line, tree, splitting)
            except RowRefused as refused:
                problems.add(number, str(refused))
                continue
            if (before := seen.setdefault(customer.id, number)) != number:
                problems.add(number, twin(customer.id, before))
            rows += 1
            total += customer.balance
            leaves += shares_of(customer.balance, splitting)
    check_head(section, second, tree, problems)
    if not problems.found:
        check_total(section, total, tree, problems)
        number, line = last or (rows + section.first_row, b"")
        check_end(line, number, rows=rows, total=total, tree=tree, problems=problems)
    problems.refuse_if_any()
    digest = hashlib.sha256()
    with section.path.open("rb") as file:
        for _, raw in pieces_of(file, section, 1 << 20):
            digest.update(raw)
    return Survey(sha256=digest.hexdigest(), rows=rows, total=total, leaves=leaves)


def twin(customer: str, before: int) -> str:
    return f"the customer {customer!r} stands in line {before} too"


def check_total(section: Section, total: int, tree: TreeId, problems: Problems) -> None:
    if total > tree.asset.most:
        problems.add(section.first_row, f"all balances together exceed what there is: {total}")


def pieces_of(file: BinaryIO, section: Section, size: int) -> Iterator[tuple[int, bytes]]:
    """A section's bytes in pieces, each with where it begins in the file."""
    file.seek(section.start)
    at = section.start
    while at < section.end and (raw := file.read(min(size, section.end - at))):
        yield at, raw
        at += len(raw)


def rows(section: Section, tree: TreeId, splitting: Splitting) -> Iterator[Customer]:
    """The customers of a surveyed section, in order."""
    with section.path.open("rb") as file:
        for number, line, _ in lines_of(file, section):
            if number >= section.first_row and not line.startswith(b"#"):
                yield customer_of(line, tree, splitting)
