"""When the demo's sites are settled: a row per month, and in a short demo per piece of one."""

from dataclasses import dataclass
from itertools import pairwise

from khazana.cli.demo.timeline import YEAR, Timeline

PAID_AFTER = 2
"""Days from the end of a row's work to the block with the pool's payout."""
_SHORTEST_MONTH = 28
_WHOLE_MONTHS_FROM = 31 + PAID_AFTER + 2
"""A period of so many days always has the payout of a whole month in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """Work from the block of day `first` up to that of day `until`, paid in that of day `paid`.

    period: in whose statement it stands, which is where the payout is booked.
    """

    first: int
    until: int
    paid: int
    period: int


def first_period(timeline: Timeline) -> int:
    """The period in which the sites begin: a year and a quarter before the end, or at once."""
    return max(1, timeline.periods - YEAR)


def settlements(timeline: Timeline, *, since: int) -> tuple[Settlement, ...]:
    """The rows of all statements from a period on, without a gap between them.

    Whole calendar months (UTC) where quarters are long enough to have one each. In shorter demos
    the month is cut before each closing, so that every statement has a row.
    """
    shortest = min(
        timeline.close(period) - timeline.close(period - 1)
        for period in range(since, timeline.periods + 1)
    )
    whole_months = shortest >= _WHOLE_MONTHS_FROM
    # The first whole month may begin before the period: it is its payout that lies within.
    begin = timeline.close(since - 1) + (1 - _SHORTEST_MONTH if whole_months else 1)
    days = range(begin, timeline.last_close - PAID_AFTER + 1)
    cuts = {day for day in days if timeline.instant(day).day == 1}
    if not whole_months:
        cuts |= {begin}
        cuts |= {timeline.close(p) - PAID_AFTER for p in range(since, timeline.periods + 1)}
    ordered = sorted(cuts)
    return tuple(
        Settlement(
            first=first,
            until=until,
            paid=until + PAID_AFTER,
            period=_period(timeline, until + PAID_AFTER),
        )
        for first, until in pairwise(ordered)
    )


def _period(timeline: Timeline, day: int) -> int:
    return next(p for p in range(1, timeline.periods + 1) if day <= timeline.close(p))
