"""Invented years of honest and diverting sites, to measure what the shortfall test can see.

Two models make them. The first is what the test assumes. The second is not: its errors
drift, swing with the seasons and come in runs, and its luck has heavy tails. Both keep the
bounds; to see a budget that is wrong, tell the test another one than the true one.
"""

from dataclasses import dataclass
from enum import Enum
from math import cos, exp, log, pi, sqrt
from random import Random

from khazana.mining.shortfall import CountedLuck, Observation, SmoothLuck, judge_sites


class World(Enum):
    """As the test assumes: errors evenly spread within their bounds, plain luck. Or otherwise."""

    ASSUMED = "errors even within their bounds, independent months, plain luck"
    OTHER = (
        "errors within their bounds but not even: ageing 1 % a year beyond the model, a summer "
        "dip, months that resemble the month before, luck with heavy tails"
    )


AGEING_PER_YEAR = 0.01
PERSISTENCE = 0.6
TAIL_DEGREES = 5
"""Degrees of freedom of Student's t for smooth luck; counts get a mean that itself varies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """Sites alike. monthly_count: Poisson mean per month; 0 where a pool pays smoothly, with `sd`.

    steady, changing: bounds of the error terms, as shares.
    """

    sites: int
    steady: float
    changing: float
    monthly_count: float = 0.0
    sd: float = 0.0
    months: int = 12

    def __post_init__(self) -> None:
        if self.sites < 1 or self.months < 2:
            raise ValueError("a programme has at least one site and two months")
        if (self.monthly_count > 0) == (self.sd > 0):
            raise ValueError("a site is paid by counts or smoothly: give one of the two")

    @property
    def bound(self) -> float:
        return 1 - (1 - self.steady) * (1 - self.changing)


@dataclass(frozen=True, slots=True)
class Diversion:
    """A share of one site's bitcoin that does not arrive in one month."""

    site: int
    month: int
    share: float


def invented_year(
    random: Random,
    programme: Programme,
    *,
    world: World,
    diversion: Diversion | None = None,
    told: Programme | None = None,
) -> dict[str, list[Observation]]:
    """A year of observations. told: the budget that the test is told, if not the true one."""
    year = {}
    for site in range(programme.sites):
        at = diversion if diversion is not None and diversion.site == site else None
        year[site_name(site)] = invented_site(
            random, programme, site, world=world, diversion=at, told=told
        )
    return year


def site_name(site: int) -> str:
    """What a site is called, counted from 0."""
    return f"Site {site + 1}"


def invented_site(
    random: Random,
    programme: Programme,
    site: int,
    *,
    world: World,
    diversion: Diversion | None,
    told: Programme | None,
) -> list[Observation]:
    """A year of one site, with or without a diverted month."""
    told = told or programme
    rows = []
    for month, ratio in enumerate(_true_ratios(random, programme, world)):
        kept = 1.0
        if diversion is not None and diversion.month == month:
            kept = 1 - diversion.share
        rows.append(
            Observation(
                site=site_name(site),
                month=f"month {month + 1}",
                luck=_luck(random, programme, world, ratio * kept),
                bound=told.bound,
                changing=told.changing,
            )
        )
    return rows


def _true_ratios(random: Random, programme: Programme, world: World) -> list[float]:
    """What a site really earns over what was expected, before luck, month by month."""
    steady, changing = programme.steady, programme.changing
    if world is World.ASSUMED:
        base = 1 + random.uniform(-steady, steady)
        return [base * (1 + random.uniform(-changing, changing)) for _ in range(programme.months)]
    base = 1 + _within(random.gauss(0, steady / 2), steady)
    wave = random.gauss(0, 1)
    ratios = []
    for month in range(programme.months):
        wave = PERSISTENCE * wave + sqrt(1 - PERSISTENCE**2) * random.gauss(0, 1)
        season = 0.5 * changing * cos(2 * pi * (month - 0.5) / 12)
        age = -AGEING_PER_YEAR * month / 12
        ratios.append(base * (1 + _within(age + season + 0.4 * changing * wave, changing)))
    return ratios


def _within(error: float, bound: float) -> float:
    return max(-bound, min(bound, error))


def _luck(
    random: Random, programme: Programme, world: World, ratio: float
) -> CountedLuck | SmoothLuck:
    if programme.monthly_count:
        mean = programme.monthly_count * ratio
        if world is World.OTHER:  # a mean that varies: 5 % more variance than Poisson
            mean *= max(0.0, 1 + random.gauss(0, sqrt(0.05 / mean)))
        return CountedLuck(programme.monthly_count, poisson(random, mean))
    noise = random.gauss(0, 1)
    if world is World.OTHER:
        chi = random.gammavariate(TAIL_DEGREES / 2, 2) / TAIL_DEGREES
        noise *= sqrt((TAIL_DEGREES - 2) / TAIL_DEGREES / chi)
    return SmoothLuck(ratio * exp(programme.sd * noise), programme.sd)


def poisson(random: Random, mean: float) -> int:
    """A Poisson number: arrivals of a clock, many at a time (the gamma method)."""
    count = 0
    while mean > 30:
        part = int(mean * 7 / 8)
        arrival = random.gammavariate(part, 1.0)
        if arrival > mean:
            left = mean / arrival  # the rest of the arrivals are spread evenly before it
            return count + _binomial(random, part - 1, left)
        count += part
        mean -= arrival
    passed = -log(1 - random.random())
    while passed <= mean:
        count += 1
        passed -= log(1 - random.random())
    return count


def _binomial(random: Random, trials: int, chance: float) -> int:
    """A binomial number, by splitting at a beta-distributed middle (Relles 1972)."""
    count = 0
    while trials > 40:
        middle = trials // 2 + 1
        value = random.betavariate(middle, trials + 1 - middle)
        if value <= chance:
            count += middle
            trials -= middle
            chance = (chance - value) / (1 - value)
        else:
            trials = middle - 1
            chance = chance / value
    return count + sum(random.random() < chance for _ in range(trials))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How often alarms were raised. false_alarms: share of honest years with any alarm.
    power: share of diverted years in which the diverting site raised one in that month or later.
    """

    world: World
    years: int
    false_alarms: float
    power: float

    def sentence(self) -> str:
        return (
            f"{self.years} years ({self.world.value}): false alarms in "
            f"{100 * self.false_alarms:.1f} % of honest years, {100 * self.power:.1f} % of "
            "diversions found."
        )


def measure(
    random: Random,
    programme: Programme,
    *,
    world: World,
    years: int,
    share: float,
    told: Programme | None = None,
) -> Measured:
    """Honest years, and as many with one diverted month at a site and in a month drawn evenly."""
    false = found = 0
    for _ in range(years):
        honest = invented_year(random, programme, world=world, told=told)
        false += bool(judge_sites(honest, months=programme.months).alarms)
        found += _is_found(random, programme, world=world, share=share, told=told)
    return Measured(world=world, years=years, false_alarms=false / years, power=found / years)


def power(
    random: Random,
    programme: Programme,
    *,
    world: World,
    years: int,
    share: float,
    told: Programme | None = None,
) -> float:
    """The share of diverted months that is found, without judging honest years."""
    found = sum(
        _is_found(random, programme, world=world, share=share, told=told) for _ in range(years)
    )
    return found / years


def _is_found(
    random: Random, programme: Programme, *, world: World, share: float, told: Programme | None
) -> bool:
    """Whether a site raises the alarm in the month of its diversion or later."""
    at = Diversion(random.randrange(programme.sites), random.randrange(programme.months), share)
    rows = invented_site(random, programme, at.site, world=world, diversion=at, told=told)
    year = {site_name(at.site): rows}
    report = judge_sites(year, sites=programme.sites, months=programme.months)
    late = {row.month for row in rows[at.month :]}
    return any(one.alarm and one.month in late for one in report.sites[0].standings)
