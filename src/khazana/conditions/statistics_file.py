"""The tables of entered figures: statistics.csv and liabilities.csv, row by row."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from khazana.bitcoin.chain import BlockRef
from khazana.conditions.exact import ZERO, decimal_of
from khazana.conditions.fields import NO_DAY
from khazana.conditions.measures import unit_of
from khazana.conditions.problems import MemorandumProblems
from khazana.conditions.statistics import ClientLiabilities, Statistic
from khazana.errors import KhazanaError
from khazana.ledger.grades import EvidenceGrade
from khazana.ledger.money import sats_of_text
from khazana.ledger.problems import suggestion
from khazana.ledger.tables import Row, read_table
from khazana.units import Sats

STATISTIC_COLUMNS = (
    "quantity",
    "perimeter",
    "date",
    "value",
    "unit",
    "source",
    "grade",
    "entered",
    "note",
)
LIABILITY_COLUMNS = (
    "perimeter",
    "as_of",
    "amount_btc",
    "amount_sat",
    "document",
    "attested_by",
    "file_sha256",
    "entered",
)
# Grade A is what anyone derives from the chain; nobody can enter it.
_GRADES = {grade.value: grade for grade in EvidenceGrade if grade is not EvidenceGrade.A}

BlockOf = Callable[[str], BlockRef]
"""The best chain's block of a name; a KhazanaError when there is none."""


def read_statistics(file: str, raw: bytes) -> tuple[Statistic, ...]:
    """The statistics in a table, or `MemorandumRefused` with all that is wrong in it."""
    problems = MemorandumProblems()
    rows = read_table(
        file,
        raw,
        columns=STATISTIC_COLUMNS,
        required=("quantity", "date", "value", "unit", "source", "grade", "entered"),
        problems=problems,
    )
    found = [(row, _statistic(row)) for row in rows]
    _once(found, lambda s: (*s.key, s.entered))
    problems.refuse_if_any(file)
    return tuple(statistic for _, statistic in found)


def read_liabilities(file: str, raw: bytes, block_of: BlockOf) -> tuple[ClientLiabilities, ...]:
    """What is owed to clients, as attested; blocks are asked for by name."""
    problems = MemorandumProblems()
    rows = read_table(
        file,
        raw,
        columns=LIABILITY_COLUMNS,
        required=("perimeter", "as_of", "document", "entered"),
        problems=problems,
    )
    found = [(row, one) for row in rows if (one := _liability(row, block_of)) is not None]
    _once(found, lambda one: (*one.key, one.entered))
    problems.refuse_if_any(file)
    return tuple(one for _, one in found)


def _once(found: Sequence[tuple[Row, object]], key: Callable[..., tuple[object, ...]]) -> None:
    seen: dict[tuple[object, ...], int] = {}
    for row, value in found:
        line = seen.setdefault(key(value), row.line)
        if line != row.line:
            row.wrong("entered", f"line {line} says the same at the same time; which one holds?")


def _statistic(row: Row) -> Statistic:
    unit = row.text("unit")
    if unit:
        try:
            unit_of(unit)
        except ValueError as wrong:
            row.wrong("unit", str(wrong))
            unit = ""
    grade = row.text("grade")
    if grade and grade not in _GRADES:
        row.wrong(
            "grade", f"{grade!r} is no grade of an entered figure{suggestion(grade, _GRADES)}"
        )
    return Statistic(
        quantity=row.identifier("quantity"),
        perimeter=row.identifier("perimeter") if row.maybe("perimeter") else None,
        day=_day(row, "date"),
        value=_decimal(row, "value"),
        unit=unit or "count",  # what could not be read is refused before it is used
        source=row.text("source"),
        grade=_GRADES.get(grade, EvidenceGrade.D),
        entered=row.time("entered"),
        note=row.maybe("note"),
    )


def _liability(row: Row, block_of: BlockOf) -> ClientLiabilities | None:
    before = len(row.problems.found)
    named = row.block("as_of")
    block: BlockRef | None = None
    if named.name:
        try:
            block = block_of(named.name)
        except KhazanaError as wrong:
            row.wrong("as_of", str(wrong))
    amount = Sats(0)
    try:
        amount = sats_of_text(btc=row.cells["amount_btc"], sat=row.cells["amount_sat"])
    except ValueError as wrong:
        row.wrong("amount_btc", str(wrong))
    if amount < 0:
        row.wrong("amount_btc", f"{amount} sat is less than nothing")
    perimeter, document = row.identifier("perimeter"), row.text("document")
    entered, sha256 = row.time("entered"), row.maybe_hash("file_sha256")
    if block is None or len(row.problems.found) > before:
        return None
    return ClientLiabilities(
        perimeter=perimeter,
        block=block,
        amount=amount,
        document=document,
        entered=entered,
        attested_by=row.maybe("attested_by"),
        file_sha256=sha256,
    )


def _day(row: Row, column: str) -> date:
    value = row.text(column)
    try:
        return date.fromisoformat(value) if value else NO_DAY
    except ValueError:
        row.wrong(column, f"{value!r} is not a day such as 2024-12-31")
        return NO_DAY


def _decimal(row: Row, column: str) -> Decimal:
    value = row.text(column)
    try:
        return decimal_of(value) if value else ZERO
    except ValueError as wrong:
        row.wrong(column, str(wrong))
        return ZERO
