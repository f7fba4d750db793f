"""A memorandum as values: conditions with their targets, adjusters, exclusions and sources."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from khazana.conditions.measures import QUANTITIES, Quantity
from khazana.ledger.accounts import Lane, Names
from khazana.ledger.documents import Reason
from khazana.ledger.office import Place


class Kind(Enum):
    """What follows from missing it."""

    PERIODIC = "periodic_performance_criterion"
    CONTINUOUS = "continuous_performance_criterion"
    INDICATIVE = "indicative_target"
    BENCHMARK = "structural_benchmark"
    PRIOR_ACTION = "prior_action"
    DUTY = "reporting_duty"
    """Something to be reported or published; not a criterion of its own."""

    @property
    def needs_waiver(self) -> bool:
        """Whether missing it stops disbursement unless the lender's board waives it."""
        return self in (Kind.PERIODIC, Kind.CONTINUOUS)


class Direction(Enum):
    CEILING = "ceiling"
    FLOOR = "floor"


class Sign(Enum):
    """The sign that the condition's targets carry, said apart from the number (Rule K2)."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    ZERO = "zero"
    EITHER = "either"

    def allows(self, value: Decimal) -> bool:
        return {
            Sign.POSITIVE: value > 0,
            Sign.NEGATIVE: value < 0,
            Sign.ZERO: value == 0,
            Sign.EITHER: True,
        }[self]


class Mark(Enum):
    """How sure we are that the source says so."""

    STATED = "S"
    """Stated in the source that is named."""
    MEASURED = "M"
    """Computed from data that is named."""
    RECALLED = "R"
    """From memory; to be confirmed in the primary document."""
    INFERRED = "I"
    """Follows from what sources say, and they do not say it."""


OPEN_PAGE = "open"
"""Stands for a page that was not found; the lint notes it."""
WEB_PAGE = "web page"
"""Stands for the page of a source that has none."""


@dataclass(frozen=True, slots=True)
class SourceRef:
    """Where something stands. None: the memorandum does not say (Rule K5)."""

    document: str | None
    page: str | None
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Target:
    """A limit: for a day's close (`day`), or continuously from a day on (`since`).

    value: in the condition's unit; None when it was not found, and `open` says so. Neither day nor
    beginning: that was not found either, and the target is open.
    """

    day: date | None
    since: date | None
    value: Decimal | None
    open: str | None = None
    note: str | None = None
    source: SourceRef | None = None

    def __post_init__(self) -> None:
        if self.day is not None and self.since is not None:
            raise ValueError("a target is for a day, or holds since one")
        if self.value is not None and self.day is None and self.since is None:
            raise ValueError("a target with a value has a day")

    @property
    def begins(self) -> date:
        """The day it is about, or from which it holds; of those that have one."""
        found = self.day or self.since
        if found is None:
            raise ValueError("this target has no day")
        return found


class Trigger(Enum):
    """Which deviation from the projection moves the target."""

    SHORTFALL = "shortfall"
    EXCESS = "excess"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the arrangement projected for a test date, in the adjuster's unit."""

    day: date
    value: Decimal


@dataclass(frozen=True, slots=True)
class Adjuster:
    """Moves a target when a quantity deviates from its projection (Rule K23).

    adjustment = factor x (actual - projection), where the deviation counts, at most `cap` either
    way. unit: of quantity and projections; cap: in the condition's unit, None: without limit.
    """

    id: str
    quantity: str
    unit: str
    trigger: Trigger
    factor: Decimal
    cap: Decimal | None
    baselines: tuple[Baseline, ...]
    note: str | None = None

    def baseline_at(self, day: date) -> Decimal | None:
        return next((b.value for b in self.baselines if b.day == day), None)


@dataclass(frozen=True, slots=True)
class LedgerRule:
    """How a ledger quantity is counted.

    counts: the reasons that make an acquisition. excluded_reasons: flows in that do not count;
    excluded_lanes: coins that do not count. net_of_clients: less what is owed to clients, who must
    then attest it at the block.
    """

    counts: tuple[Reason, ...]
    excluded_reasons: tuple[Reason, ...]
    excluded_lanes: tuple[Lane, ...]
    net_of_clients: bool


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One criterion, target, benchmark, action or duty.

    place: where it stands in the file. cumulative_from: the close of that day is the base.
    """

    id: str
    name: Names
    kind: Kind
    quantity: str
    perimeter: str | None
    unit: str
    sign: Sign
    direction: Direction
    continuous: bool
    cumulative_from: date | None
    reporting_lag_days: int | None
    targets: tuple[Target, ...]
    adjusters: tuple[Adjuster, ...]
    exclusions: tuple[str, ...]
    ledger: LedgerRule | None
    source: SourceRef
    open: tuple[str, ...]
    note: str | None
    place: Place

    @property
    def dated(self) -> tuple[Target, ...]:
        """The targets whose day is known, in order."""
        known = [t for t in self.targets if t.day is not None or t.since is not None]
        return tuple(sorted(known, key=lambda target: target.begins))

    def target_at(self, day: date) -> Target | None:
        """The target for a day: of that day, or the one in force."""
        if not self.continuous:
            return next((t for t in self.targets if t.day == day), None)
        found = None
        for target in self.dated:
            if target.since is not None and target.since <= day:
                found = target
        return found


@dataclass(frozen=True, slots=True)
class MemorandumPerimeter:
    """Who counts, in our words. office: the id of the office's perimeter that stands for it."""

    id: str
    name: Names
    definition: str
    office: str
    source: SourceRef


@dataclass(frozen=True, slots=True)
class ArrangementRate:
    """Units of `currency` for one US dollar, fixed by the arrangement at `as_of`."""

    currency: str
    per_usd: Decimal
    as_of: date
    source: SourceRef

    def __post_init__(self) -> None:
        if self.per_usd <= 0:
            raise ValueError(f"{self.per_usd} {self.currency} for a US dollar is no rate")


@dataclass(frozen=True, slots=True)
class Reference:
    """A known figure, against which targets are tested for sense; never a target itself."""

    quantity: str
    day: date
    value: Decimal
    unit: str
    source: SourceRef


@dataclass(frozen=True, slots=True)
class Effect:
    """What an order does to an entered quantity: factor x the money it costs or brings.

    reason: of the order. paid_from: the pocket, such as "central_bank"; None: any.
    """

    reason: Reason
    paid_from: str | None
    quantity: str
    factor: Decimal
    source: SourceRef


@dataclass(frozen=True, kw_only=True)
class Memorandum:
    """Everything a lender's arrangement asks, in our own words."""

    file: str
    id: str
    name: Names
    lender: str
    country: str
    arrangement: str
    approved: date
    ends: date | None
    notice: str | None
    quantities: Mapping[str, Quantity]
    perimeters: tuple[MemorandumPerimeter, ...]
    rates: tuple[ArrangementRate, ...]
    references: tuple[Reference, ...]
    effects: tuple[Effect, ...]
    conditions: tuple[Condition, ...]
    open: tuple[str, ...]

    def quantity(self, name: str) -> Quantity | None:
        """A quantity by its name, the memorandum's own before those known to all."""
        return self.quantities.get(name) or QUANTITIES.get(name)

    def known_quantities(self) -> tuple[str, ...]:
        return tuple(sorted({*QUANTITIES, *self.quantities}))

    def condition(self, name: str) -> Condition:
        """The condition with this id; KeyError when there is none."""
        for condition in self.conditions:
            if condition.id == name:
                return condition
        raise KeyError(name)

    def perimeter(self, name: str | None) -> MemorandumPerimeter | None:
        return next((p for p in self.perimeters if p.id == name), None)
