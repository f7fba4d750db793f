"""CSV tables as staff keep them: checked cell by cell, each problem with its line and column."""

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from khazana.ledger.office import BlockName, NamedBlock, Place
from khazana.ledger.problems import ProblemList, suggestion

IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
HASH = re.compile(r"[0-9a-f]{64}")
_MOVING = re.compile(r"tip(-[0-9]+)?", re.IGNORECASE)
_MOST_HEIGHT = 0xFFFF_FFFF


@dataclass(frozen=True)
class Row:
    """One line of a table; `cells` has every known column, empty where the file has none."""

    file: str
    line: int
    cells: Mapping[str, str]
    problems: ProblemList

    def place(self, column: str) -> Place:
        return Place(self.file, self.line, column)

    def wrong(self, column: str, text: str) -> None:
        self.problems.add(self.place(column), text)

    def text(self, column: str) -> str:
        """A cell that must be filled."""
        if not self.cells[column]:
            self.wrong(column, "is empty")
        return self.cells[column]

    def maybe(self, column: str) -> str | None:
        return self.cells[column] or None

    def identifier(self, column: str) -> str:
        value = self.text(column)
        if value and not IDENTIFIER.fullmatch(value):
            self.wrong(column, f"{value!r}: use 1 to 64 letters, digits, '.', '_' or '-'")
        return value

    def maybe_hash(self, column: str) -> str | None:
        value = self.cells[column]
        if value and not HASH.fullmatch(value):
            self.wrong(column, f"{value!r} is not 64 lower-case hex digits")
        return value or None

    def time(self, column: str) -> datetime:
        """ISO 8601 with a zone, such as 2025-03-01T09:30:00+05:00, as UTC."""
        value = self.text(column)
        try:
            at = datetime.fromisoformat(value) if value else None
        except ValueError:
            at = None
        if at is not None and at.tzinfo is not None and not at.microsecond:
            try:
                return at.astimezone(UTC)
            except OverflowError:
                pass
        if value:
            hint = "write 2025-03-01T09:30:00+05:00 or 2025-03-01T04:30:00Z"
            self.wrong(column, f"{value!r} is not a time with a zone in whole seconds; {hint}")
        return datetime(1, 1, 1, tzinfo=UTC)

    def block(self, column: str) -> NamedBlock:
        value = self.text(column)
        name, problem = block_name(value) if value else ("", None)
        if problem:
            self.wrong(column, problem)
        return NamedBlock(name, self.place(column))


def block_name(value: object) -> tuple[BlockName, str | None]:
    """A block's name in its one spelling, and what is wrong with it, if anything.

    >>> block_name(840_000), block_name("2025-03-01")
    (('840000', None), ('2025-03-01', None))
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat(), None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str):
        if HASH.fullmatch(value):
            return value, None
        if value.isdecimal() and value.isascii() and int(value[:12]) <= _MOST_HEIGHT:
            return str(int(value)), None
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
            try:
                return date.fromisoformat(value).isoformat(), None
            except ValueError:
                return "", f"{value} is not a day of the calendar"
        if _MOVING.fullmatch(value):
            return "", f"{value} moves with the chain: name a height, a hash or a date"
    return "", f"{value!r} names no block: write a height, a hash or a date (2025-03-01)"


def read_table(
    file: str,
    raw: bytes,
    *,
    columns: Sequence[str],
    required: Sequence[str],
    problems: ProblemList,
) -> list[Row]:
    """The rows of a CSV file: UTF-8, commas, a header in any order. Blank lines do not count."""
    try:
        text = raw.decode("utf-8-sig")  # spreadsheets write a byte order mark
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        text_problem = f"byte {raw[wrong.start]:#04x} is not UTF-8; export the table as UTF-8"
        problems.add(Place(file, line, "(text)"), text_problem)
        return []
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        problems.add(Place(file, line, "(text)"), "has a zero byte; export the table as UTF-8")
        return []
    # Canonically equivalent spellings are the same text; records are kept in one of them.
    lines = csv.reader(io.StringIO(unicodedata.normalize("NFC", text), newline=""), strict=True)
    rows: list[Row] = []
    header: list[str] | None = None
    start = 1
    try:
        for cells in lines:
            line, start = start, lines.line_num + 1
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if header is None:
                header = _header(Place(file, line, "(header)"), cells, columns, required, problems)
                if header is None:
                    return []
            elif len(cells) != len(header):
                text_problem = f"has {len(cells)} cells where the header has {len(header)}"
                problems.add(Place(file, line, "(row)"), text_problem)
            else:
                named = dict(zip(header, cells, strict=True))
                full = {column: named.get(column, "") for column in columns}
                rows.append(Row(file, line, full, problems))
    except csv.Error as error:
        problems.add(Place(file, start, "(row)"), f"is not CSV: {error}")
        return []
    if header is None:
        problems.add(Place(file, 1, "(header)"), f"is missing; write {','.join(required)}")
    return rows


def _header(
    place: Place,
    cells: list[str],
    columns: Sequence[str],
    required: Sequence[str],
    problems: ProblemList,
) -> list[str] | None:
    found = len(problems.found)
    if len(cells) == 1 and ";" in cells[0]:
        problems.add(place, "columns are separated by semicolons; export the table with commas")
        return None
    for cell in sorted(set(cells)):
        if cells.count(cell) > 1:
            problems.add(Place(place.file, place.line, cell), "this column stands here twice")
        if cell not in columns:
            text = f"no such column{suggestion(cell, columns)}"
            problems.add(Place(place.file, place.line, cell), text)
    for column in required:
        if column not in cells:
            problems.add(Place(place.file, place.line, column), "this column is missing")
    return cells if len(problems.found) == found else None
