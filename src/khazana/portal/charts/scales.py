"""Round numbers and round dates for axes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from khazana.portal.formatting.dates import short_date_text, short_month_text
from khazana.portal.formatting.numbers import Grouping, decimal_text


@dataclass(frozen=True)
class Measure:
    """What whole numbers on an axis stand for: 10^-places of the unit.

    >>> BTC.exact(150_000_000), BTC.on_axis(150_000_000, step=50_000_000)
    ('1.50000000 BTC', '1.5')
    """

    unit: str
    places: int
    grouping: Grouping = "thousands"

    def exact(self, value: int) -> str:
        return f"{decimal_text(value, places=self.places, grouping=self.grouping)} {self.unit}"

    def on_axis(self, value: int, *, step: int) -> str:
        """With as many decimals as steps of that size need, and no unit."""
        places, divisor = self.places, 1
        while places and step % (divisor * 10) == 0:
            places, divisor = places - 1, divisor * 10
        return decimal_text(value // divisor, places=places, grouping=self.grouping)


BTC = Measure("BTC", 8)


@dataclass(frozen=True)
class Ticks:
    """Marks from at or below the lowest to at or above the highest value, evenly apart."""

    step: int
    marks: tuple[int, ...]

    @property
    def low(self) -> int:
        return self.marks[0]

    @property
    def high(self) -> int:
        return self.marks[-1]


def nice_ticks(low: int, high: int, *, most: int = 5) -> Ticks:
    """Steps of 1, 2 or 5 times a power of ten, at most `most` of them.

    >>> nice_ticks(0, 6_042).marks
    (0, 2000, 4000, 6000, 8000)
    """
    if high < low or most < 1:
        raise ValueError(f"no ticks from {low} to {high} in {most} steps")
    if high == low:
        high = low + 1
    power = 1
    while True:
        for times in (1, 2, 5):
            step = times * power
            first, last = low // step, -(-high // step)
            if last - first <= most:
                return Ticks(step, tuple(n * step for n in range(first, last + 1)))
        power *= 10


Kind = Literal["day", "month", "year"]
_DAYS = (1, 2, 7, 14)
_MONTHS = (1, 2, 3, 6)
_YEARS = (1, 2, 5, 10, 20, 50, 100)


def time_ticks(
    since: datetime, until: datetime, *, most: int = 7
) -> tuple[Kind, tuple[datetime, ...]]:
    """The starts of days, months or years between two instants, at most `most` of them."""
    if until < since:
        raise ValueError(f"{until} is before {since}")
    for days in _DAYS:
        if (until - since) / timedelta(days=days) <= most:
            return "day", tuple(_days(since, until, days))
    for months in _MONTHS:
        marks = tuple(_months(since, until, months))
        if len(marks) <= most:
            return "month", marks
    marks = ()
    for years in _YEARS:
        marks = tuple(_months(since, until, 12 * years))
        if len(marks) <= most:
            break
    return "year", marks


def tick_text(kind: Kind, at: datetime, *, language: str) -> str:
    """How a mark of the time axis is labelled."""
    if kind == "day":
        return short_date_text(at.date(), language=language)
    return str(at.year) if kind == "year" else short_month_text(at.date(), language=language)


def _days(since: datetime, until: datetime, step: int) -> Iterator[datetime]:
    at = datetime(since.year, since.month, since.day, tzinfo=UTC)
    while at <= until:
        if at >= since:
            yield at
        at += timedelta(days=step)


def _months(since: datetime, until: datetime, step: int) -> Iterator[datetime]:
    # Counted from year 0, so that quarters begin in January.
    number = (since.year * 12 + since.month - 1) // step * step
    while (at := datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)) <= until:
        if at >= since:
            yield at
        number += step
