"""What our own check of a claim gives: a verdict, the figures, and what they rest on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Protocol

from khazana.bitcoin.chain import BlockRef
from khazana.ledger.money import minor_digits
from khazana.ledger.valuation import PricePoint, round_minor
from khazana.reserve.claims.claim import (
    ArithmeticCheck,
    ChainCheck,
    Claim,
    ClaimVerdict,
    DocumentCheck,
    MiningCheck,
    NotCheckable,
    PriceCheck,
    Qualifier,
    Quantity,
    Relation,
    Texts,
)
from khazana.reserve.claims.formula import compute, names_in
from khazana.units import SATS_PER_BTC, Sats

DAY_RULES = ("daily low", "daily close", "daily high")
"""The three prices of a day that a claim is held against, as venues publish them."""
ABOUT_PERCENT = 5
"""What "about" is taken to allow, either way."""


@dataclass(frozen=True, slots=True)
class MinedRange:
    """What a power may have earned: with the least and the most efficient machines of the time."""

    low: Sats
    high: Sats


class MiningJudge(Protocol):
    """The mining room, as far as a claim needs it; handed in, because rooms are neighbours."""

    def mined(self, *, power_mw: Fraction, first: date, last: date) -> MinedRange:
        """Bitcoin earned from power at the plug, on every day from `first` to `last`."""
        ...


@dataclass(frozen=True, slots=True)
class Counted:
    """What a reader's own count of a claimed address list gave, at the end of a block."""

    amount: Sats
    block: BlockRef


@dataclass(frozen=True, kw_only=True)
class ClaimInputs:
    """What checks read beside the claim. prices: with the rules of DAY_RULES.

    counted: by claim id. mining: None where the mining room is not at hand.
    """

    claims: Mapping[str, Claim]
    prices: Sequence[PricePoint] = ()
    counted: Mapping[str, Counted] = field(default_factory=dict)
    mining: MiningJudge | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a check. name: claimed, computed, computed_low, computed_high, difference,
    difference_percent, price_low, price_close, price_high or power. text: plain decimal digits.
    """

    name: str
    text: str
    unit: str


@dataclass(frozen=True, kw_only=True)
class ClaimCheck:
    """The result. key: the verdict, as its words are looked up by.

    note: what was compared, or why nothing can be, in every language. uses: claims it rests on.
    prices: the points it rests on. command: what a reader runs to derive it.
    """

    claim: str
    kind: str
    verdict: ClaimVerdict
    figures: tuple[Figure, ...] = ()
    note: Texts | None = None
    uses: tuple[str, ...] = ()
    prices: tuple[PricePoint, ...] = ()
    command: str | None = None

    @property
    def key(self) -> str:
        return self.verdict.value


def check_claim(claim: Claim, inputs: ClaimInputs) -> ClaimCheck:
    """Compute the check that the register plans for a claim."""
    match claim.plan:
        case PriceCheck() as plan:
            return _by_price(claim, plan, inputs)
        case ChainCheck() as plan:
            return _by_chain(claim, plan, inputs)
        case ArithmeticCheck() as plan:
            return _by_arithmetic(claim, plan, inputs.claims)
        case MiningCheck() as plan:
            return _by_mining(claim, plan, inputs.mining)
        case NotCheckable(why=why) as plan:
            return _result(claim, ClaimVerdict.NOT_CHECKABLE, note=why)
        case DocumentCheck():
            return _result(claim, ClaimVerdict.CITED)


def planned_value(claim: Claim, claims: Mapping[str, Claim], formula: str) -> Fraction:
    """The value of a claim's formula; ValueError names what is missing."""
    return compute(
        formula,
        amount=lambda name: _quantity(_named(name, claims)).value,
        days=lambda first, last: _days(_named(first, claims), _named(last, claims)),
    )


def day_prices(prices: Sequence[PricePoint], at: date, currency: str) -> tuple[PricePoint, ...]:
    """The low, close and high of a day (UTC), in this order, at the venue that gives all three.

    The points stand at the day's end, when they were known. Empty when no venue has all three.
    """
    end = datetime.combine(at + timedelta(days=1), time(), tzinfo=UTC)
    of_day = [p for p in prices if p.at == end and p.base == "BTC" and p.currency == currency]
    for venue in sorted({point.venue for point in of_day}):
        by_rule = {point.rule: point for point in of_day if point.venue == venue}
        if all(rule in by_rule for rule in DAY_RULES):
            return tuple(by_rule[rule] for rule in DAY_RULES)
    return ()


def _by_price(claim: Claim, plan: PriceCheck, inputs: ClaimInputs) -> ClaimCheck:
    """Amount × the day's lowest, last and highest price, against the worth that was claimed."""
    points = day_prices(inputs.prices, plan.at, plan.currency)
    if not points:
        return _result(claim, ClaimVerdict.NOT_COMPUTED)
    quantity = _quantity(claim)
    low, close, high = (quantity.value * point.value for point in points)
    digits = minor_digits()[plan.currency]
    figures = [
        Figure("claimed", plan.worth_text, plan.currency),
        Figure("computed_low", _money(low, plan.currency), plan.currency),
        Figure("computed", _money(close, plan.currency), plan.currency),
        Figure("computed_high", _money(high, plan.currency), plan.currency),
        Figure("difference", _decimal(plan.worth - close, digits), plan.currency),
        Figure("difference_percent", _percent(plan.worth, close), "per cent"),
    ]
    for name, point in zip(("price_low", "price_close", "price_high"), points, strict=True):
        figures.append(Figure(name, point.price, plan.currency))
    fits = _within(plan.worth, plan.qualifier, low=low, high=high, amount=quantity.qualifier)
    return _result(claim, _fit(fits), figures=figures, prices=points)


def _within(
    worth: Fraction, said: Qualifier, *, low: Fraction, high: Fraction, amount: Qualifier
) -> bool:
    """Whether a worth fits between what a day's prices make of an amount.

    A worth "over" x is a lower bound: it is out only above what the highest price makes of the
    amount. An amount "over" n counts as n, since reports round down.
    """
    slack = Fraction(ABOUT_PERCENT, 100) if said is Qualifier.ABOUT else Fraction(0)
    below = worth * (1 + slack) >= low or said is Qualifier.OVER
    above = worth * (1 - slack) <= high
    if said is Qualifier.UP_TO:
        above = True
    if amount is Qualifier.UP_TO:
        below = True
    return below and above


def _by_chain(claim: Claim, plan: ChainCheck, inputs: ClaimInputs) -> ClaimCheck:
    """Derivable; with a reader's own count at hand, the difference is stated, not judged.

    A count at one block says nothing about another day, and the list is not the office's.
    """
    counted = inputs.counted.get(claim.id)
    figures: list[Figure] = []
    quantity = claim.quantity
    if quantity is not None:
        figures.append(Figure("claimed", quantity.text, quantity.unit))
        if counted is not None and quantity.unit == "BTC":
            found = Fraction(counted.amount, SATS_PER_BTC)
            figures.append(Figure("computed", _decimal(found, 8), "BTC"))
            figures.append(Figure("difference", _decimal(quantity.value - found, 8), "BTC"))
    return _result(claim, ClaimVerdict.DERIVE, figures=figures, command=plan.command)


def _by_arithmetic(claim: Claim, plan: ArithmeticCheck, claims: Mapping[str, Claim]) -> ClaimCheck:
    quantity = _quantity(claim)
    computed = planned_value(claim, claims, plan.formula)
    slack = abs(computed) * plan.within / 100
    fits = {
        Relation.EQUAL: abs(quantity.value - computed) <= slack,
        Relation.AT_LEAST: quantity.value >= computed - slack,
        Relation.AT_MOST: quantity.value <= computed + slack,
    }[plan.relation]
    unit = quantity.unit
    figures = [
        Figure("claimed", quantity.text, unit),
        Figure("computed", _decimal(computed, _PLACES.get(unit, 2)), unit),
        Figure("difference", _decimal(quantity.value - computed, _PLACES.get(unit, 2)), unit),
    ]
    if computed:
        figures.append(Figure("difference_percent", _percent(quantity.value, computed), "per cent"))
    return _result(
        claim, _fit(fits), figures=figures, note=plan.compares, uses=names_in(plan.formula)
    )


def _by_mining(claim: Claim, plan: MiningCheck, judge: MiningJudge | None) -> ClaimCheck:
    quantity = _quantity(claim)
    figures = [
        Figure("claimed", quantity.text, quantity.unit),
        Figure("power", plan.power_text, "MW"),
    ]
    if judge is None:
        return _result(claim, ClaimVerdict.NOT_COMPUTED, figures=figures)
    mined = judge.mined(power_mw=plan.power_mw, first=plan.first, last=plan.last)
    days = (plan.last - plan.first).days + 1 if quantity.unit == "BTC per day" else 1
    low, high = (Fraction(a, SATS_PER_BTC * days) for a in (mined.low, mined.high))
    figures.append(Figure("computed_low", _decimal(low, 4), quantity.unit))
    figures.append(Figure("computed_high", _decimal(high, 4), quantity.unit))
    fits = _within(quantity.value, quantity.qualifier, low=low, high=high, amount=Qualifier.EXACTLY)
    return _result(claim, _fit(fits), figures=figures)


_PLACES = {"BTC": 8, "BTC per day": 8}


def _result(
    claim: Claim,
    verdict: ClaimVerdict,
    *,
    figures: Sequence[Figure] = (),
    note: Texts | None = None,
    uses: tuple[str, ...] = (),
    prices: tuple[PricePoint, ...] = (),
    command: str | None = None,
) -> ClaimCheck:
    return ClaimCheck(
        claim=claim.id,
        kind=claim.plan.kind,
        verdict=verdict,
        figures=tuple(figures),
        note=note,
        uses=uses,
        prices=prices,
        command=command,
    )


def _fit(fits: bool) -> ClaimVerdict:
    return ClaimVerdict.FITS if fits else ClaimVerdict.DOES_NOT_FIT


def _quantity(claim: Claim) -> Quantity:
    if claim.quantity is None:
        raise ValueError(f"claim {claim.id} states no figure")
    return claim.quantity


def _named(name: str, claims: Mapping[str, Claim]) -> Claim:
    if name not in claims:
        raise ValueError(f"no claim is called {name!r}")
    return claims[name]


def _days(first: Claim, last: Claim) -> int:
    for claim in (first, last):
        if claim.as_of.day is None:
            raise ValueError(f"claim {claim.id} is dated {claim.as_of.text}, not to the day")
    return (last.as_of.first - first.as_of.first).days


def _money(value: Fraction, currency: str) -> str:
    digits = minor_digits()[currency]
    return _decimal(Fraction(round_minor(value, currency), 10**digits), digits)


def _percent(claimed: Fraction, computed: Fraction) -> str:
    return _decimal(100 * (claimed - computed) / computed, 1)


def _decimal(value: Fraction, places: int) -> str:
    """A fraction as plain decimal digits, rounded half to even, without zeros that say nothing.

    >>> _decimal(Fraction(-5, 4), 8), _decimal(Fraction(700), 2), _decimal(Fraction(1, 8), 2)
    ('-1.25', '700', '0.12')
    """
    whole, rest = divmod(abs(round(value * 10**places)), 10**places)
    text = f"{whole}.{rest:0{places}d}".rstrip("0").rstrip(".") if places else str(whole)
    return f"-{text}" if value < 0 and text != "0" else text
