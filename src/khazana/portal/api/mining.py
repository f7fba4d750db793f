"""Mining, as answers: the lines of the room in the API's shapes."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from django.http import HttpRequest
from django.urls import reverse
from pydantic import StringConstraints

from khazana.mining.comparisons import cost_per_mwh, difference
from khazana.mining.month_body import MonthBody
from khazana.mining.parts import SourcedBody
from khazana.mining.report import MonthLine, month_lines, programme_line
from khazana.mining.years import year_sentence
from khazana.portal.api import schemas_mining as shapes
from khazana.portal.api.asking import Ident, OfStatement, Paged, statement_of
from khazana.portal.api.figures import Source, notice_of
from khazana.portal.mining.choosing import Telling, Told, statements_telling, told_by
from khazana.portal.mining.month import Arrived, arrivals_by_month
from khazana.portal.mining.showing import in_order, site_shown, withheld_sites

MONEY, RATE = 2, 6
"""Decimals of what is computed by division."""
MonthName = Annotated[str, StringConstraints(pattern=shapes.MONTH)]
Link = Callable[[str], str]
"""The address, without the host, of the page where a figure is cited."""


class SiteFilter(OfStatement):
    """Of which site; without one of all."""

    site: Ident | None = None


class MonthFilter(SiteFilter):
    """Of which site and month; without one of all."""

    month: MonthName | None = None


class MonthsAsked(Paged, MonthFilter):
    """A part of the list of months."""


class ArrivalsAsked(Paged, MonthFilter):
    """A part of the list of payouts."""


def mining_asked(request: HttpRequest, asked: OfStatement) -> shapes.Mining:
    """All sites of a statement."""
    row = statement_of(asked.statement)
    source = Source.of(request, row)
    telling = told_by([row])
    bodies = telling.bodies
    link = reverse("mining") + f"?statement={row.root}"
    return shapes.Mining(
        statement=row.root,
        total=_figures(source, programme_line(bodies), lambda _name: link) if bodies else None,
        sites=[_site(source, told) for told in in_order_of_sites(telling)],
        withheld_sites=withheld_sites(row),
        test=row.office.test,
        notice=notice_of(row.office),
    )


def telling_asked(asked: SiteFilter) -> Telling:
    """What the named statement tells, else all of the portal's own office that stand."""
    row = statement_of(asked.statement)
    statements = statements_telling(None if asked.statement is None else row.root)
    return told_by(statements, site=asked.site)


def in_order_of_sites(telling: Telling) -> list[Told]:
    """Site by site, the oldest first of each."""
    return sorted(telling.told, key=lambda told: in_order(told.body.site))


def months_asked(asked: MonthFilter) -> list[tuple[Told, MonthBody, MonthLine]]:
    """The months that were asked for, site by site."""
    return [
        (told, month, line)
        for told in in_order_of_sites(telling_asked(asked))
        for month, line in zip(told.body.months, month_lines(told.body), strict=True)
        if asked.month in (None, month.month)
    ]


def month_item(
    request: HttpRequest, found: tuple[Told, MonthBody, MonthLine]
) -> shapes.MiningMonth:
    """One month of a site."""
    told, month, line = found
    source = Source.of(request, told.statement)
    root = told.statement.root
    return shapes.MiningMonth(
        site=line.site,
        name=line.name,
        month=line.month,
        verdict=month.verdict,
        sentence=line.sentence,
        implied_j_per_th=_text(line.implied_j_per_th),
        best_j_per_th=_text(line.best_j_per_th),
        billed_mwh=_text(line.billed_mwh),
        bill_agrees=line.bill_agrees,
        check_mwh=_text(line.check_mwh),
        figures=_figures(
            source,
            line,
            lambda name: reverse("cite-mining", args=[root, line.site, line.month, name]),
        ),
    )


def arrivals_asked(asked: MonthFilter) -> list[tuple[Told, MonthBody, Arrived]]:
    """The payouts that were asked for, month by month of each site."""
    months = [(told, month) for told, month, _line in months_asked(asked)]
    found = arrivals_by_month([(told.statement, month) for told, month in months])
    return [
        (told, month, arrival)
        for (told, month), arrivals in zip(months, found, strict=True)
        for arrival in arrivals
    ]


def arrival_item(
    request: HttpRequest, found: tuple[Told, MonthBody, Arrived]
) -> shapes.MiningArrival:
    """One payout."""
    told, month, arrival = found
    source = Source.of(request, told.statement)
    link = reverse("movement", args=[arrival.txid]) + f"?statement={told.statement.root}"
    return shapes.MiningArrival(
        site=told.body.site,
        month=month.month,
        txid=arrival.txid,
        account=arrival.account,
        amount=source.figure(arrival.amount, link=link),
        grades=arrival.grades,
    )


def _site(source: Source, told: Told) -> shapes.MiningSite:
    body, total = told.body, site_shown([told]).total.line
    page = reverse("mining-site", args=[body.site]) + f"?statement={source.statement.root}"
    return shapes.MiningSite(
        site=body.site,
        name=body.name,
        company=body.company,
        accounts=body.accounts,
        difficulty_source=body.difficulty.source,
        fees=_sourced(body.fees),
        j_per_th=_sourced(body.j_per_th),
        pue=_sourced(body.pue),
        power_mw=None if body.power_mw is None else _sourced(body.power_mw),
        tco2_per_mwh=None if body.tco2_per_mwh is None else _sourced(body.tco2_per_mwh),
        budget=[
            shapes.MiningTerm(
                name=term.name, percent=term.percent, changing=term.changing, source=term.source
            )
            for term in body.budget
        ],
        years=[
            shapes.MiningYear(
                year=year.year,
                sites=year.sites,
                finding=year.finding,
                alarm_month=year.alarm_month,
                alarm_chart=year.alarm_chart,
                level_percent=year.level_percent,
                change_percent=year.change_percent,
                sentence=year_sentence(body, year),
            )
            for year in body.years
        ],
        months=len(body.months),
        total=_figures(source, total, lambda _name: page),
        page=source.base + page,
    )


def _sourced(body: SourcedBody) -> shapes.Sourced:
    return shapes.Sourced(value=body.value, source=body.source)


def _figures(source: Source, line: MonthLine, link: Link) -> shapes.MiningFigures:
    return shapes.MiningFigures(
        simulated=line.simulated,
        mw=rounded(line.mw, RATE),
        mwh=_exact(line.mwh),
        mwh_low=_exact(line.mwh_low),
        mwh_high=_exact(line.mwh_high),
        expected=source.figure(line.expected, link=link("expected")),
        lower_limit=source.figure(line.low, link=link("lower-limit")),
        upper_limit=source.figure(line.high, link=link("upper-limit")),
        arrived=source.figure(line.arrived, link=link("arrived")),
        difference_sats=difference(line).middle,
        detection_percent=_exact(line.detection_percent),
        sites_below=line.sites_below,
        questioned=line.questioned,
        energy_rests_on="utility" if line.rests_on == "utility" else "office",
        power=_power(line),
        load_shedding_hours=None if line.shed_hours is None else rounded(line.shed_hours, RATE),
        load_shedding_source=line.shed_source,
        tco2=_text(line.tco2),
        tco2_per_btc=None if line.tco2_per_btc is None else rounded(line.tco2_per_btc, RATE),
        pool_payouts=line.pool_payouts,
        pool_sats=line.pool_amount,
        share_receipts=line.shares,
        proved_hashes=None if line.proved_hashes is None else str(line.proved_hashes),
    )


def _power(line: MonthLine) -> shapes.Power | None:
    if line.currency is None or line.paid is None:
        return None
    per_mwh = cost_per_mwh(line)
    return shapes.Power(
        currency=line.currency,
        paid=_exact(line.paid),
        per_mwh=None if per_mwh is None else rounded(per_mwh, MONEY),
        per_btc=None if line.cost_per_btc is None else rounded(line.cost_per_btc, MONEY),
        full_cost=_text(line.due),
        subsidy=_exact(line.subsidy or Decimal()),
        margin=_exact(line.margin or Decimal()),
        subsidised_hours=line.subsidised_hours or 0,
        unknown_mwh=_exact(line.unknown_mwh or Decimal()),
    )


def rounded(value: Decimal | Fraction, places: int) -> str:
    """Half to even, without zeros at the end.

    >>> rounded(Fraction(2, 3), 2), rounded(Decimal("7440.000500"), 6), rounded(Decimal(0), 2)
    ('0.67', '7440.0005', '0')
    """
    scaled = round(Fraction(value) * 10**places)
    return _exact(Decimal(scaled).scaleb(-places))


def _exact(value: Decimal) -> str:
    """A decimal in its shortest spelling, without an exponent."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def _text(value: Decimal | None) -> str | None:
    return None if value is None else _exact(value)
