"""The sequential test over all sites of a statement, year by year (rules MI10 to MI12, E45)."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction

import msgspec

from khazana.mining.difficulty import DifficultySeries
from khazana.mining.figures import ALONE, expected_of_month, hashes_of, open_percent
from khazana.mining.month_body import MonthBody
from khazana.mining.parts import MiningBody, YearBody, exact
from khazana.mining.receipts.receipt import work_of_target
from khazana.mining.rewards import Expected
from khazana.mining.shortfall import (
    CountedLuck,
    Finding,
    Observation,
    SiteFinding,
    SmoothLuck,
    judge_sites,
)

LEAST_SD = 0.0001
"""Nobody is paid more evenly than to a hundredth of a per cent."""
MOST_SD = 0.99
MOST_COUNTED = 1_000_000
"""Beyond this a Poisson number is normal to every digit that is printed."""
MOST_TIMES = 1000
"""More than so many times the expected count is no shortfall, whatever it is."""
LIMIT_STEP = Decimal("0.1")

Key = tuple[str, str]
"""A site, and whether it is counted or paid smoothly: a site may change in a year."""


def with_years(
    bodies: Sequence[MiningBody], series: Mapping[str, DifficultySeries]
) -> tuple[MiningBody, ...]:
    """The bodies with what the sequential test finds. series: by site."""
    found = years_of(bodies, series)
    return tuple(
        msgspec.structs.replace(body, years=list(found.get(body.site, ()))) for body in bodies
    )


def years_of(
    bodies: Sequence[MiningBody], series: Mapping[str, DifficultySeries]
) -> dict[str, tuple[YearBody, ...]]:
    """Rule E45: by site, each calendar year's finding; false alarms are shared by all sites."""
    observed: dict[int, dict[Key, list[Observation]]] = defaultdict(lambda: defaultdict(list))
    for body in bodies:
        for month in body.months:
            one = observation(body, month, series[body.site])
            if one is not None:
                kind = "counted" if isinstance(one.luck, CountedLuck) else "smooth"
                observed[int(month.month[:4])][body.site, kind].append(one)
    found: dict[str, list[YearBody]] = defaultdict(list)
    for year, rows in sorted(observed.items()):
        named = {"/".join(key): [_renamed(o, key) for o in listed] for key, listed in rows.items()}
        report = judge_sites(named)
        findings = {finding.site: finding for finding in report.sites}
        for site in dict.fromkeys(site for site, _ in rows):
            own = [findings["/".join(key)] for key in rows if key[0] == site]
            found[site].append(_year(year, len(rows), own))
    return {site: tuple(listed) for site, listed in found.items()}


def observation(body: MiningBody, month: MonthBody, series: DifficultySeries) -> Observation | None:
    """A month as the test reads it; None where no energy was metered, so that nothing was due.

    Paid by a pool: amounts. Mined alone: blocks, as the amount tells them. With receipts: shares.
    """
    energy = Fraction(month.low_wh + month.high_wh, 2)
    if not energy:
        return None
    expected = expected_of_month(body, month, energy, series)
    terms = [(exact(term.percent) / 100, term.changing) for term in body.budget]
    terms.append((min(open_percent(month) / 100, Fraction(1, 2)), True))
    return Observation(
        site=body.site,
        month=month.month,
        luck=_luck(body, month, energy, expected),
        bound=float(1 - math.prod((1 - share for share, _ in terms), start=Fraction(1))),
        changing=float(1 - math.prod((1 - s for s, may in terms if may), start=Fraction(1))),
    )


def _luck(
    body: MiningBody, month: MonthBody, energy: Fraction, expected: Expected
) -> CountedLuck | SmoothLuck:
    if month.payout == "receipts" and month.receipts is not None:
        hashes = hashes_of(energy, j_per_th=exact(body.j_per_th.value), pue=exact(body.pue.value))
        share = work_of_target(int(month.receipts.target, 16))
        return _counted(hashes / share, month.receipts.shares)
    # What the sites' own figures say was due, so that real rewards are judged by real rewards.
    due = month.expected_sat or 1
    ratio = Fraction(sum(arrival.amount_sat for arrival in month.arrivals), due)
    if month.payout in ALONE:
        return _counted(expected.blocks, round(ratio * expected.blocks))
    return SmoothLuck(float(ratio), min(max(float(month.luck_percent) / 100, LEAST_SD), MOST_SD))


def _counted(expected: Fraction, found: int) -> CountedLuck | SmoothLuck:
    """A count; a very large one as the amount that it is as good as."""
    if expected > MOST_COUNTED:
        return SmoothLuck(float(found / expected), max(LEAST_SD, float(expected) ** -0.5))
    return CountedLuck(float(expected), min(found, MOST_TIMES * math.ceil(expected)))


def _renamed(one: Observation, key: Key) -> Observation:
    return Observation(
        site="/".join(key), month=one.month, luck=one.luck, bound=one.bound, changing=one.changing
    )


def _year(year: int, sites: int, own: Sequence[SiteFinding]) -> YearBody:
    """One line for a site: an alarm of either chart stands; limits are those of the worse."""
    alarms = [f.first_alarm for f in own if f.finding is Finding.ALARM]
    first = min((a for a in alarms if a is not None), key=lambda a: a.month, default=None)
    newest = max(own, key=lambda f: f.standings[-1].month)
    change = newest.change_limit
    return YearBody(
        year=year,
        sites=sites,
        finding="ok" if first is None else "alarm",
        alarm_month=None if first is None else first.month,
        alarm_chart=None if first is None else first.chart.value,
        level_percent=tenths_up(max(f.level_limit for f in own)),
        change_percent=None if change is None else tenths_up(change),
    )


def tenths_up(share: float) -> str:
    """A share in per cent, rounded up to tenths, in the one spelling of a part.

    >>> tenths_up(0.0649), tenths_up(1.0), tenths_up(0.05)
    ('6.5', '100', '5')
    """
    # Twelve digits: what a float adds beyond them would round 5.0 up to 5.1.
    percent = Decimal(f"{100 * min(share, 1.0):.12g}").quantize(LIMIT_STEP, ROUND_CEILING)
    return f"{percent:f}".removesuffix(".0")


def year_sentence(body: MiningBody, year: YearBody) -> str:
    """The finding as it may be printed: an OK never stands without its limits."""
    if year.finding == "alarm":
        return (
            f"{body.name}, {year.year}: shortfall in {year.alarm_month}, by {year.alarm_chart}; "
            "luck and the stated calibration do not explain it."
        )
    change = ""
    if year.change_percent is not None:
        change = f", or {_share(year.change_percent)} of its newest month alone"
    return (
        f"{body.name}, {year.year}: no shortfall beyond the limit. Seen nine times in ten: a "
        f"diversion of {_share(year.level_percent)} of every month{change}; less may hide behind "
        "luck and calibration."
    )


def _share(percent: str) -> str:
    return "all" if percent == "100" else f"{percent} %"


def years_agree(said: YearBody, due: YearBody) -> bool:
    """Whether a stated year is the one that follows; limits may differ by a last digit.

    The test computes with floating-point numbers, which two machines may round differently.
    """
    same = (
        said.year == due.year
        and said.sites == due.sites
        and said.finding == due.finding
        and said.alarm_month == due.alarm_month
        and said.alarm_chart == due.alarm_chart
        and (said.change_percent is None) == (due.change_percent is None)
    )
    pairs = [(said.level_percent, due.level_percent)]
    pairs.append((said.change_percent or "0", due.change_percent or "0"))
    return same and all(abs(Decimal(a) - Decimal(b)) <= LIMIT_STEP for a, b in pairs)
