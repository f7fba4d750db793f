"""What holdings were worth: read from the valuation that goes with a statement."""

from dataclasses import dataclass
from datetime import datetime

from khazana.ledger.money import minor_units
from khazana.portal.statement.models import FileKind, FileRow, StatementRow
from khazana.reserve.valuation_document import PriceBody, ValuationDocument, read_valuation
from khazana.statement.times import read_instant


@dataclass(frozen=True)
class Worth:
    """The state's own holdings of a set at the closing block, in one currency."""

    currency: str
    minor: int
    at: datetime
    grade: str | None
    prices: tuple[PriceBody, ...]


def valuation_for(statement: StatementRow) -> ValuationDocument | None:
    """The valuation under a statement's root, if one is published."""
    row = FileRow.objects.filter(statement=statement, kind=FileKind.VALUATION).first()
    return None if row is None else read_valuation(bytes(row.raw))


def worth_of(valuation: ValuationDocument | None, part: str) -> list[Worth]:
    """What a perimeter's or entity's own coins were worth at closing, by currency."""
    if valuation is None:
        return []
    side = next((found.closing for found in valuation.sets if found.set == part), None)
    if side is None:
        return []
    rates = {rate.currency: rate for rate in valuation.closing.rates}
    return [
        Worth(
            currency=money.currency,
            minor=minor_units(money.amount, money.currency),
            at=read_instant(valuation.closing.at),
            grade=rates[money.currency].grade,
            prices=tuple(rates[money.currency].prices),
        )
        for money in side.own.value
        if money.amount is not None and money.currency in rates
    ]
