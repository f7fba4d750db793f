"""The shortfall test over a thousand invented years, and the audit of a published claim."""

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from functools import cache
from random import Random

from bench.measure import Case, measurement
from khazana.mining.claims import Fit, MiningClaim, audit_claim
from khazana.mining.difficulty_table import shipped_difficulty
from khazana.mining.machines import shipped_machines
from khazana.mining.shortfall import FALSE_ALARMS_PER_YEAR, judge_sites
from khazana.mining.worlds import Programme, World, invented_year, measure, power
from khazana.units import Sats

YEARS = 1_000
SHARE = 0.05
SEED = 20260822
SITES = 12
PAID_PER_SHARE_SD = 0.0018  # a day's 1 % over thirty days
RECEIPTS_A_MONTH = 31_350.0  # 57 EH/s at a threshold difficulty of 2^40


def _programme(paid: str, *, times: float = 1.0) -> Programme:
    """Meter 0.2 %, J/TH 1.5 % by acceptance test, PUE 0.5 %: steady. Uptime, heat, age 1 %."""
    smooth = paid == "smooth"
    return Programme(
        sites=SITES,
        steady=0.022 * times,
        changing=0.01 * times,
        sd=PAID_PER_SHARE_SD if smooth else 0.0,
        monthly_count=0.0 if smooth else RECEIPTS_A_MONTH,
    )


@cache
def _rates(paid: str) -> str:
    """False alarms and power in both worlds, as text; refuses a test that breaks its promise."""
    plain, wide = _programme(paid), _programme(paid, times=2.0)
    said = [f"{YEARS} honest years and {YEARS} with {100 * SHARE:.0f} % of one month diverted"]
    for world in World:
        found = measure(Random(SEED), plain, world=world, years=YEARS, share=SHARE)
        if found.false_alarms > FALSE_ALARMS_PER_YEAR + 3 * (0.01 * 0.99 / YEARS) ** 0.5:
            raise RuntimeError(f"{found.false_alarms:.1%} of honest years raise a false alarm")
        told_twice = power(
            Random(SEED + 1), plain, world=world, years=YEARS, share=SHARE, told=wide
        )
        said.append(
            f"{world.name.lower()} ({world.value}): false alarms {found.false_alarms:.1%} of "
            f"years, found {found.power:.1%}, with the budget doubled {told_twice:.1%}"
        )
    # A budget that is wrong: errors reach twice as far as the test was told.
    wrong = measure(
        Random(SEED + 2), wide, world=World.ASSUMED, years=YEARS // 10, share=SHARE, told=plain
    )
    said.append(f"a budget half of the true one: false alarms {wrong.false_alarms:.1%} of years")
    return "; ".join(said)


def _case(paid: str) -> Iterator[Case]:
    programme = _programme(paid)
    years = [invented_year(Random(n), programme, world=World.ASSUMED) for n in range(20)]

    def run() -> object:
        return [judge_sites(year) for year in years]

    yield Case(run=run, amount=len(years) * SITES, unit="site-years/s", note=_rates(paid))


@measurement("mining_shortfall_paid_per_share")
def paid_per_share() -> Iterator[Case]:
    """Judging twelve sites that a pool pays per share; the note states false alarms and power."""
    yield from _case("smooth")


@measurement("mining_shortfall_receipts")
def receipts() -> Iterator[Case]:
    """The same where share receipts are counted."""
    yield from _case("counted")


@measurement("mining_claim_audit")
def claim_audit() -> Iterator[Case]:
    """El Salvador's 474 bitcoin from 1.5 MW over 32 months, held against difficulty."""
    claim = MiningClaim(
        amount=Sats(47_400_000_000),
        power_mw=Fraction(3, 2),
        first=date(2021, 10, 1),
        last=date(2024, 5, 13),
    )
    series, machines = shipped_difficulty(), shipped_machines()
    if audit_claim(claim, series=series, machines=machines).fit is not Fit.TOO_MUCH:
        raise RuntimeError("474 BTC from 1.5 MW must not fit")

    def run() -> object:
        return audit_claim(claim, series=series, machines=machines)

    yield Case(run=run, amount=1, unit="claims/s")
