"""What an office's coins had cost before its first valuation: a table of its own, said once."""

import hashlib
import re
from decimal import Decimal

from khazana.ledger.money import major_units, minor_digits
from khazana.ledger.problems import ProblemList
from khazana.ledger.tables import Row, read_table
from khazana.reserve.valuation_cost import BroughtForward
from khazana.reserve.valuation_document import LotBody
from khazana.units import MAX_MONEY

COLUMNS = ("set", "amount_sat", "cost", "impaired_cost", "document", "file_sha256", "note")
REQUIRED = ("set", "amount_sat", "cost", "document")
_SET = re.compile(r"(entity|perimeter)/[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MONEY = re.compile(r"(0|[1-9][0-9]{0,15})(\.[0-9]+)?")


def with_opening_costs(
    earlier: BroughtForward | None, file: str, raw: bytes, *, currency: str
) -> BroughtForward:
    """Rule C10: the lots that a table declares, beside those of the valuation before.

    A set that the valuation before carries already cannot be declared again. Raises
    `OfficeFileRefused` with every problem of the table, by line and column.
    """
    problems = ProblemList()
    rows = read_table(file, raw, columns=COLUMNS, required=REQUIRED, problems=problems)
    lots: dict[str, list[LotBody]] = {}
    carried = {part for part, found in (earlier.lots if earlier else {}).items() if found}
    for row in rows:
        part = row.text("set")
        if part and not _SET.fullmatch(part):
            row.wrong("set", f"{part!r}: write entity/ID or perimeter/ID")
        elif part in carried:
            row.wrong("set", f"the valuation before says what {part} cost")
        row.identifier("document")
        row.maybe_hash("file_sha256")
        amount, cost = _amount(row), _money(row, "cost", currency)
        impaired = _money(row, "impaired_cost", currency) if row.maybe("impaired_cost") else cost
        if amount and cost is not None and impaired is not None:
            if Decimal(impaired) > Decimal(cost):
                row.wrong("impaired_cost", f"{impaired} is more than the cost, {cost}")
            lot = LotBody(amount=amount, cost=cost, impaired_cost=impaired)
            lots.setdefault(part, []).append(lot)
    problems.refuse_if_any(file)
    return _beside(earlier, lots, hashlib.sha256(raw).hexdigest())


def _beside(
    earlier: BroughtForward | None, lots: dict[str, list[LotBody]], table: str
) -> BroughtForward:
    before = BroughtForward(None, {}, {}) if earlier is None else earlier
    return BroughtForward(
        before.file,
        {**before.lots, **lots},
        {**before.complete, **dict.fromkeys(lots, True)},
        {**before.declared, **dict.fromkeys(lots, table)},
    )


def _amount(row: Row) -> int:
    text = row.text("amount_sat").replace("_", "")
    if text.isascii() and text.isdecimal() and len(text) <= 16 and 0 < int(text) <= MAX_MONEY:
        return int(text)
    if text:
        row.wrong("amount_sat", f"{text!r} is not a number of satoshis from 1 to {int(MAX_MONEY)}")
    return 0


def _money(row: Row, column: str, currency: str) -> str | None:
    """The amount as a valuation writes it: with exactly the currency's digits."""
    text = row.text(column)
    digits = minor_digits()[currency]
    if not text:
        return None
    if not _MONEY.fullmatch(text) or len(text.partition(".")[2]) > digits:
        row.wrong(column, f"{text!r} is not an amount of {currency} with {digits} decimals at most")
        return None
    return major_units(int(Decimal(text).scaleb(digits)), currency)
