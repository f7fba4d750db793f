"""Where a provider's balances come from: CSV as it is; Parquet and databases by way of a copy.

A table has the columns `customer` and either `balance` (text or decimal) or `units` (whole smallest
units), and may have `contribution`, `asset` (BTC where absent) and `kind` (liabilities).
"""

import re
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from khazana.cli.solvency_files import require_readable, room_in
from khazana.cli.solvency_tables import Table, table_in
from khazana.supervision.solvency.errors import ExtractRefused
from khazana.supervision.solvency.extract import (
    HEADER,
    MOST_PROBLEMS,
    RowRefused,
    first_line,
)
from khazana.supervision.solvency.plan import BITCOIN, KINDS, LIABILITIES, Asset, TreeId

EXTRACT_FILE = "extract.csv"
BATCH = 10_000
_NUMBER_BYTES = 8


@dataclass(frozen=True, kw_only=True)
class _Copied:
    """Where a section of the copy begins, and which row of the source each of its lines is."""

    first_row: int
    rows: int
    numbers: Path

    def row(self, line: int) -> int | None:
        at = line - self.first_row
        if not 0 <= at < self.rows:
            return None
        with self.numbers.open("rb") as file:
            file.seek(_NUMBER_BYTES * at)
            return int.from_bytes(file.read(_NUMBER_BYTES), "little")


@dataclass(frozen=True, kw_only=True)
class Extract:
    """An extract to build from; `copied` where it was made from rows of something else."""

    path: Path
    name: str
    copied: tuple[_Copied, ...] = ()

    @contextmanager
    def naming_rows(self) -> Iterator[None]:
        """What is refused inside is refused with the source's name and its rows."""
        try:
            yield
        except ExtractRefused as refused:
            if not self.copied:
                raise
            problems = tuple(re.sub(r"line (\d+)", self._row, each) for each in refused.problems)
            raise ExtractRefused(file=self.name, problems=problems, more=refused.more) from refused

    def _row(self, found: re.Match[str]) -> str:
        rows = (each.row(int(found[1])) for each in self.copied)
        return next((f"row {row}" for row in rows if row is not None), found[0])


@contextmanager
def read_as_extract(
    source: str, scratch: Path, *, assets: Mapping[str, Asset], command: str
) -> Iterator[Extract]:
    """The extract that a SOURCE is, or a copy of it in the folder, which stays there.

    assets: those that may stand in it, by name.
    """
    with table_in(source, command=command) as table:
        if table is None:
            path = Path(source)
            require_readable(path)
            made = Extract(path=path, name=path.name)
        else:
            with room_in(scratch.parent):
                made = _copied(table, scratch, assets)
    try:
        yield made
    finally:
        for each in made.copied:
            each.numbers.unlink()


class _Section:
    """One tree's rows as they are copied."""

    def __init__(self, tree: TreeId, scratch: Path) -> None:
        self.tree = tree
        stem = f".{tree.name.replace('/', '-')}"
        self.lines, self.numbers = scratch / f"{stem}.lines", scratch / f"{stem}.numbers"
        self._lines, self._numbers = self.lines.open("wb"), self.numbers.open("wb")
        self._some: list[str] = []
        self._which = array("Q")
        self.rows = self.total = 0

    def add(self, number: int, line: str, units: int) -> None:
        self._some.append(line)
        self._which.append(number)
        self.rows += 1
        self.total += units
        if len(self._some) == BATCH:
            self.flush()

    def flush(self) -> None:
        self._lines.write("".join(self._some).encode())
        if sys.byteorder == "big":
            self._which.byteswap()
        self._numbers.write(self._which.tobytes())
        self._some.clear()
        self._which = array("Q")

    def close(self) -> None:
        self._lines.close()
        self._numbers.close()


def _copied(table: Table, scratch: Path, assets: Mapping[str, Asset]) -> Extract:
    """Every row of a table, ordered by tree; ExtractRefused with the numbers of wrong rows.

    Here only what could not stand in a line of its own is refused; who surveys the copy finds what
    else is wrong, and `Extract.naming_rows` says in which rows.
    """
    sections: dict[tuple[Any, Any], _Section] = {}
    found: list[str] = []
    more = 0
    columns = list(table.columns)
    who = columns.index("customer")
    in_units = "units" in columns
    amount_at = columns.index("units" if in_units else "balance")
    own_at, asset_at, kind_at = (
        columns.index(name) if name in columns else None
        for name in ("contribution", "asset", "kind")
    )
    try:
        for number, row in enumerate(table.rows, start=1):
            tree = (
                BITCOIN.name if asset_at is None else row[asset_at],
                LIABILITIES if kind_at is None else row[kind_at],
            )
            try:
                section = sections.get(tree)
                if section is None:
                    section = sections[tree] = _Section(_tree_of(*tree, assets), scratch)
                scale = section.tree.asset.scale
                amount = row[amount_at]
                text = _from_units(amount, scale) if in_units else _from_balance(amount)
                own = None if own_at is None else row[own_at]
                line = _line(row[who], text, own)
                section.add(number, line, _units(text))
            except RowRefused as refused:
                if len(found) < MOST_PROBLEMS:
                    found.append(f"row {number}: {refused}")
                else:
                    more += 1
    finally:
        for each in sections.values():
            each.flush()
            each.close()
    if not found and not sections:
        found.append("has no rows")
    if found:
        raise ExtractRefused(file=table.name, problems=tuple(found), more=more)
    ordered = sorted(sections.values(), key=lambda each: each.tree.name)
    return _joined(ordered, scratch, table.name)


def _joined(sections: Sequence[_Section], scratch: Path, name: str) -> Extract:
    path = scratch / EXTRACT_FILE
    copied = []
    line = 1
    with path.open("wb") as out:
        path.chmod(0o600)
        for each in sections:
            out.write(first_line(each.tree) + b"\n" + HEADER + b"\n")
            with each.lines.open("rb") as lines:
                while piece := lines.read(1 << 20):
                    out.write(piece)
            total = _text(each.total, each.tree.asset.scale)
            out.write(f"#total,{total},{each.rows}\n".encode())
            copied.append(_Copied(first_row=line + 2, rows=each.rows, numbers=each.numbers))
            line += each.rows + 3
            each.lines.unlink()
    return Extract(path=path, name=name, copied=tuple(copied))


def _tree_of(name: Any, kind: Any, assets: Mapping[str, Asset]) -> TreeId:
    if name not in assets:
        named = ", ".join(sorted(assets))
        raise RowRefused(f"the asset {name!r} is not among those named: {named}")
    if kind not in KINDS:
        raise RowRefused(f"{kind!r} is neither of {' and '.join(KINDS)}")
    return TreeId(asset=assets[name], kind=kind, epoch=0)


def _line(customer: Any, text: str, own: Any) -> str:
    """A row's line in an extract."""
    if type(customer) is not str:
        raise RowRefused(f"the id {customer!r} is not text")
    if own is None:
        own = ""
    elif type(own) is not str:
        raise RowRefused("the contribution is neither empty nor text")
    # A line's end inside a cell would make two rows of one.
    if not customer.isprintable() or not own.isprintable() or customer.startswith("#"):
        raise RowRefused(f"the id {customer!r} is not 1 to 48 printable ASCII characters")
    return f"{customer},{text},{own}\n"


def _from_units(units: Any, scale: int) -> str:
    if type(units) is not int:
        raise RowRefused(f"the units {units!r} are no whole number")
    return _text(units, scale)


def _from_balance(balance: Any) -> str:
    if type(balance) is str and balance.isprintable():
        return balance
    if type(balance) is Decimal and balance.is_finite():
        return format(balance, "f")
    raise RowRefused(
        f"the balance {balance!r} is neither text nor an exact decimal; whole smallest units "
        f"belong into a column `units`"
    )


def _units(text: str) -> int:
    """The balance, as long as it is one; the total of a copy with another row is not looked at."""
    try:
        return int(text.replace(".", "", 1))
    except ValueError:
        return 0


def _text(units: int, scale: int) -> str:
    sign, digits = "-" * (units < 0), str(abs(units)).rjust(scale + 1, "0")
    whole = digits[: len(digits) - scale]
    return f"{sign}{whole}.{digits[len(digits) - scale :]}" if scale else f"{sign}{whole}"
