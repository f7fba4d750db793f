"""What the coins of a pool cost: weighted average or first in first out, impairment beside it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from khazana.ledger.findings import Finding
from khazana.ledger.office import CostMethod, ImpairmentRule
from khazana.ledger.valuation import Value
from khazana.units import Sats

Order = tuple[int, int]
"""When: block height, then position in the block. What the office enters itself comes after all."""
BROUGHT_FORWARD = "brought forward"


@dataclass(frozen=True, slots=True)
class CostEvent:
    """Coins that enter the pool (positive) with a cost, or leave it (negative) and relieve cost.

    cost: what the entering coins cost, in minor units of the office's currency; 0 when leaving.
    label: what happened, for the account: a document, a transaction, a loss.
    """

    order: Order
    amount: Sats
    cost: int
    label: str

    def __post_init__(self) -> None:
        if not self.amount:
            raise ValueError("an event of the pool moves something")
        if self.cost < 0 or (self.cost and self.amount < 0):
            raise ValueError("cost comes in with coins and is computed when they leave")


@dataclass(frozen=True, slots=True)
class ImpairmentTest:
    """At this point the pool is compared with its fair value (Rule C6).

    fair_value: of the whole pool, in minor units. period: whose books the test belongs to.
    """

    order: Order
    fair_value: int
    period: str
    label: str


@dataclass(frozen=True, slots=True)
class CostRow:
    """The pool after one event or test; the changes of all rows sum to the closing figures.

    amount: satoshis. cost, impaired_cost: minor units, rounded half to even (Rule C7).
    """

    label: str
    amount_change: Sats
    cost_change: int
    impaired_change: int
    amount: Sats
    cost: int
    impaired_cost: int


@dataclass(frozen=True, slots=True)
class Lot:
    """Coins that entered together. amount: satoshis. cost, carrying: exact, in minor units;
    carrying is cost less impairment.
    """

    amount: int
    cost: Fraction
    carrying: Fraction

    def part(self, amount: int) -> "Lot":
        """The lot's first `amount` satoshis, at the same cost for each."""
        share = Fraction(amount, self.amount)
        return Lot(amount, self.cost * share, self.carrying * share)


@dataclass(frozen=True)
class CostAccount:
    """The account of a pool's cost, row by row, and what was wrong.

    lots: what is in the pool in the end, the oldest first; one lot under the weighted average.
    """

    currency: str
    method: CostMethod
    rows: tuple[CostRow, ...]
    findings: tuple[Finding, ...]
    lots: tuple[Lot, ...] = ()

    @property
    def amount(self) -> Sats:
        return self.rows[-1].amount if self.rows else Sats(0)

    @property
    def cost(self) -> int:
        """Historical cost of what is in the pool, in minor units."""
        return self.rows[-1].cost if self.rows else 0

    @property
    def impaired_cost(self) -> int:
        """Cost less impairment, in minor units."""
        return self.rows[-1].impaired_cost if self.rows else 0


def cost_account(
    events: Iterable[CostEvent],
    tests: Iterable[ImpairmentTest] = (),
    *,
    currency: str,
    method: CostMethod,
    impairment: ImpairmentRule,
    opening: Sequence[Lot] = (),
) -> CostAccount:
    """Rules C2, C3, C5 to C7: the cost of a pool after each event, in order.

    opening: what an earlier account of the pool left, the oldest first; the first row is then the
    balance brought forward (Rule C8). Within one transaction what enters comes before what leaves;
    tests come after the events of their point.
    """
    steps: list[tuple[Order, int, CostEvent | ImpairmentTest]] = [
        (event.order, 0 if event.amount > 0 else 1, event) for event in events
    ]
    steps += [(test.order, 2, test) for test in tests]
    steps.sort(key=lambda step: step[:2])
    lots = list(opening)
    if method is CostMethod.WEIGHTED_AVERAGE and len(lots) > 1:
        lots = [_together(lots)]
    rows = [_row(BROUGHT_FORWARD, lots, ())] if lots else []
    findings: list[Finding] = []
    impaired_in: str | None = None
    for _, _, step in steps:
        if isinstance(step, ImpairmentTest):
            before = sum((lot.carrying for lot in lots), Fraction(0))
            lots = _tested(lots, step, impairment, impaired_in)
            if sum((lot.carrying for lot in lots), Fraction(0)) < before:
                impaired_in = step.period
        elif step.amount > 0:
            lots.append(Lot(step.amount, Fraction(step.cost), Fraction(step.cost)))
            if method is CostMethod.WEIGHTED_AVERAGE:
                lots = [_together(lots)]
        else:
            held = sum(lot.amount for lot in lots)
            if -step.amount > held:
                text = f"{-step.amount} sat leave a pool that has {held} sat"
                findings.append(Finding("C5", text, step.label))
            lots = _relieved(lots, min(-step.amount, held))
        rows.append(_row(step.label, lots, rows))
    return CostAccount(currency, method, tuple(rows), tuple(findings), tuple(lots))


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """One pool measured three ways, in minor units. fair_value: None where a price is missing."""

    amount: Sats
    currency: str
    cost: int
    impaired_cost: int
    fair_value: int | None


def side_by_side(account: CostAccount, value: Value | Finding) -> Measurements:
    """Cost, impaired cost and fair value of the same coins in the same currency."""
    if isinstance(value, Value) and (value.amount, value.currency) != (
        account.amount,
        account.currency,
    ):
        raise ValueError("the value is another pool's or in another currency")
    return Measurements(
        amount=account.amount,
        currency=account.currency,
        cost=account.cost,
        impaired_cost=account.impaired_cost,
        fair_value=value.minor if isinstance(value, Value) else None,
    )


def _together(lots: Sequence[Lot]) -> Lot:
    """Rule C2: one lot in which every satoshi costs the same."""
    return Lot(
        sum(lot.amount for lot in lots),
        sum((lot.cost for lot in lots), Fraction(0)),
        sum((lot.carrying for lot in lots), Fraction(0)),
    )


def _relieved(lots: Sequence[Lot], amount: int) -> list[Lot]:
    """Rule C3: the oldest lots leave first; of a lot, cost leaves in proportion."""
    left = []
    for lot in lots:
        taken = min(lot.amount, amount)
        amount -= taken
        if taken < lot.amount:
            left.append(lot.part(lot.amount - taken))
    return left


def _tested(
    lots: Sequence[Lot], test: ImpairmentTest, rule: ImpairmentRule, impaired_in: str | None
) -> list[Lot]:
    """Rule C6: the pool as a whole is written down to fair value, or back up where that is allowed.

    Down: each lot in proportion to what it is carried at. Up: each lot in proportion to what it
    was written down, never above cost.
    """
    cost = sum((lot.cost for lot in lots), Fraction(0))
    carrying = sum((lot.carrying for lot in lots), Fraction(0))
    fair = Fraction(test.fair_value)
    if fair < carrying:
        return [replace(lot, carrying=lot.carrying * fair / carrying) for lot in lots]
    may_rise = rule is ImpairmentRule.REVERSED_IN_NEXT_PERIOD and impaired_in != test.period
    if may_rise and carrying < cost:
        share = (min(fair, cost) - carrying) / (cost - carrying)
        return [
            replace(lot, carrying=lot.carrying + (lot.cost - lot.carrying) * share) for lot in lots
        ]
    return list(lots)


def _row(label: str, lots: Sequence[Lot], rows: Sequence[CostRow]) -> CostRow:
    """Rule C7: balances are rounded; a change is the difference of two rounded balances."""
    whole = _together(lots)
    cost, impaired = round(whole.cost), round(whole.carrying)
    last = rows[-1] if rows else CostRow("", Sats(0), 0, 0, Sats(0), 0, 0)
    return CostRow(
        label=label,
        amount_change=Sats(whole.amount - last.amount),
        cost_change=cost - last.cost,
        impaired_change=impaired - last.impaired_cost,
        amount=Sats(whole.amount),
        cost=cost,
        impaired_cost=impaired,
    )
