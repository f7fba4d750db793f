"""Prices and price rules of a valuation: between the ledger's values and the file, both ways."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from khazana.errors import KhazanaError
from khazana.ledger.documents import utc_text
from khazana.ledger.findings import Finding
from khazana.ledger.valuation import BITCOIN, PricePoint, PriceRule, Quote, point_at
from khazana.reserve.valuation_document import (
    PriceBody,
    QuoteBody,
    RuleBody,
    ValuationDocument,
)
from khazana.statement.times import read_instant

DEFAULT_MAX_AGE = timedelta(hours=24)
THROUGH = "USD"
"""The currency through which others are reached when bitcoin is not quoted in them (Rule V4)."""


@dataclass(eq=False, kw_only=True)
class QuoteNotDecided(KhazanaError):
    """The table has several venues or rules for one pair, and nobody said which one counts."""

    pair: str
    found: str
    code = "quote_not_decided"
    words = "{pair} has several quotes: {found}. Say which one counts; it is decided beforehand."


def rules_for(
    prices: Sequence[PricePoint],
    currencies: Sequence[str],
    *,
    decided: Sequence[Quote] = (),
    max_age: timedelta = DEFAULT_MAX_AGE,
) -> tuple[PriceRule, ...]:
    """The way to each currency that a table of prices offers: directly, or through dollars.

    decided: which venue and rule answer for a pair; needed where the table has several. A currency
    that the table does not reach gets no rule, and its values become findings.
    """
    rules = []
    for currency in currencies:
        ways = [[(BITCOIN, currency)], [(BITCOIN, THROUGH), (THROUGH, currency)]]
        for way in ways:
            quotes = [_quote(pair, prices, decided) for pair in way if pair[0] != pair[1]]
            known = [quote for quote in quotes if quote is not None]
            if len(known) == len(quotes):
                rules.append(PriceRule(quotes=tuple(known), max_age=max_age))
                break
    return tuple(rules)


def _quote(
    pair: tuple[str, str], prices: Sequence[PricePoint], decided: Sequence[Quote]
) -> Quote | None:
    for quote in decided:
        if (quote.base, quote.currency) == pair:
            return quote
    found = {(p.venue, p.rule) for p in prices if (p.base, p.currency) == pair}
    if len(found) > 1:
        listed = ", ".join(f"{venue} ({rule})" for venue, rule in sorted(found))
        raise QuoteNotDecided(pair=f"{pair[0]} in {pair[1]}", found=listed)
    return next((Quote(*pair, venue, rule) for venue, rule in found), None)


def points_of(
    rule: PriceRule, at: datetime, prices: Sequence[PricePoint]
) -> tuple[tuple[PricePoint, ...], Finding | None]:
    """The points that answer for a rule at an instant, up to the first that is missing."""
    found: list[PricePoint] = []
    for quote in rule.quotes:
        point = point_at(quote, at, prices=prices, max_age=rule.max_age)
        if isinstance(point, Finding):
            return tuple(found), point
        found.append(point)
    return tuple(found), None


def require_one_price_each(prices: Iterable[PricePoint]) -> None:
    """Rule V1 before anything is valued; ValueError: a table that was read has one already."""
    seen: dict[tuple[object, ...], str] = {}
    for point in prices:
        key = point.at, point.venue, point.rule, point.base, point.currency
        if seen.setdefault(key, point.price) != point.price:
            raise ValueError(
                f"{point.base} in {point.currency} at {point.venue} ({point.rule}) has two prices "
                f"at {utc_text(point.at)}: {seen[key]} and {point.price}"
            )


def price_body(point: PricePoint) -> PriceBody:
    """A price as it stands in the file."""
    return PriceBody(
        at=utc_text(point.at),
        venue=point.venue,
        rule=point.rule,
        base=point.base,
        currency=point.currency,
        price=point.price,
        source=point.source,
        file_sha256=point.file_sha256,
        grade=point.grade.value,
    )


def price_of(body: PriceBody) -> PricePoint:
    """The price; ValueError when it is none, such as zero. Its grade is derived, not read."""
    return PricePoint(
        at=read_instant(body.at),
        venue=body.venue,
        rule=body.rule,
        base=body.base,
        currency=body.currency,
        price=body.price,
        source=body.source,
        file_sha256=body.file_sha256,
    )


def rule_of(body: RuleBody) -> PriceRule:
    """The rule; ValueError when its quotes do not lead from bitcoin to its currency."""
    rule = PriceRule(
        quotes=tuple(Quote(q.base, q.currency, q.venue, q.rule) for q in body.quotes),
        max_age=timedelta(seconds=body.max_age_s),
    )
    if rule.currency != body.currency:
        raise ValueError(f"its quotes lead to {rule.currency}, not to {body.currency}")
    return rule


def listed_prices(document: ValuationDocument) -> tuple[PricePoint, ...]:
    """Every price that a valuation lists, each once."""
    bodies = [
        p for side in (document.opening, document.closing) for r in side.rates for p in r.prices
    ]
    if document.cost is not None:
        bodies += [price for block in document.cost.blocks for price in block.prices]
    return _each_once(price_of(body) for body in bodies)


def _each_once(points: Iterable[PricePoint]) -> tuple[PricePoint, ...]:
    return tuple(dict.fromkeys(points))


def rule_body(rule: PriceRule) -> RuleBody:
    """A rule as it stands in the file."""
    return RuleBody(
        currency=rule.currency,
        quotes=[
            QuoteBody(base=q.base, currency=q.currency, venue=q.venue, rule=q.rule)
            for q in rule.quotes
        ],
        max_age_s=int(rule.max_age.total_seconds()),
    )
