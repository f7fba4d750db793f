"""Auditing a claim: so many bitcoin from so many megawatts between two days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from fractions import Fraction

from khazana.errors import KhazanaError
from khazana.mining.difficulty import DifficultySeries, FeeShare, days_between
from khazana.mining.machines import (
    NAMEPLATE_TOLERANCE,
    Machine,
    best_at,
    worst_at,
)
from khazana.mining.rewards import expected_per_hash
from khazana.units import Sats

J_PER_MW_S = 10**6
HASHES_PER_TH = 10**12
TUNED = Fraction(8, 10)
"""Rule MI6: tuned machines beat their nameplate, by up to a fifth; beyond that is a question."""
LEAST_FEES = FeeShare(Fraction(0), "no fees at all: the least a block pays")
MOST_FEES = FeeShare(Fraction(10, 100), "stress case of 10 % of the subsidy: an assumption")
USUAL_FEES = FeeShare(Fraction(1, 100), "planning figure of 1 % of the subsidy: an assumption")


@dataclass(eq=False, kw_only=True)
class NoMachineOfTheTime(KhazanaError):
    """The table of machines has none that could have run in the time of the claim."""

    day: date
    code = "no_machine_of_the_time"
    words = (
        "No machine in the table was in use on {day}: the claim cannot be held against what "
        "machines could do. Ask for later days, or add machines of that time."
    )


class Fit(Enum):
    """Whether bitcoin, power and days go together."""

    FITS = "fits"
    TOO_MUCH = "does not fit: too much bitcoin for this power"
    QUESTION = "question: only with machines better than any nameplate of the time"
    TOO_LITTLE = "question: less than the oldest machines of the time would earn"


@dataclass(frozen=True, slots=True, kw_only=True)
class MiningClaim:
    """So many bitcoin, from so much power at the plug of the machines, on whole days (UTC)."""

    amount: Sats
    power_mw: Fraction
    first: date
    last: date

    def __post_init__(self) -> None:
        if self.amount <= 0 or self.power_mw <= 0:
            raise ValueError("a claim is of more than nothing, from more than nothing")
        if self.last < self.first:
            raise ValueError(f"{self.last} is before {self.first}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimAudit:
    """What a claim implies, beside what machines could do.

    mean_hashrate_h_s: hashes per second that earn the amount on average.
    implied_j_per_th: the efficiency if the power is true. implied_mw_*: the power if the amount is
    true, with the best and the oldest machines of the time. best_j_per_th: nameplate, weighted by
    what each day paid; best_models: which, in time order. low, high: what the power earns with the
    oldest machines and no fees, and with the best and the most fees.
    luck: standard deviation of the amount over the amount, if mined alone.
    """

    claim: MiningClaim
    fees: FeeShare
    fit: Fit
    mean_hashrate_h_s: Fraction
    implied_j_per_th: Fraction
    implied_mw_best: Fraction
    implied_mw_worst: Fraction
    best_j_per_th: Fraction
    worst_j_per_th: Fraction
    best_models: tuple[str, ...]
    worst_models: tuple[str, ...]
    low: Sats
    high: Sats
    luck: float
    source: str


@dataclass(frozen=True, slots=True)
class _Slice:
    """Days on which the best and the oldest machine stayed the same."""

    first: int
    until: int
    best: Machine
    worst: Machine


def audit_claim(
    claim: MiningClaim,
    *,
    series: DifficultySeries,
    machines: Sequence[Machine],
    fees: FeeShare = USUAL_FEES,
) -> ClaimAudit:
    """Rule MI4: hold a claim against the chain's difficulty and the machines of its time.

    Too much: even the best machines of each day, 20 % better than their nameplates, with fees of
    10 %, earn less. A question: below that, but above what nameplates and their tolerance allow;
    or less than the oldest machines earn.
    """
    first, until = days_between(claim.first, claim.last)
    mean = expected_per_hash(series, first=first, until=until, fees=fees)
    hashes = claim.amount / mean.sats
    watts = claim.power_mw * J_PER_MW_S
    joules = watts * (until - first)
    slices = tuple(_slices(machines, claim.first, claim.last))
    best = _earned(slices, series, watts=watts, fees=fees, best=True)
    worst = _earned(slices, series, watts=watts, fees=fees, best=False)
    rescale = (1 + MOST_FEES.share) / (1 + fees.share)
    low, high = mined_range(
        power_mw=claim.power_mw,
        first=claim.first,
        last=claim.last,
        series=series,
        machines=machines,
    )
    if claim.amount > best * rescale / TUNED:
        fit = Fit.TOO_MUCH
    elif claim.amount > high:
        fit = Fit.QUESTION
    elif claim.amount < low:
        fit = Fit.TOO_LITTLE
    else:
        fit = Fit.FITS
    all_joules_pay = joules * HASHES_PER_TH * mean.sats  # at 1 J/TH
    return ClaimAudit(
        claim=claim,
        fees=fees,
        fit=fit,
        mean_hashrate_h_s=hashes / (until - first),
        implied_j_per_th=joules * HASHES_PER_TH / hashes,
        implied_mw_best=claim.power_mw * claim.amount / best,
        implied_mw_worst=claim.power_mw * claim.amount / worst,
        best_j_per_th=all_joules_pay / best,
        worst_j_per_th=all_joules_pay / worst,
        best_models=_models(slices, best=True),
        worst_models=_models(slices, best=False),
        low=low,
        high=high,
        luck=float(hashes * mean.blocks) ** -0.5,
        source=series.source,
    )


def power_needed(
    amount: Sats,
    *,
    j_per_th: Fraction,
    first: date,
    last: date,
    series: DifficultySeries,
    fees: FeeShare = USUAL_FEES,
) -> Fraction:
    """Megawatts at the plug that earn an amount on average with machines of one efficiency."""
    start, until = days_between(first, last)
    mean = expected_per_hash(series, first=start, until=until, fees=fees)
    return amount / mean.sats / HASHES_PER_TH * j_per_th / J_PER_MW_S / (until - start)


def mined_range(
    *,
    power_mw: Fraction,
    first: date,
    last: date,
    series: DifficultySeries,
    machines: Sequence[Machine],
) -> tuple[Sats, Sats]:
    """The least and the most that a power may have earned: rule MI4, for the claims register.

    Least: the oldest machines of each day, nameplate 5 % worse, no fees. Most: the best of each
    day, nameplate 5 % better, fees of 10 %. Power at the plug, all day, every day.
    """
    watts = power_mw * J_PER_MW_S
    slices = tuple(_slices(machines, first, last))
    low = _earned(slices, series, watts=watts, fees=LEAST_FEES, best=False)
    high = _earned(slices, series, watts=watts, fees=MOST_FEES, best=True)
    return (
        Sats(int(low / (1 + NAMEPLATE_TOLERANCE))),
        Sats(-int(-high / (1 - NAMEPLATE_TOLERANCE) // 1)),
    )


def _slices(machines: Sequence[Machine], first: date, last: date) -> list[_Slice]:
    found: list[_Slice] = []
    day = first
    while day <= last:
        best, worst = best_at(machines, day), worst_at(machines, day)
        if best is None or worst is None:
            raise NoMachineOfTheTime(day=day)
        start, until = days_between(day, day)
        if found and (found[-1].best, found[-1].worst) == (best, worst):
            found[-1] = _Slice(found[-1].first, until, best, worst)
        else:
            found.append(_Slice(start, until, best, worst))
        day += timedelta(days=1)
    return found


def _earned(
    slices: Sequence[_Slice],
    series: DifficultySeries,
    *,
    watts: Fraction,
    fees: FeeShare,
    best: bool,
) -> Fraction:
    """Satoshis that power earns with one machine of each day at its nameplate."""
    total = Fraction(0)
    for piece in slices:
        machine = piece.best if best else piece.worst
        hashes = watts * (piece.until - piece.first) * HASHES_PER_TH / machine.efficiency_j_per_th
        mean = expected_per_hash(series, first=piece.first, until=piece.until, fees=fees)
        total += hashes * mean.sats
    return total


def _models(slices: Sequence[_Slice], *, best: bool) -> tuple[str, ...]:
    names = [(one.best if best else one.worst).model for one in slices]
    return tuple(dict.fromkeys(names))
