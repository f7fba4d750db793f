"""Importing from the column layout of the IMF's public MONA database: a draft to be completed.

MONA describes conditions and how they were met; it holds no definitions, units or signs. The draft
leaves those open, and the lint lists them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from khazana.conditions.fields import NO_DAY
from khazana.conditions.memorandum import Kind
from khazana.conditions.problems import MemorandumProblems
from khazana.ledger.problems import suggestion
from khazana.ledger.tables import Row, read_table

MONA_COLUMNS = (
    "Arrangement Number",
    "Country Name",
    "Country Code",
    "Arrangement Type",
    "Approval date",
    "Initial End Date",
    "Revised End Date",
    "Board Action Date",
    "Program Type",
    "Review Type",
    "Review Status",
    "Key Code",
    "Economic Code",
    "Economic Descriptor",
    "Description",
    "Description Code",
    "Test Date",
    "PC Status",
    "Comments",
    "NewTestDate",
    "Unique ID",
    "Parent ID",
)
REQUIRED = (
    "Arrangement Number",
    "Country Name",
    "Arrangement Type",
    "Approval date",
    "Key Code",
    "Description",
    "Test Date",
    "Unique ID",
)
KEY_CODES = {
    "QPC": Kind.PERIODIC,
    "PC": Kind.PERIODIC,
    "CPC": Kind.CONTINUOUS,
    "IT": Kind.INDICATIVE,
    "IB": Kind.INDICATIVE,
    "SB": Kind.BENCHMARK,
    "SPC": Kind.BENCHMARK,
    "PA": Kind.PRIOR_ACTION,
}
"""Key codes that are read; SB, PA and QPC are seen in public copies, the others are recalled."""

_DATES = ("%Y-%m-%d", "%m/%d/%Y", "%d-%b-%Y", "%d-%b-%y")


@dataclass(frozen=True, kw_only=True)
class MonaRow:
    """One line of the table. test_date: moved to NewTestDate where there is one; None: none."""

    arrangement_number: str
    country: str
    country_code: str | None
    arrangement_type: str
    approved: date
    ends: date | None
    kind: Kind
    economic_descriptor: str | None
    description: str
    test_date: date | None
    status: str | None
    comments: str | None
    unique_id: str


def read_mona(file: str, raw: bytes) -> tuple[MonaRow, ...]:
    """The rows of a MONA table, or `MemorandumRefused` with all that is wrong in it."""
    problems = MemorandumProblems()
    rows = read_table(file, raw, columns=MONA_COLUMNS, required=REQUIRED, problems=problems)
    found = tuple(_row(row) for row in rows)
    seen: dict[str, int] = {}
    for row, value in zip(rows, found, strict=True):
        line = seen.setdefault(value.unique_id, row.line)
        if line != row.line:
            row.wrong("Unique ID", f"stands in line {line} too")
    problems.refuse_if_any(file)
    return found


def _row(row: Row) -> MonaRow:
    code = row.text("Key Code")
    if code and code not in KEY_CODES:
        row.wrong("Key Code", f"{code!r} is no kind of condition{suggestion(code, KEY_CODES)}")
    return MonaRow(
        arrangement_number=row.text("Arrangement Number"),
        country=row.text("Country Name"),
        country_code=row.maybe("Country Code"),
        arrangement_type=row.text("Arrangement Type"),
        approved=_date(row, "Approval date") or _missing(row, "Approval date"),
        ends=_date(row, "Revised End Date") or _date(row, "Initial End Date"),
        kind=KEY_CODES.get(code, Kind.PERIODIC),
        economic_descriptor=row.maybe("Economic Descriptor"),
        description=row.text("Description"),
        test_date=_date(row, "NewTestDate") or _date(row, "Test Date"),
        status=row.maybe("PC Status"),
        comments=row.maybe("Comments"),
        unique_id=row.text("Unique ID"),
    )


def _missing(row: Row, column: str) -> date:
    if not row.cells[column]:
        row.wrong(column, "is empty")
    return NO_DAY


def _date(row: Row, column: str) -> date | None:
    """A day in one of the spellings that copies of the database have; in slashes month first."""
    value = row.maybe(column)
    if value is None:
        return None
    for spelling in _DATES:
        try:
            # Only the calendar day is read; no zone is meant or lost.
            return datetime.strptime(value, spelling).date()  # noqa: DTZ007
        except ValueError:
            continue
    row.wrong(column, f"{value!r} is not a day such as 2024-12-31 or 12/31/2024")
    return NO_DAY


def draft_memorandum(rows: Sequence[MonaRow]) -> str:
    """A memorandum file made from the rows of one arrangement, with everything open left open.

    Rows with the same description and kind are one condition with several test dates. It can be
    read at once; `lint` then lists what has to be looked up: quantity, perimeter, unit, page.
    """
    if not rows or len({row.arrangement_number for row in rows}) != 1:
        raise ValueError("a draft is made from the rows of one arrangement")
    first = rows[0]
    lines = [
        'format = "khazana.memorandum/1"',
        "",
        "[memorandum]",
        f"id = {_quoted('mona-' + _slug(first.arrangement_number))}",
        f"name = {{ en = {_quoted(f'{first.country}, {first.arrangement_type}')} }}",
        'lender = "International Monetary Fund"',
        f"country = {_quoted(first.country_code or first.country)}",
        f"arrangement = {_quoted(first.arrangement_type)}",
        f"approved = {first.approved}",
    ]
    if first.ends is not None:
        lines.append(f"ends = {first.ends}")
    lines.append('open = ["quantities, perimeters, units, signs and values: MONA has none"]')
    groups: dict[tuple[str, Kind], list[MonaRow]] = {}
    for row in rows:
        groups.setdefault((row.description, row.kind), []).append(row)
    for number, ((description, kind), group) in enumerate(groups.items(), start=1):
        lines += ["", *_condition(number, description, kind, group)]
    return "\n".join(lines) + "\n"


def _condition(number: int, description: str, kind: Kind, rows: Sequence[MonaRow]) -> Iterator[str]:
    done = kind in (Kind.BENCHMARK, Kind.PRIOR_ACTION)
    about = next((r.economic_descriptor for r in rows if r.economic_descriptor), None)
    ids = ", ".join(row.unique_id for row in rows)
    yield "[[condition]]"
    yield f'id = "condition-{number}"'
    yield f"name = {{ en = {_quoted(description[:500])} }}"
    yield f'kind = "{kind.value}"'
    yield f"quantity = {_quoted('done' if done else 'look-up')}"
    yield f"unit = {_quoted('done' if done else 'look up')}"
    yield f'sign = "{"positive" if done else "either"}"'
    yield f'direction = "{"floor" if done else "ceiling"}"'
    yield f"source = {{ document = {_quoted(f'MONA database, lines {ids}'[:2000])} }}"
    if about:
        yield f"note = {_quoted(f'economic descriptor: {about}')}"
    for row in sorted(rows, key=lambda r: (r.test_date or NO_DAY, r.unique_id)):
        yield ""
        yield "[[condition.target]]"
        if row.test_date is not None:
            yield f"{'since' if kind is Kind.CONTINUOUS else 'date'} = {row.test_date}"
        if done and row.test_date is not None:
            yield "value = 1"
        else:
            yield 'open = "MONA has no values"'
        said = "; ".join(t for t in (row.status, row.comments) if t)
        if said:
            yield f"note = {_quoted(f'MONA: {said}'[:2000])}"


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:50]


def _quoted(text: str) -> str:
    """A TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
