"""The shortfall test: does less arrive than luck and calibration can explain?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import exp, log, sqrt

from khazana.mining.cusum import next_sum, shift_seen, threshold
from khazana.mining.tails import MOST_SIGMA, binomial_at_most, poisson_at_most, sigma_of

FALSE_ALARMS_PER_YEAR = 0.01
"""Rule MI10: at most this probability of any false alarm, over all sites and charts together."""
MONTHS = 12


class Chart(Enum):
    """Two questions about a site.

    LEVEL: is it below what the budget allows? CHANGE: has it fallen against its own earlier
    months? What an acceptance test got wrong is the same every month, so it cancels in the second.
    """

    LEVEL = "level"
    CHANGE = "change"


REFERENCE: Mapping[Chart, float] = {Chart.LEVEL: 1.0, Chart.CHANGE: 2.0}
"""Rule MI11: sigmas that a chart forgives each month. The level chart gathers what is missing month
after month; the change chart looks for the single month."""


@dataclass(frozen=True, slots=True)
class CountedLuck:
    """Arrivals are a count that is Poisson: own blocks, or share receipts.

    expected: mean count if nothing is missing. found: what was counted.
    """

    expected: float
    found: int

    def __post_init__(self) -> None:
        if self.expected <= 0 or self.found < 0:
            raise ValueError(f"{self.found} found of {self.expected} expected cannot be")

    @property
    def ratio(self) -> float:
        return self.found / self.expected


@dataclass(frozen=True, slots=True)
class SmoothLuck:
    """Arrivals are an amount that varies little: a pool that pays per share.

    ratio: arrived over expected. sd: its relative standard deviation over the month.
    """

    ratio: float
    sd: float

    def __post_init__(self) -> None:
        if self.ratio < 0 or not 0 < self.sd < 1:
            raise ValueError(f"a ratio of {self.ratio} ± {self.sd} cannot be")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A site's month as the test sees it.

    bound: share by which the expectation may be too high, all error terms together.
    changing: the part of it that may differ from month to month.
    """

    site: str
    month: str
    luck: CountedLuck | SmoothLuck
    bound: float
    changing: float

    def __post_init__(self) -> None:
        if not 0 <= self.changing <= self.bound < 1:
            raise ValueError(f"{self.site}, {self.month}: bounds {self.changing} and {self.bound}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A month on a chart. sigma: against the honest worst case. total: the chart's sum."""

    month: str
    chart: Chart
    sigma: float
    total: float
    alarm: bool


class Finding(Enum):
    OK = "no shortfall beyond the limit"
    ALARM = "shortfall"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFinding:
    """The answer for a site, which is never without its limits.

    Shares of a month's bitcoin, seen nine times in ten wherever in its bounds the calibration is.
    level_limit: of what is missing in each month so far. change_limit: of what is missing in the
    newest month alone, after honest ones; None in the first month. 1 where even all would hide.
    """

    site: str
    finding: Finding
    standings: tuple[Standing, ...]
    level_limit: float
    change_limit: float | None
    bound: float

    @property
    def first_alarm(self) -> Standing | None:
        return next((one for one in self.standings if one.alarm), None)

    def sentence(self) -> str:
        """The finding as it may be printed: an OK carries what it cannot exclude."""
        alarm = self.first_alarm
        if alarm is not None:
            return (
                f"{self.site}: {self.finding.value} in {alarm.month}, by {alarm.chart.value}; "
                "luck and calibration do not explain it."
            )
        newest = self.standings[-1].month
        months = sum(one.chart is Chart.LEVEL for one in self.standings)
        every = "each month so far" if months > 1 else newest
        change = ""
        if self.change_limit is not None:
            change = f", or {_percent(self.change_limit)} in {newest} alone"
        return (
            f"{self.site}: {self.finding.value}. Seen nine times in ten: a diversion of "
            f"{_percent(self.level_limit)} in {every}{change}. Less may hide behind luck and a "
            f"calibration known to {_percent(self.bound)}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortfallReport:
    """All sites. false_alarms: the probability that is kept, per year, all together."""

    sites: tuple[SiteFinding, ...]
    false_alarms: float
    heights: Mapping[Chart, float]

    @property
    def alarms(self) -> tuple[SiteFinding, ...]:
        return tuple(one for one in self.sites if one.finding is Finding.ALARM)


def judge_sites(
    observations: Mapping[str, Sequence[Observation]],
    *,
    sites: int | None = None,
    false_alarms: float = FALSE_ALARMS_PER_YEAR,
    months: int = MONTHS,
) -> ShortfallReport:
    """Rule MI10: two charts per site, each with an equal part of the allowed false alarms.

    observations: by site, months in order, of one programme year at the most. sites: how many the
    programme has, where some are judged elsewhere. The sum of the parts bounds the whole whether
    sites are independent or not.
    """
    if not observations:
        raise ValueError("no site, nothing to judge")
    for site, rows in observations.items():
        if not 0 < len(rows) <= months:
            raise ValueError(f"{site} has {len(rows)} months, a year has 1 to {months}")
        if any(row.site != site for row in rows):
            raise ValueError(f"{site} holds an observation of another site")
        if len({row.month for row in rows}) != len(rows):
            raise ValueError(f"{site} holds a month twice")
        if len({type(row.luck) for row in rows}) != 1:
            raise ValueError(f"{site} is paid in two ways within a year: judge them apart")
    if sites is not None and sites < len(observations):
        raise ValueError(f"{len(observations)} sites are more than the {sites} of the programme")
    part = false_alarms / (len(Chart) * (sites or len(observations)))
    heights = {
        chart: threshold(
            alarms=part,
            months=months if chart is Chart.LEVEL else max(1, months - 1),
            reference=REFERENCE[chart],
        )
        for chart in Chart
    }
    found = tuple(_site(site, rows, heights) for site, rows in observations.items())
    return ShortfallReport(sites=found, false_alarms=false_alarms, heights=heights)


def _site(site: str, rows: Sequence[Observation], heights: Mapping[Chart, float]) -> SiteFinding:
    standings: list[Standing] = []
    for chart in Chart:
        total = 0.0
        for number, row in enumerate(rows):
            earlier = rows[:number]
            if chart is Chart.CHANGE and not earlier:
                continue
            sigma = level_sigma(row) if chart is Chart.LEVEL else change_sigma(row, earlier)
            total = next_sum(total, sigma, reference=REFERENCE[chart])
            standings.append(
                Standing(
                    month=row.month,
                    chart=chart,
                    sigma=sigma,
                    total=total,
                    alarm=total > heights[chart],
                )
            )
    alarm = any(one.alarm for one in standings)
    return SiteFinding(
        site=site,
        finding=Finding.ALARM if alarm else Finding.OK,
        standings=tuple(standings),
        level_limit=_level_limit(rows, heights[Chart.LEVEL]),
        change_limit=_change_limit(rows, heights[Chart.CHANGE]) if len(rows) > 1 else None,
        bound=max(row.bound for row in rows),
    )


def level_sigma(row: Observation) -> float:
    """How a month stands against the least that an honest site's budget allows, in sigmas.

    Counts: the exact Poisson tail, as a normal number. Amounts: logarithm over deviation.
    """
    if isinstance(row.luck, CountedLuck):
        return sigma_of(poisson_at_most(row.luck.found, row.luck.expected * (1 - row.bound)))
    return _clamped((_log(row.luck.ratio) - log(1 - row.bound)) / row.luck.sd)


def change_sigma(row: Observation, earlier: Sequence[Observation]) -> float:
    """How a month stands against the site's own earlier months, at the worst of what may change.

    Counts: given the sum, this month's count is binomial whatever the calibration is. Amounts:
    against the weighted mean, with the deviation of the difference. Months of an honest site are
    then independent, which the threshold rests on.
    """
    allowed = log((1 - row.changing) / (1 + row.changing))
    if isinstance(row.luck, CountedLuck):
        past, before = _past_counts(earlier)
        own = row.luck.expected * exp(allowed)
        return sigma_of(
            binomial_at_most(row.luck.found, row.luck.found + before, own / (own + past))
        )
    mean, variance = _past_mean(earlier)
    spread = sqrt(row.luck.sd**2 + variance)
    return _clamped((_log(row.luck.ratio) - mean - allowed) / spread)


def _level_limit(rows: Sequence[Observation], height: float) -> float:
    """Rule MI12: the smallest share which, missing in every month so far, passes the chart.

    For a site whose true efficiency is as far above the expectation as the bound allows: what is
    certain, not what is likely. As if every month were the least telling one.
    """
    shift = shift_seen(height=height, months=len(rows), reference=REFERENCE[Chart.LEVEL])
    return max(
        _share_seen(row, shift, allowed=1 - row.bound, truth=1 + row.bound, noise=1.0)
        for row in rows
    )


def _change_limit(rows: Sequence[Observation], height: float) -> float:
    """Rule MI12: the smallest share which, missing in the newest month alone, passes the chart."""
    *earlier, row = rows
    shift = shift_seen(height=height, months=1, reference=REFERENCE[Chart.CHANGE])
    if isinstance(row.luck, CountedLuck):
        variance = 1 / _past_counts(earlier)[0]
        noise = sqrt(1 + variance * row.luck.expected)
    else:
        noise = sqrt(1 + _past_mean(earlier)[1] / row.luck.sd**2)
    turn = (1 + row.changing) / (1 - row.changing)
    return _share_seen(row, shift, allowed=1 / turn, truth=turn, noise=noise)


def _share_seen(
    row: Observation, shift: float, *, allowed: float, truth: float, noise: float
) -> float:
    """The share that shifts a month by so many sigmas below what is allowed.

    noise: how much wider than luck alone the comparison is. Counts by their square root, whose
    deviation is a half whatever the mean.
    """
    if isinstance(row.luck, SmoothLuck):
        return 1 - allowed / truth * exp(-shift * noise * row.luck.sd)
    root = sqrt(row.luck.expected * allowed) - shift * noise / 2
    return 1 - max(0.0, root) ** 2 / (row.luck.expected * truth)


def _past_counts(earlier: Sequence[Observation]) -> tuple[float, int]:
    """Expected and found counts of earlier months."""
    lucks = [row.luck for row in earlier if isinstance(row.luck, CountedLuck)]
    return sum(luck.expected for luck in lucks), sum(luck.found for luck in lucks)


def _past_mean(earlier: Sequence[Observation]) -> tuple[float, float]:
    """The weighted mean of logarithms of earlier ratios, and its variance."""
    lucks = [row.luck for row in earlier if isinstance(row.luck, SmoothLuck)]
    weight = sum(luck.sd**-2 for luck in lucks)
    return sum(_log(luck.ratio) / luck.sd**2 for luck in lucks) / weight, 1 / weight


def _log(ratio: float) -> float:
    return log(ratio) if ratio > 0 else -MOST_SIGMA


def _clamped(sigma: float) -> float:
    return max(-MOST_SIGMA, min(MOST_SIGMA, sigma))


def _percent(share: float) -> str:
    return "all of it" if share >= 1 else f"{100 * share:.1f} %"
