"""The valuation of a statement: fair values of its holdings and costs of its pools, or findings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from khazana.errors import KhazanaError
from khazana.ledger.accounts import Lane
from khazana.ledger.documents import utc_text
from khazana.ledger.findings import Finding
from khazana.ledger.grades import weakest
from khazana.ledger.valuation import BITCOIN, PricePoint, PriceRule, Value, value_at
from khazana.reserve.holdings import LaneHoldings, SetHoldings, holdings_of, own_of
from khazana.reserve.parts import NetworkBody
from khazana.reserve.reading import ReserveStatement
from khazana.reserve.valuation_cost import CostInputs, cost_body
from khazana.reserve.valuation_document import (
    FORMAT,
    FindingBody,
    InstantBody,
    MeasureBody,
    MoneyBody,
    RateBody,
    SetBody,
    SideBody,
    ValuationDocument,
    money,
)
from khazana.reserve.valuation_prices import (
    points_of,
    price_body,
    require_one_price_each,
    rule_body,
)
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.times import read_instant
from khazana.units import SATS_PER_BTC, Sats


@dataclass(eq=False, kw_only=True)
class ValuedTooEarly(KhazanaError):
    """Closing holdings cannot be valued before they were there."""

    at: str
    closed: str
    code = "valued_too_early"
    words = "{at} is before the closing block ({closed}): value the closing at that time or later."


@dataclass(frozen=True)
class _Rates:
    """An instant of valuation and, by currency, the rule that values it there."""

    at: datetime
    prices: Sequence[PricePoint]
    rules: Mapping[str, PriceRule]
    currencies: Sequence[str]

    def value(self, amount: int, currency: str) -> Value | Finding:
        rule = self.rules.get(currency)
        if rule is None:
            text = f"no quote, and no cited rate, leads from {BITCOIN} to {currency}"
            return Finding("V4", text, "rules")
        return value_at(Sats(amount), self.at, prices=self.prices, rule=rule)

    def values(self, amount: int) -> list[MoneyBody]:
        found = [(currency, self.value(amount, currency)) for currency in self.currencies]
        return [
            money(value.minor if isinstance(value, Value) else None, currency)
            for currency, value in found
        ]


def _in_reach(
    prices: Sequence[PricePoint], at: datetime, rules: Sequence[PriceRule]
) -> Sequence[PricePoint]:
    """The points that any of the rules may use at an instant: a table of years has few."""
    oldest = at - max((rule.max_age for rule in rules), default=timedelta(0))
    return [point for point in prices if oldest <= point.at <= at]


def valuation_of(
    statement: ReserveStatement,
    *,
    prices: Sequence[PricePoint],
    rules: Sequence[PriceRule],
    currencies: Sequence[str],
    at: datetime | None = None,
    cost: CostInputs | None = None,
) -> ValuationDocument:
    """Rules V6 to V9: what every entity and perimeter of a statement holds, in each currency.

    rules: one per currency; a currency without one is a finding. at: when the closing holdings are
    valued, UTC; None: at the closing block's median time past, as the opening is at its own.
    cost: what the cost of pools needs, in one of `currencies`; None leaves it out.
    The statement's own truth is not checked here: `khazana verify` does that.
    """
    period = statement.header.period
    closed = read_instant(period.until_mtp)
    if at is not None and at < closed:
        raise ValuedTooEarly(at=utc_text(at), closed=period.until_mtp)
    if len(set(currencies)) != len(currencies):
        raise ValueError("a currency is asked for twice")
    require_one_price_each(prices)
    if cost is not None and cost.currency not in currencies:
        raise ValueError(f"cost is kept in {cost.currency}, which is not among the currencies")
    by_currency = {rule.currency: rule for rule in rules}
    if len(by_currency) != len(rules):
        raise ValueError("two rules lead to one currency")
    opening, closing = (
        _Rates(instant, _in_reach(prices, instant, rules), by_currency, currencies)
        for instant in (read_instant(period.after_mtp), at or closed)
    )
    sets = list(holdings_of(statement))
    findings = [*_findings("opening", opening), *_findings("closing", closing)]
    findings += [finding for held in sets for finding in _below_zero(held)]
    cost_part = None
    if cost is not None:
        cost_part, more = cost_body(
            statement, sets, cost, prices=prices, rules=by_currency, at=closing.at
        )
        findings += more
    return ValuationDocument(
        format=FORMAT,
        subject_root=statement.root,
        network=NetworkBody(
            name=statement.header.network.name, genesis=statement.header.network.genesis
        ),
        test=statement.header.test,
        notice=TEST_NOTICE if statement.header.test else statement.header.office.notice,
        period=period,
        currencies=list(currencies),
        rules=[rule_body(rule) for rule in rules],
        opening=_instant(opening),
        closing=_instant(closing),
        sets=[
            SetBody(
                set=held.part,
                opening=_side(held.opening, opening),
                closing=_side(held.closing, closing),
            )
            for held in sets
        ],
        cost=cost_part,
        findings=[FindingBody(rule=f.rule, text=f.text, where=f.where) for f in findings],
    )


def _instant(rates: _Rates) -> InstantBody:
    bodies = []
    for currency in rates.currencies:
        rule = rates.rules.get(currency)
        points, missing = ((), None) if rule is None else points_of(rule, rates.at, rates.prices)
        whole = bool(points) and missing is None
        bodies.append(
            RateBody(
                currency=currency,
                prices=[price_body(point) for point in points],
                grade=weakest(p.grade for p in points).value if whole else None,
            )
        )
    return InstantBody(at=utc_text(rates.at), rates=bodies)


def _findings(side: str, rates: _Rates) -> Iterator[Finding]:
    for currency in rates.currencies:
        found = rates.value(SATS_PER_BTC, currency)
        if isinstance(found, Finding):
            yield Finding(found.rule, found.text, f"{side}, {currency}")


def _below_zero(held: SetHoldings) -> Iterator[Finding]:
    """Rule V8: more is written off than is there."""
    for side, lanes in (("opening", held.opening), ("closing", held.closing)):
        for lane, found in lanes.items():
            if found.recognised < 0:
                text = f"recognised holdings of lane {lane.value} are {found.recognised} sat"
                yield Finding("V8", f"{text}: nothing to value", f"{held.part}, {side}")


def _side(lanes: Mapping[Lane, LaneHoldings], rates: _Rates) -> SideBody:
    return SideBody(
        own=_measure(own_of(lanes), rates),
        pledged=_measure(lanes[Lane.PLEDGED], rates),
        seized=_measure(lanes[Lane.SEIZED], rates),
        held_for_clients=_measure(lanes[Lane.HELD_FOR_CLIENTS], rates),
    )


def _measure(held: LaneHoldings, rates: _Rates) -> MeasureBody:
    return MeasureBody(
        holdings=held.holdings,
        value=_worth(held.holdings, rates),
        recognised=held.recognised,
        recognised_value=_worth(held.recognised, rates),
    )


def _worth(amount: int, rates: _Rates) -> list[MoneyBody]:
    if amount < 0:
        return [money(None, currency) for currency in rates.currencies]
    return rates.values(amount)
