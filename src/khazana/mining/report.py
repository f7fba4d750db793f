"""A site's months as people read them: plain values, computed from a statement's parts alone.

Whoever shows a verdict finds its detection limit in the same line.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from khazana.mining.checks import bill_agrees
from khazana.mining.figures import seconds_of
from khazana.mining.month_body import MonthBody
from khazana.mining.parts import MiningBody, YearBody
from khazana.mining.years import year_sentence
from khazana.units import Sats

_MWH = Decimal(10**6)
_HOUR_S = Decimal(3600)
_BTC = Decimal(10**8)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthLine:
    """A month of a site, or of several sites together.

    Energies in MWh, power in MW, money in `currency`, shed_hours in hours, tco2 in tonnes as
    entered. None: nobody says. rests_on: whose word the energy is, the utility's where files are
    named, else the office's. verdict: None where months of several sites are added up; then
    `sites_below` counts. detection_percent: the largest of the months added up.
    """

    site: str
    name: str
    month: str
    simulated: bool
    mw: Decimal
    mwh: Decimal
    mwh_low: Decimal
    mwh_high: Decimal
    expected: Sats
    low: Sats
    high: Sats
    arrived: Sats
    detection_percent: Decimal
    verdict: str | None
    sites_below: int
    questioned: bool
    implied_j_per_th: Decimal | None
    best_j_per_th: Decimal | None
    billed_mwh: Decimal | None
    bill_agrees: bool | None
    check_mwh: Decimal | None
    currency: str | None
    paid: Decimal | None
    due: Decimal | None
    subsidy: Decimal | None
    margin: Decimal | None
    subsidised_hours: int | None
    unknown_mwh: Decimal | None
    cost_per_btc: Decimal | None
    shed_hours: Decimal | None
    shed_source: str | None
    tco2: Decimal | None
    tco2_per_btc: Decimal | None
    pool_payouts: int | None
    pool_amount: Sats | None
    shares: int | None
    proved_hashes: int | None
    rests_on: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLine:
    """All months of a site. years: what the sequential test found; sentences carry its limits."""

    site: str
    name: str
    company: str | None
    power_mw: Decimal | None
    power_source: str | None
    simulated: bool
    months: tuple[MonthLine, ...]
    total: MonthLine
    years: tuple[YearBody, ...]
    sentences: tuple[str, ...]


def month_lines(body: MiningBody) -> tuple[MonthLine, ...]:
    """A line for each month of a site."""
    return tuple(_line(body, month) for month in body.months)


def site_line(body: MiningBody) -> SiteLine:
    """A site with its months, their sum, and what the test over all of them found."""
    months = month_lines(body)
    power = body.power_mw
    return SiteLine(
        site=body.site,
        name=body.name,
        company=body.company,
        power_mw=None if power is None else Decimal(power.value),
        power_source=None if power is None else power.source,
        simulated=body.simulated,
        months=months,
        total=together(months, site=body.site, name=body.name, seconds=_seconds(body.months)),
        years=tuple(body.years),
        sentences=tuple(year_sentence(body, year) for year in body.years),
    )


def programme_months(bodies: Sequence[MiningBody]) -> tuple[MonthLine, ...]:
    """A line for each month over all sites."""
    months = sorted({month.month for body in bodies for month in body.months})
    found = []
    for name in months:
        rows = [(b, m) for b in bodies for m in b.months if m.month == name]
        longest = max(_seconds([month]) for _, month in rows)
        lines = [_line(body, month) for body, month in rows]
        found.append(together(lines, site="", name="", seconds=longest, month=name))
    return tuple(found)


def programme_line(bodies: Sequence[MiningBody]) -> MonthLine:
    """The sum over all sites and months."""
    months = programme_months(bodies)
    seconds = sum(
        max(_seconds([m]) for b in bodies for m in b.months if m.month == line.month)
        for line in months
    )
    return together(months, site="", name="", seconds=seconds)


def _line(body: MiningBody, month: MonthBody) -> MonthLine:
    seconds = _seconds([month])
    mwh = Decimal(month.low_wh + month.high_wh) / 2 / _MWH
    power, outages, pool, receipts = month.power, month.outages, month.pool, month.receipts
    carbon = body.tco2_per_mwh
    tco2 = None if carbon is None else mwh * Decimal(carbon.value)
    return MonthLine(
        site=body.site,
        name=body.name,
        month=month.month,
        simulated=body.simulated,
        mw=mwh * _HOUR_S / seconds,
        mwh=mwh,
        mwh_low=month.low_wh / _MWH,
        mwh_high=month.high_wh / _MWH,
        expected=Sats(month.expected_sat),
        low=Sats(month.low_sat),
        high=Sats(month.high_sat),
        arrived=Sats(month.arrived_sat),
        detection_percent=Decimal(month.detection_percent),
        verdict=month.verdict,
        sites_below=int(month.verdict == "below"),
        questioned=month.questioned,
        implied_j_per_th=_maybe(month.implied_j_per_th),
        best_j_per_th=_maybe(month.best_j_per_th),
        billed_mwh=None if month.billed_wh is None else month.billed_wh / _MWH,
        bill_agrees=None if month.billed_wh is None else bill_agrees(month),
        check_mwh=None
        if month.check is None
        else Decimal(month.check.low_wh + month.check.high_wh) / 2 / _MWH,
        currency=None if power is None else power.currency,
        paid=None if power is None else Decimal(power.paid),
        due=None if power is None else _maybe(power.due),
        subsidy=None if power is None else Decimal(power.subsidy),
        margin=None if power is None else Decimal(power.margin),
        subsidised_hours=None if power is None else power.subsidised_hours,
        unknown_mwh=None if power is None else power.unknown_wh / _MWH,
        cost_per_btc=None if power is None else _per_btc(Decimal(power.paid), month.arrived_sat),
        shed_hours=None if outages is None else outages.seconds / _HOUR_S,
        shed_source=None if outages is None else outages.source,
        tco2=tco2,
        tco2_per_btc=None if tco2 is None else _per_btc(tco2, month.arrived_sat),
        pool_payouts=None if pool is None else pool.payouts,
        pool_amount=None if pool is None else Sats(pool.amount_sat),
        shares=None if receipts is None else receipts.shares,
        proved_hashes=None if receipts is None else int(receipts.hashes),
        rests_on="office" if month.evidence is None else "utility",
        sentence=month_sentence(body, month),
    )


def month_sentence(body: MiningBody, month: MonthBody) -> str:
    """A month's verdict with its limit, in one sentence."""
    limit = (
        f"a shortfall of {month.detection_percent} % would have been seen nine times in ten"
        if Decimal(month.detection_percent) < 100
        else "no shortfall, however large, would surely have been seen"
    )
    said = {
        "within": "what arrived is within luck and the error budget of what was expected",
        "below": "less arrived than luck and the error budget explain",
        "above": "more arrived than luck and the error budget explain",
    }[month.verdict]
    asked = ""
    if month.questioned:
        asked = (
            f" Question: it takes machines of {month.implied_j_per_th} J/TH, and the best has "
            f"{month.best_j_per_th}. Is energy not metered?"
        )
    mark = "SIMULATED: " if body.simulated else ""
    return f"{mark}{body.name}, {month.month}: {said}; {limit}.{asked}"


def together(
    lines: Sequence[MonthLine], *, site: str, name: str, seconds: int, month: str = ""
) -> MonthLine:
    """Lines added up; of what one of them does not say, nothing is said.

    seconds: the time that they cover, for the mean power. Money is added in one currency only.
    """
    mwh = sum((line.mwh for line in lines), Decimal())
    arrived = sum(line.arrived for line in lines)
    currencies = {line.currency for line in lines}
    one = currencies.pop() if len(currencies) == 1 else None
    paid = _sum(line.paid if one else None for line in lines)
    tco2 = _sum(line.tco2 for line in lines)
    pools = [line.pool_amount for line in lines if line.pool_amount is not None]
    proved = [line.proved_hashes for line in lines if line.proved_hashes is not None]
    return MonthLine(
        site=site,
        name=name,
        month=month,
        simulated=any(line.simulated for line in lines),
        mw=mwh * _HOUR_S / seconds,
        mwh=mwh,
        mwh_low=sum((line.mwh_low for line in lines), Decimal()),
        mwh_high=sum((line.mwh_high for line in lines), Decimal()),
        expected=Sats(sum(line.expected for line in lines)),
        low=Sats(sum(line.low for line in lines)),
        high=Sats(sum(line.high for line in lines)),
        arrived=Sats(arrived),
        detection_percent=max(line.detection_percent for line in lines),
        verdict=None,
        sites_below=sum(line.sites_below for line in lines),
        questioned=any(line.questioned for line in lines),
        implied_j_per_th=None,
        best_j_per_th=None,
        billed_mwh=_sum(line.billed_mwh for line in lines),
        bill_agrees=None
        if any(line.bill_agrees is None for line in lines)
        else all(line.bill_agrees for line in lines),
        check_mwh=_sum(line.check_mwh for line in lines),
        currency=one,
        paid=paid,
        due=_sum(line.due if one else None for line in lines),
        subsidy=_sum(line.subsidy if one else None for line in lines),
        margin=_sum(line.margin if one else None for line in lines),
        subsidised_hours=None
        if any(line.subsidised_hours is None for line in lines)
        else sum(line.subsidised_hours or 0 for line in lines),
        unknown_mwh=_sum(line.unknown_mwh for line in lines),
        cost_per_btc=None if paid is None else _per_btc(paid, arrived),
        shed_hours=_sum(line.shed_hours for line in lines),
        shed_source="; ".join(dict.fromkeys(line.shed_source or "" for line in lines)) or None,
        tco2=tco2,
        tco2_per_btc=None if tco2 is None else _per_btc(tco2, arrived),
        pool_payouts=sum(line.pool_payouts or 0 for line in lines) if pools else None,
        pool_amount=Sats(sum(pools)) if pools else None,
        shares=sum(line.shares or 0 for line in lines) if proved else None,
        proved_hashes=sum(proved) if proved else None,
        rests_on="utility" if all(line.rests_on == "utility" for line in lines) else "office",
        sentence="",
    )


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    listed = list(values)
    known = [value for value in listed if value is not None]
    return sum(known, Decimal()) if len(known) == len(listed) else None


def _per_btc(amount: Decimal, sats: int) -> Decimal | None:
    return None if not sats else amount * _BTC / sats


def _maybe(number: str | None) -> Decimal | None:
    return None if number is None else Decimal(number)


def _seconds(months: Sequence[MonthBody]) -> int:
    return sum(seconds_of(month.until) - seconds_of(month.first) for month in months)
