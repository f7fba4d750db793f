"""The tables of the mining pages: programme, sites, months, payouts, error budgets."""

from collections.abc import Sequence
from decimal import Decimal

from django.http import HttpRequest

from khazana.mining.comparisons import cost_per_mwh, difference
from khazana.mining.report import MonthLine, programme_months
from khazana.mining.years import year_sentence
from khazana.portal.api.mining import (
    MONEY,
    RATE,
    MonthFilter,
    SiteFilter,
    arrivals_asked,
    in_order_of_sites,
    months_asked,
    rounded,
    telling_asked,
)
from khazana.portal.api.tables.contents import Content, Rows
from khazana.portal.api.tables.table import Cell, amount
from khazana.portal.mining.showing import SiteShown, in_order, site_shown

FIGURES = (
    "simulated",
    "mw",
    "mwh",
    "mwh_low",
    "mwh_high",
    "expected_sat",
    "expected_btc",
    "lower_limit_sat",
    "lower_limit_btc",
    "upper_limit_sat",
    "upper_limit_btc",
    "arrived_sat",
    "arrived_btc",
    "difference_sat",
    "difference_btc",
    "detection_limit_percent",
    "sites_below",
    "questioned",
    "energy_rests_on",
    "currency",
    "paid",
    "paid_per_mwh",
    "paid_per_btc",
    "full_cost",
    "subsidy",
    "margin",
    "subsidised_hours",
    "unknown_mwh",
    "load_shedding_hours",
    "load_shedding_source",
    "tco2",
    "tco2_per_btc",
    "pool_payouts",
    "pool_sat",
    "share_receipts",
    "proved_hashes",
)
"""Columns of every line; money in the column `currency`, tco2 in tonnes as entered."""


def figures(line: MonthLine) -> Sequence[Cell]:
    """A line's cells in the order of FIGURES."""
    per_mwh = cost_per_mwh(line)
    return (
        line.simulated,
        Decimal(rounded(line.mw, RATE)),
        line.mwh,
        line.mwh_low,
        line.mwh_high,
        *amount(line.expected),
        *amount(line.low),
        *amount(line.high),
        *amount(line.arrived),
        *amount(difference(line).middle),
        line.detection_percent,
        line.sites_below,
        line.questioned,
        line.rests_on,
        line.currency,
        line.paid,
        None if per_mwh is None else Decimal(rounded(per_mwh, MONEY)),
        None if line.cost_per_btc is None else Decimal(rounded(line.cost_per_btc, MONEY)),
        line.due,
        line.subsidy,
        line.margin,
        line.subsidised_hours,
        line.unknown_mwh,
        None if line.shed_hours is None else Decimal(rounded(line.shed_hours, RATE)),
        line.shed_source,
        line.tco2,
        None if line.tco2_per_btc is None else Decimal(rounded(line.tco2_per_btc, RATE)),
        line.pool_payouts,
        line.pool_amount,
        line.shares,
        line.proved_hashes,
    )


def programme_rows(request: HttpRequest, asked: SiteFilter, language: str) -> Rows:
    for line in programme_months(telling_asked(asked).bodies):
        yield (line.month, *figures(line))


def sites_asked(asked: SiteFilter) -> list[SiteShown]:
    telling = telling_asked(asked)
    names = sorted({body.site for body in telling.bodies}, key=in_order)
    return [site_shown(telling.of_site(name)) for name in names]


def sites_rows(request: HttpRequest, asked: SiteFilter, language: str) -> Rows:
    for site in sites_asked(asked):
        body, power = site.body, site.body.power_mw
        yield (
            body.site,
            body.name,
            body.company,
            None if power is None else Decimal(power.value),
            site.months[0].line.month,
            site.months[-1].line.month,
            " ".join(
                f"{each.first} to {each.last}: {year_sentence(body, each.year)}"
                for each in site.findings
            )
            or None,
            *figures(site.total.line),
            site.statement.root,
        )


def months_rows(request: HttpRequest, asked: MonthFilter, language: str) -> Rows:
    for told, month, line in months_asked(asked):
        yield (
            line.site,
            line.name,
            line.month,
            month.verdict,
            line.implied_j_per_th,
            line.best_j_per_th,
            line.billed_mwh,
            line.bill_agrees,
            line.check_mwh,
            *figures(line),
            told.statement.root,
        )


def arrivals_rows(request: HttpRequest, asked: MonthFilter, language: str) -> Rows:
    for told, month, arrival in arrivals_asked(asked):
        yield (
            told.body.site,
            month.month,
            arrival.txid,
            arrival.account,
            *amount(arrival.amount),
            ", ".join(arrival.grades),
            told.statement.root,
        )


def budget_rows(request: HttpRequest, asked: SiteFilter, language: str) -> Rows:
    for told in in_order_of_sites(telling_asked(asked)):
        for term in told.body.budget:
            yield (
                told.body.site,
                term.name,
                Decimal(term.percent),
                term.changing,
                term.source,
                told.statement.root,
            )


MINING: dict[str, Content] = {
    "mining": Content(SiteFilter, ("month", *FIGURES), programme_rows, several=True),
    "mining-sites": Content(
        SiteFilter,
        (
            "site",
            "name",
            "company",
            "allocated_mw",
            "first_month",
            "last_month",
            "findings_with_limits",
            *FIGURES,
            "newest_statement_root",
        ),
        sites_rows,
        several=True,
    ),
    "mining-months": Content(
        MonthFilter,
        (
            "site",
            "name",
            "month",
            "verdict",
            "implied_j_per_th",
            "best_j_per_th",
            "billed_mwh",
            "bill_agrees",
            "check_mwh",
            *FIGURES,
            "statement_root",
        ),
        months_rows,
        several=True,
    ),
    "mining-arrivals": Content(
        MonthFilter,
        (
            "site",
            "month",
            "txid",
            "account",
            "amount_sat",
            "amount_btc",
            "grades",
            "statement_root",
        ),
        arrivals_rows,
        several=True,
    ),
    "mining-budget": Content(
        SiteFilter,
        ("site", "term", "percent", "changing", "source", "statement_root"),
        budget_rows,
        several=True,
    ),
}
