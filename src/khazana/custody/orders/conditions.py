"""A lender's conditions, asked before an order: what this room needs to know of the answer.

Whoever holds the conditions stands above this room and is handed in: `LenderConditions` of
khazana.conditions is one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from khazana.custody.orders.order import Order
from khazana.ledger.documents import Reason
from khazana.units import Sats


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """The booking that an order would lead to."""

    reason: Reason
    account: str
    sats: Sats
    day: date
    counter_account: str | None
    paid_from: str | None
    cost: Decimal | None
    currency: str | None


class ConditionLine(Protocol):
    """One condition as if the order were booked; amounts in `unit`, exact."""

    @property
    def memorandum(self) -> str: ...

    @property
    def condition(self) -> str: ...

    @property
    def unit(self) -> str: ...

    @property
    def effect(self) -> Decimal | None: ...

    @property
    def after(self) -> Decimal | None: ...

    @property
    def limit(self) -> Decimal | None: ...

    @property
    def headroom(self) -> Decimal | None: ...

    @property
    def worsens(self) -> bool: ...

    @property
    def needs_waiver(self) -> bool: ...

    @property
    def why(self) -> str: ...


class ConditionsAnswer(Protocol):
    """Every condition that the booking touches."""

    @property
    def lines(self) -> Sequence[ConditionLine]: ...


class ConditionsCheck(Protocol):
    """Whoever can say what a booking would do to the conditions."""

    def as_if_booked(self, order: Proposed, /) -> ConditionsAnswer: ...


@dataclass(frozen=True, kw_only=True)
class ConditionJudgement:
    """A condition with the order and everything under way booked.

    refuses: a criterion that needs a waiver would be breached, or cannot be assessed.
    over_by: how far past the limit, in `unit`. largest: the largest order that it lets pass.
    """

    memorandum: str
    condition: str
    unit: str
    refuses: bool
    warns: bool
    over_by: Decimal | None
    largest: Sats | None
    why: str


def proposed(order: Order, day: date, *, sats: Sats | None = None) -> Proposed:
    """The order as a booking. sats: a part of it, at the same price."""
    cost = order.cost
    part = order.sats if sats is None else sats
    major = None if cost is None else cost.major
    if major is not None and part != order.sats:
        # Rounded up: a part may not look cheaper than it is.
        minor = -(-cost.minor * part // order.sats) if cost else 0
        major = type(cost)(cost.currency, minor).major if cost and minor else major
    return Proposed(
        reason=order.reason,
        account=order.account,
        sats=part,
        day=day,
        counter_account=order.counter_account,
        paid_from=order.paid_from,
        cost=major,
        currency=None if cost is None else cost.currency,
    )


def judge_conditions(
    order: Order, check: ConditionsCheck, *, day: date, pending: Iterable[Proposed] = ()
) -> tuple[ConditionJudgement, ...]:
    """Every condition the order moves towards its limit, with what is under way booked as well.

    pending: orders that passed and are not in the books yet. Two that pass alone may breach
    together. Room that one of them would give is not counted: it may never be carried out.
    """
    taken: dict[tuple[str, str], Decimal] = {}
    unknown: set[tuple[str, str]] = set()
    for each in pending:
        for line in check.as_if_booked(each).lines:
            key = (line.memorandum, line.condition)
            if line.worsens and line.effect is not None:
                taken[key] = taken.get(key, Decimal(0)) + abs(line.effect)
            elif line.worsens:
                unknown.add(key)
    return tuple(
        _judged(order, line, taken, unknown)
        for line in check.as_if_booked(proposed(order, day)).lines
        if line.worsens
    )


def _judged(
    order: Order,
    line: ConditionLine,
    taken: dict[tuple[str, str], Decimal],
    unknown: set[tuple[str, str]],
) -> ConditionJudgement:
    key = (line.memorandum, line.condition)
    by_others = Fraction(taken.get(key, Decimal(0)))
    over: Decimal | None = None
    largest: Sats | None = None
    why = line.why
    if line.headroom is None or line.effect is None or key in unknown:
        broken = True
        why = (
            f"{why}; not assessable, and therefore no pass"
            if key not in unknown
            else (f"{line.condition}: what the orders under way do to it is not known")
        )
    else:
        left = Fraction(line.headroom) - by_others
        broken = left < 0
        room = max(Fraction(0), left + abs(Fraction(line.effect)))
        exact = room * order.sats / abs(Fraction(line.effect))
        largest = Sats(exact.numerator // exact.denominator)
        if broken:
            over = Decimal((-left).numerator) / Decimal((-left).denominator)
        if by_others:
            said = f"over by {over} {line.unit}" if broken else f"{_text(left)} {line.unit} left"
            why = (
                f"{line.condition}: orders under way take {_text(by_others)} {line.unit} of the "
                f"room; with this one {said}; at most {largest} sat would pass"
            )
    return ConditionJudgement(
        memorandum=line.memorandum,
        condition=line.condition,
        unit=line.unit,
        refuses=broken and line.needs_waiver,
        warns=broken and not line.needs_waiver,
        over_by=over,
        largest=largest if line.needs_waiver else None,
        why=why,
    )


def _text(exact: Fraction) -> str:
    return str(Decimal(exact.numerator) / Decimal(exact.denominator))
