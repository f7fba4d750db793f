"""What a month's power cost and its load-shedding, as the part states them, from the folder."""

import math
from dataclasses import dataclass
from fractions import Fraction

from khazana.errors import KhazanaError
from khazana.mining.evidence.metering import OUTAGES, TARIFFS, Metering
from khazana.mining.evidence.meters import MeterRole
from khazana.mining.evidence.tariffs import power_sums, shed
from khazana.mining.figures import seconds_of
from khazana.mining.month_body import MonthBody, OutagesBody, PowerBody
from khazana.mining.parts import MiningBody

_CENTS = 100
_MWH = 10**6


@dataclass(eq=False, kw_only=True)
class NothingToFollow(KhazanaError):
    """A month's cost or load-shedding cannot be had from this folder."""

    problem: str
    code = "nothing_to_follow"
    words = "Cost or load-shedding of the month cannot be had: {problem}."


def power_body(body: MiningBody, month: MonthBody, given: Metering, *, source: str) -> PowerBody:
    """Rule E38: money rounded down to hundredths, energies in Wh."""
    digest = given.digest(TARIFFS)
    if given.tariffs is None or digest is None:
        raise NothingToFollow(problem="the folder has no tariffs")
    sums = power_sums(
        body.site,
        given.tariffs,
        [given.readings.by_meter.get(m, ()) for m in given.of_site(body.site, MeterRole.MAIN)],
        first=seconds_of(month.first),
        until=seconds_of(month.until),
    )
    return PowerBody(
        currency=sums.currency,
        source=source,
        file=digest,
        paid=money(sums.paid),
        due=None if sums.due is None else money(sums.due),
        subsidy=money(sums.reading.subsidy),
        margin=money(sums.reading.margin),
        judged_wh=math.floor(sums.reading.judged_mwh * _MWH),
        unknown_wh=math.floor(sums.reading.unknown_mwh * _MWH),
        subsidised_hours=sums.seconds // 3600,
    )


def outages_body(
    body: MiningBody, month: MonthBody, given: Metering, *, source: str
) -> OutagesBody:
    """Rule E39: seconds in which the site ran while feeders of its own company were off."""
    digest = given.digest(OUTAGES)
    if given.outages is None or digest is None:
        raise NothingToFollow(problem="the folder has no outages")
    if body.company is None:
        raise NothingToFollow(problem=f"{body.site} names no company that distributes its power")
    meters = given.meters.of_site(body.site, MeterRole.MAIN)
    line = shed(
        body.site,
        body.company,
        given.outages,
        [given.readings.by_meter.get(meter.id, ()) for meter in meters],
        first=seconds_of(month.first),
        until=seconds_of(month.until),
    )
    return OutagesBody(source=source, file=digest, seconds=line.seconds, feeders=len(line.feeders))


def money(value: Fraction) -> str:
    """An amount rounded down to hundredths, in the one spelling of a part.

    >>> money(Fraction(10)), money(Fraction(5, 2)), money(Fraction(1, 3))
    ('10', '2.5', '0.33')
    """
    whole, rest = divmod(math.floor(value * _CENTS), _CENTS)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".")
