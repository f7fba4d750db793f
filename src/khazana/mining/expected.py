"""Expected against arrived, per site and month, with what may be wrong about the expectation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from fractions import Fraction
from math import prod, sqrt

from khazana.mining.difficulty import DifficultySeries, FeeShare
from khazana.mining.fleet import hashes_of_energy, implied_j_per_th
from khazana.mining.machines import Machine, best_at
from khazana.mining.rewards import NOTHING, Expected, expected_in_time
from khazana.units import Sats

QUESTION_BELOW = Fraction(8, 10)
"""Rule MI9: fewer joules per terahash than this share of the best nameplate raise a question."""

METER_CLASSES: Mapping[str, Fraction] = {
    "0.2S": Fraction(2, 1000),
    "0.5S": Fraction(5, 1000),
    "1": Fraction(1, 100),
    "2": Fraction(2, 100),
}
"""Limits of error at reference conditions by accuracy class (IEC 62053-21 and -22)."""


class Persistence(Enum):
    """Whether an error is the same every month or may differ from month to month."""

    STEADY = "steady"
    CHANGING = "changing"


@dataclass(frozen=True, slots=True)
class ErrorTerm:
    """One reason why the expectation may be off. bound: at most by this share, either way."""

    name: str
    bound: Fraction
    persistence: Persistence
    source: str

    def __post_init__(self) -> None:
        if not 0 <= self.bound < 1:
            raise ValueError(f"{self.name}: a bound of {self.bound} is no share of the whole")
        if not (self.name and self.source):
            raise ValueError("a term of an error budget needs a name and a source")


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """Everything that may be wrong, each thing bounded.

    Bounds are added, not squared: a test that must not accuse takes them all at their worst.
    """

    terms: tuple[ErrorTerm, ...]

    def __post_init__(self) -> None:
        names = [term.name for term in self.terms]
        if len(set(names)) != len(names):
            raise ValueError("a term stands twice in an error budget")

    @property
    def bound(self) -> Fraction:
        """How far below the expectation an honest site may lie: 1 − Π (1 − bound)."""
        return 1 - prod((1 - term.bound for term in self.terms), start=Fraction(1))

    @property
    def changing(self) -> Fraction:
        """The part of it that may differ from month to month."""
        terms = (t for t in self.terms if t.persistence is Persistence.CHANGING)
        return 1 - prod((1 - term.bound for term in terms), start=Fraction(1))

    @property
    def root_sum_square(self) -> float:
        """What independent errors would come to; for comparison only."""
        return sqrt(sum(term.bound**2 for term in self.terms))

    def doubled(self) -> "ErrorBudget":
        """The same budget with every bound twice as wide, to show what that would hide."""
        return ErrorBudget(
            tuple(replace(t, bound=min(2 * t.bound, NEARLY_ALL)) for t in self.terms)
        )


NEARLY_ALL = Fraction(99, 100)


def budget(
    *,
    meter_class: str,
    j_per_th: Fraction,
    pue: Fraction,
    uptime: Fraction,
    source: str,
) -> ErrorBudget:
    """Rule MI8: the usual four terms.

    j_per_th: bound of the acceptance test; pue: of the site's sub-meters; both stay what they are.
    uptime: energy used without hashing, heat and age; may differ from month to month.
    """
    if meter_class not in METER_CLASSES:
        raise ValueError(f"meter class {meter_class!r} is not {', '.join(METER_CLASSES)}")
    steady, changing = Persistence.STEADY, Persistence.CHANGING
    return ErrorBudget(
        (
            ErrorTerm("meter", METER_CLASSES[meter_class], steady, f"class {meter_class}"),
            ErrorTerm("J/TH", j_per_th, steady, source),
            ErrorTerm("PUE", pue, steady, source),
            ErrorTerm("uptime", uptime, changing, source),
        )
    )


@dataclass(frozen=True, slots=True)
class Metered:
    """Energy at the site's meter, used evenly from `first` until `until` (seconds UTC)."""

    first: int
    until: int
    mwh: Fraction

    def __post_init__(self) -> None:
        if self.until <= self.first:
            raise ValueError(f"from {self.first} to {self.until} is no time")
        if self.mwh < 0:
            raise ValueError(f"energy cannot be negative: {self.mwh} MWh")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteEfficiency:
    """What turns a site's energy into hashes: J/TH at the plugs by test, PUE and line loss."""

    j_per_th: Fraction
    pue: Fraction
    line_loss: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        if self.j_per_th <= 0:
            raise ValueError(f"{self.j_per_th} J/TH cannot be")
        if self.pue < 1:
            raise ValueError(f"a PUE of {self.pue} cannot be")
        if not 0 <= self.line_loss < 1:
            raise ValueError(f"a line loss of {self.line_loss} cannot be")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMonth:
    """A row of the audit: energy in, bitcoin expected, bitcoin that arrived.

    arrived: postings with reason `mined` that name the site. implied_j_per_th: the efficiency at
    which the energy earned what arrived; None when nothing arrived or was used.
    question: in words, where that efficiency is better than machines are. simulated: the
    difficulty was replayed for another network.
    """

    site: str
    first: date
    last: date
    mwh: Fraction
    hashes: Fraction
    expected: Expected
    arrived: Sats
    budget: ErrorBudget
    implied_j_per_th: Fraction | None
    best_j_per_th: Fraction | None
    question: str | None
    difficulty_source: str
    fees: FeeShare
    simulated: bool

    @property
    def ratio(self) -> Fraction | None:
        """Arrived over expected; None when nothing was expected."""
        return self.arrived / self.expected.sats if self.expected.sats else None


def site_month(
    *,
    site: str,
    first: date,
    last: date,
    metered: Sequence[Metered],
    efficiency: SiteEfficiency,
    arrived: Sats,
    series: DifficultySeries,
    fees: FeeShare,
    error_budget: ErrorBudget,
    machines: Sequence[Machine],
) -> SiteMonth:
    """Expected and arrived for one site and month, at the difficulty of every metered interval."""
    if arrived < 0:
        raise ValueError(f"{site}: {arrived} sat cannot have arrived")
    total, hashes, mwh = NOTHING, Fraction(0), Fraction(0)
    for interval in metered:
        made = hashes_of_energy(
            interval.mwh,
            j_per_th=efficiency.j_per_th,
            pue=efficiency.pue,
            line_loss=efficiency.line_loss,
        )
        total += expected_in_time(
            series, hashes=made, first=interval.first, until=interval.until, fees=fees
        )
        hashes += made
        mwh += interval.mwh
    implied = None
    if arrived and mwh:
        implied = implied_j_per_th(
            mwh,
            hashes=hashes * arrived / total.sats,
            pue=efficiency.pue,
            line_loss=efficiency.line_loss,
        )
    best = best_at(machines, last)
    return SiteMonth(
        site=site,
        first=first,
        last=last,
        mwh=mwh,
        hashes=hashes,
        expected=total,
        arrived=arrived,
        budget=error_budget,
        implied_j_per_th=implied,
        best_j_per_th=best.efficiency_j_per_th if best else None,
        question=_question(implied, best, arrived=arrived, mwh=mwh),
        difficulty_source=series.source,
        fees=fees,
        simulated=series.simulated,
    )


def _question(
    implied: Fraction | None, best: Machine | None, *, arrived: Sats, mwh: Fraction
) -> str | None:
    """Rule MI9: more bitcoin than any machine makes of the energy is asked about, not judged."""
    if arrived and not mwh:
        return "Bitcoin arrived, and no energy was metered. Which meter is missing?"
    if implied is None or best is None:
        return None
    if implied >= QUESTION_BELOW * best.efficiency_j_per_th:
        return None
    return (
        f"What arrived takes machines of {float(implied):.1f} J/TH; the best nameplate, "
        f"{best.model}, has {float(best.efficiency_j_per_th):.1f}. Is energy not metered, or "
        "does bitcoin of another site arrive here?"
    )
