"""What holdings were worth: read from the valuation that goes with a statement."""

from dataclasses import dataclass
from datetime import datetime

from khazana.ledger.money import minor_units
from khazana.ledger.valuation import Value, read_prices, value_at
from khazana.portal.statement.models import FileKind, FileRow, StatementRow
from khazana.reserve.valuation_document import PriceBody, ValuationDocument, read_valuation
from khazana.reserve.valuation_prices import price_body, rule_of
from khazana.statement.times import read_instant
from khazana.units import Sats


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


def worth_at(statement: StatementRow, amount: int, at: datetime) -> list[Worth]:
    """What an amount was worth at any instant, by the rules of a statement's valuation and the
    office's published prices; a currency without a price then is left out (Rule V3).
    """
    valuation = valuation_for(statement)
    published = FileRow.objects.filter(office=statement.office, kind=FileKind.PRICES).first()
    if valuation is None or published is None:
        return []
    prices = read_prices(published.path, bytes(published.raw))
    found = []
    for body in valuation.rules:
        value = value_at(Sats(amount), at, prices=prices, rule=rule_of(body))
        if isinstance(value, Value):
            found.append(
                Worth(
                    currency=value.currency,
                    minor=value.minor,
                    at=at,
                    grade=max(point.grade.value for point in value.points),
                    prices=tuple(price_body(point) for point in value.points),
                )
            )
    return found


@dataclass(frozen=True)
class Cost:
    """What a set's own coins cost, in minor units; `fair` where a price is known.

    complete: no cost is missing; where one is, it entered as zero.
    """

    currency: str
    cost: int
    impaired: int
    fair: int | None
    complete: bool


def cost_of(valuation: ValuationDocument | None, part: str) -> Cost | None:
    """The cost of a perimeter's or entity's pool, where the office published it."""
    if valuation is None or valuation.cost is None:
        return None
    currency = valuation.cost.currency
    pool = next((found for found in valuation.cost.pools if found.set == part), None)
    if pool is None:
        return None
    return Cost(
        currency=currency,
        cost=minor_units(pool.cost, currency),
        impaired=minor_units(pool.impaired_cost, currency),
        fair=None if pool.fair_value is None else minor_units(pool.fair_value, currency),
        complete=pool.complete,
    )
