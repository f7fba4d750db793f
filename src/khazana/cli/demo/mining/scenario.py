"""The demo's sites: a small SYNTHETIC table, and what power each of them draws in an hour.

Derived from the synthetic scenario Indus-12 (see data/*.source.toml). No site, allocation or hour
is anybody's. Whole numbers only, so that every machine draws the same year.
"""

import csv
import hashlib
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib import resources

HOUR_S = 3_600
DAY_S = 24 * HOUR_S
PKT = timezone(timedelta(hours=5))
"""Pakistan's clock, which the sun and the evening peak follow."""

_SEED = "khazana demo mining 20260822"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WHOLE = 1_000
_OUTAGE_DAYS = 5
_DARK_HOUR = 19
"""An evening hour with load-shedding on one day of each month at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSite:
    """A site of the scenario. kind: of the power plant beside it.

    available: by month, in thousandths of the allocation, outside the grid's tight hours.
    fuel_cost: Rs per kWh, fuel only. tco2_per_mwh: entered, of the plant.
    """

    id: str
    name: str
    kind: str
    company: str
    allocation_mw: int
    fuel_cost: str
    pue: str
    tco2_per_mwh: str
    available: tuple[int, ...]

    def watts(self, at: int) -> int:
        """Mean power in the hour that begins at `at` (seconds UTC): nothing in tight hours.

        W = MW × 10⁶ × availability ‰ × use ‰
        """
        local = datetime.fromtimestamp(at, PKT)
        if tight(local):
            return 0
        # Fans, pumps and machines that come and go: an hour has up to 3 % less than it could.
        used = draw(970, 998, self.id, at)
        return self.allocation_mw * self._permille(local) * used

    def _permille(self, local: datetime) -> int:
        mean = self.available[local.month - 1]
        if self.kind == "solar":
            # Clouds: a day has from 85 to 100 % of the sun's hour.
            sun = _hours()[local.month, local.hour].sun
            return sun * draw(850, 1_000, self.id, local.date()) // _WHOLE
        if self.kind == "wind":
            day = draw(400, 1_600, self.id, local.date())
            hour = draw(850, 1_150, self.id, local.date(), local.hour)
            return min(_WHOLE, mean * day // _WHOLE * hour // _WHOLE)
        if self.kind == "hydro":
            return mean
        # A plant that burns runs or rests: outages last some days.
        block = local.date().toordinal() // _OUTAGE_DAYS
        return _WHOLE if draw(0, 999, self.id, block) < mean else 150


@dataclass(frozen=True, slots=True)
class _Hour:
    """An hour of the day in a month. sun: thousandths. tight_days: how many are tight there."""

    tight_days: int
    sun: int


def draw(low: int, high: int, *what: object) -> int:
    """A number from `low` to `high`, both included, that depends on its labels alone.

    >>> draw(0, 9, "site-1", 7) == draw(0, 9, "site-1", 7)
    True
    """
    said = "/".join(map(str, (_SEED, *what))).encode()
    number = int.from_bytes(hashlib.sha256(said).digest()[:8], "big")
    return low + number % (high - low + 1)


@cache
def tight(local: datetime) -> bool:
    """Whether the grid is short in an hour (Pakistan's clock): feeders are off, mining is too."""
    days = _hours()[local.month, local.hour].tight_days
    if local.hour == _DARK_HOUR:
        days = max(days, 1)
    # One order of days for every hour: a day that is short stays short for hours.
    return _order(local.year, local.month)[local.day - 1] < days


@cache
def _order(year: int, month: int) -> tuple[int, ...]:
    """The rank of each day of a month by how short its power is, 0 the shortest."""
    listed = range(monthrange(year, month)[1])
    days = sorted(listed, key=lambda day: draw(0, 1 << 60, "tight", year, month, day))
    return tuple(days.index(day) for day in listed)


@cache
def sites() -> tuple[DemoSite, ...]:
    """The twelve sites, in order."""
    rows = list(csv.DictReader(_table("sites.csv").splitlines()))
    return tuple(
        DemoSite(
            id=row["site"],
            name=f"Site {row['site'].removeprefix('site-')}",
            kind=row["kind"],
            company=f"distribution-{'abc'[number % 3]}",
            allocation_mw=int(row["allocation_mw"]),
            fuel_cost=row["fuel_cost_pkr_kwh"],
            pue=row["pue"],
            tco2_per_mwh=row["tco2_per_mwh"],
            available=tuple(int(row[f"{month}_permille"]) for month in _MONTHS),
        )
        for number, row in enumerate(rows)
    )


@cache
def _hours() -> dict[tuple[int, int], _Hour]:
    rows = csv.DictReader(_table("hours.csv").splitlines())
    return {
        (int(row["month"]), int(row["hour_pkt"])): _Hour(
            int(row["tight_days"]), int(row["sun_permille"])
        )
        for row in rows
    }


def _table(name: str) -> str:
    place = resources.files("khazana.cli.demo.mining").joinpath("data", name)
    return place.read_text(encoding="ascii")
