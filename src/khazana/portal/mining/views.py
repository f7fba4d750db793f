"""Mining: the programme, each site, each month, and how to cite a figure of one."""

import re

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from khazana.mining.report import MonthLine, month_lines
from khazana.portal.mining.choosing import Telling, Told, statements_telling, told_by
from khazana.portal.mining.month import arrivals_of, grades_of_mined
from khazana.portal.mining.showing import (
    Shown,
    chart_of,
    programme_of,
    site_shown,
    withheld_sites,
)
from khazana.portal.reserve.asking import statement_asked
from khazana.portal.reserve.views_movements import wallet_names
from khazana.portal.statement.choosing import statement_named
from khazana.portal.statement.commands import commands_for
from khazana.portal.statement.models import StatementRow

_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
FIGURES = {
    "energy": "mwh",
    "expected": "expected",
    "lower-limit": "low",
    "upper-limit": "high",
    "arrived": "arrived",
    "detection-limit": "detection_percent",
}
"""Figures of a month that can be cited, and where its line has them."""
ENERGY, LIMIT = "energy", "detection-limit"


def overview(request: HttpRequest) -> HttpResponse:
    """All sites: power in, bitcoin expected, bitcoin arrived, and what could go missing unseen.

    Over every statement that stands, or by the one that the address names.
    """
    statement = statement_asked(request)
    if statement is None:
        return render(request, "mining/overview.html", {"statement": None})
    programme = programme_of(told_by(statements_telling(request.GET.get("statement"))))
    return render(
        request,
        "mining/overview.html",
        {
            "statement": statement,
            "root": _root(request, statement),
            "programme": programme,
            "grades": grades_of_mined(statement),
            "withheld": withheld_sites(statement),
        },
    )


def site(request: HttpRequest, site: str) -> HttpResponse:
    """One site: its months, its limits, and on whose word its figures rest."""
    telling = _telling(request, site)
    shown = site_shown(telling.told)
    return render(
        request,
        "mining/site.html",
        {
            "statement": shown.statement,
            "root": _root(request, shown.statement),
            "site": shown,
            "body": shown.body,
            "telling": telling,
            "chart": chart_of(
                [each.line for each in shown.months],
                "site",
                title=_("%(site)s: expected and arrived") % {"site": shown.body.name},
            ),
            "names": wallet_names(shown.statement),
        },
    )


def month(request: HttpRequest, site: str, month: str) -> HttpResponse:
    """One month of a site, with everything that is said about it."""
    telling = _telling(request, site)
    found = telling.of_month(site, month)
    if found is None:
        raise Http404
    told, stated = found
    months = sorted(each.month for body in telling.bodies for each in body.months)
    place = months.index(month)
    return render(
        request,
        "mining/month.html",
        {
            "statement": told.statement,
            "root": told.statement.root,
            "body": told.body,
            "stated": stated,
            "month": Shown.of(_line(told, month)),
            "arrivals": arrivals_of(told.statement, stated),
            "commands": commands_for(request, told.statement, settings.CHAIN_SOURCE),
            "names": wallet_names(told.statement),
            "before": months[place - 1] if place else None,
            "after": months[place + 1] if place + 1 < len(months) else None,
        },
    )


def cite(request: HttpRequest, root: str, site: str, month: str, figure: str) -> HttpResponse:
    """One figure of a month with all that a citation needs."""
    statement = statement_named(root)
    if statement is None or figure not in FIGURES or not _SITE.fullmatch(site):
        raise Http404
    found = told_by([statement], site=site).of_month(site, month)
    if found is None:
        raise Http404
    told, _stated = found
    line = _line(told, month)
    return render(
        request,
        "mining/cite.html",
        {
            "statement": statement,
            "body": told.body,
            "line": line,
            "figure": figure,
            "amount": getattr(line, FIGURES[figure]),
            "shape": {ENERGY: "energy", LIMIT: "percent"}.get(figure, "btc"),
            "address": request.build_absolute_uri(
                reverse("cite-mining", args=[statement.root, site, month, figure])
            ),
            "replaced_by": statement.superseded_by,
            "commands": commands_for(request, statement, settings.CHAIN_SOURCE),
        },
    )


def _root(request: HttpRequest, statement: StatementRow) -> str:
    """The root to stay with, where the reader asked for one statement; else every one counts."""
    return statement.root if request.GET.get("statement") else ""


def _telling(request: HttpRequest, site: str) -> Telling:
    if not _SITE.fullmatch(site):
        raise Http404
    telling = told_by(statements_telling(request.GET.get("statement")), site=site)
    if not telling.told:
        raise Http404
    return telling


def _line(told: Told, month: str) -> MonthLine:
    return next(line for line in month_lines(told.body) if line.month == month)
