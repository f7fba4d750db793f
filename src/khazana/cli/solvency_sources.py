"""Where a provider's balances come from: CSV as it is; Parquet and databases by way of a copy.

A table has the columns `customer` and either `balance` (text or decimal) or `units` (whole smallest
units), and may have `contribution`, `asset` (BTC where absent) and `kind` (liabilities).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from khazana.cli.solvency_files import require_readable
from khazana.cli.solvency_tables import Table, table_in
from khazana.supervision.solvency.errors import ExtractRefused
from khazana.supervision.solvency.extract import (
    HEADER,
    MOST_PROBLEMS,
    RowRefused,
    customer_of,
    first_line,
)
from khazana.supervision.solvency.plan import BITCOIN, KINDS, LIABILITIES, Asset, Splitting, TreeId

EXTRACT_FILE = "extract.csv"
_NUMBER_BYTES = 8
_ANY_SPLITTING = Splitting(shares=1, most_per_leaf=1 << 53)


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
        self.rows = self.total = 0

    def add(self, number: int, line: bytes, balance: int) -> None:
        self._lines.write(line + b"\n")
        self._numbers.write(number.to_bytes(_NUMBER_BYTES, "little"))
        self.rows += 1
        self.total += balance

    def close(self) -> None:
        self._lines.close()
        self._numbers.close()


def _copied(table: Table, scratch: Path, assets: Mapping[str, Asset]) -> Extract:
    """Every row of a table, ordered by tree; ExtractRefused with the numbers of wrong rows."""
    sections: dict[tuple[str, str], _Section] = {}
    found: list[str] = []
    more = 0
    try:
        for number, row in enumerate(table.rows, start=1):
            values = dict(zip(table.columns, row, strict=True))
            try:
                tree = _tree_of(values, assets)
                line, balance = _line_of(values, tree)
            except RowRefused as refused:
                if len(found) < MOST_PROBLEMS:
                    found.append(f"row {number}: {refused}")
                else:
                    more += 1
                continue
            key = (tree.kind, tree.asset.name)
            if key not in sections:
                sections[key] = _Section(tree, scratch)
            sections[key].add(number, line, balance)
    finally:
        for each in sections.values():
            each.close()
    if not found and not sections:
        found.append("has no rows")
    if found:
        raise ExtractRefused(file=table.name, problems=tuple(found), more=more)
    return _joined([sections[key] for key in sorted(sections)], scratch, table.name)


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


def _tree_of(values: Mapping[str, Any], assets: Mapping[str, Asset]) -> TreeId:
    name, kind = values.get("asset", BITCOIN.name), values.get("kind", LIABILITIES)
    if name not in assets:
        named = ", ".join(sorted(assets))
        raise RowRefused(f"the asset {name!r} is not among those named: {named}")
    if kind not in KINDS:
        raise RowRefused(f"{kind!r} is neither of {' and '.join(KINDS)}")
    return TreeId(asset=assets[name], kind=kind, epoch=0)


def _line_of(values: Mapping[str, Any], tree: TreeId) -> tuple[bytes, int]:
    """The row's line in an extract, judged as such a line is; and the balance."""
    customer, own = values["customer"], values.get("contribution")
    if not isinstance(customer, str):
        raise RowRefused(f"the id {customer!r} is not text")
    if own is not None and not isinstance(own, str):
        raise RowRefused("the contribution is neither empty nor text")
    line = f"{customer},{_balance(values, tree)},{own or ''}".encode()
    # A line's end inside a cell would make two rows of one.
    if b"\n" in line or b"\r" in line or line.startswith(b"#"):
        raise RowRefused(f"the id {customer!r} is not 1 to 48 printable ASCII characters")
    return line, customer_of(line, tree, _ANY_SPLITTING).balance


def _balance(values: Mapping[str, Any], tree: TreeId) -> str:
    if "units" in values:
        units = values["units"]
        if not isinstance(units, int) or isinstance(units, bool):
            raise RowRefused(f"the units {units!r} are no whole number")
        return _text(units, tree.asset.scale)
    balance = values["balance"]
    if isinstance(balance, Decimal) and balance.is_finite():
        return format(balance, "f")
    if isinstance(balance, str):
        return balance
    raise RowRefused(
        f"the balance {balance!r} is neither text nor an exact decimal; whole smallest units "
        f"belong into a column `units`"
    )


def _text(units: int, scale: int) -> str:
    sign, digits = "-" * (units < 0), str(abs(units)).rjust(scale + 1, "0")
    whole = digits[: len(digits) - scale]
    return f"{sign}{whole}.{digits[len(digits) - scale :]}" if scale else f"{sign}{whole}"
