"""Mining: the programme, each site, each month, and how to cite a figure of one."""

import re

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from khazana.mining.parts import MiningBody
from khazana.mining.report import MonthLine, site_line
from khazana.portal.mining.models import SiteRow
from khazana.portal.mining.month import arrivals_of, grades_of_mined
from khazana.portal.mining.showing import Shown, chart_of, programme_of, withheld_sites
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
    """All sites: power in, bitcoin expected, bitcoin arrived, and what could go missing unseen."""
    statement = statement_asked(request)
    if statement is None:
        return render(request, "mining/overview.html", {"statement": None})
    return render(
        request,
        "mining/overview.html",
        {
            "statement": statement,
            "programme": programme_of(statement),
            "grades": grades_of_mined(statement),
            "withheld": withheld_sites(statement),
        },
    )


def site(request: HttpRequest, site: str) -> HttpResponse:
    """One site: its months, its limits, and on whose word its figures rest."""
    statement, body = _asked(request, site)
    line = site_line(body)
    return render(
        request,
        "mining/site.html",
        {
            "statement": statement,
            "body": body,
            "line": line,
            "total": Shown.of(line.total),
            "months": [Shown.of(month) for month in line.months],
            "chart": chart_of(
                line.months, "site", title=_("%(site)s: expected and arrived") % {"site": line.name}
            ),
            "names": wallet_names(statement),
        },
    )


def month(request: HttpRequest, site: str, month: str) -> HttpResponse:
    """One month of a site, with everything that is said about it."""
    statement, body = _asked(request, site)
    number, line = _line(body, month)
    stated = body.months[number]
    return render(
        request,
        "mining/month.html",
        {
            "statement": statement,
            "body": body,
            "stated": stated,
            "month": Shown.of(line),
            "arrivals": arrivals_of(statement, stated),
            "names": wallet_names(statement),
            "before": body.months[number - 1].month if number else None,
            "after": body.months[number + 1].month if number + 1 < len(body.months) else None,
        },
    )


def cite(request: HttpRequest, root: str, site: str, month: str, figure: str) -> HttpResponse:
    """One figure of a month with all that a citation needs."""
    statement = statement_named(root)
    if statement is None or figure not in FIGURES:
        raise Http404
    body = _body(statement, site)
    _number, line = _line(body, month)
    amount = getattr(line, FIGURES[figure])
    by = statement.superseded_by
    return render(
        request,
        "mining/cite.html",
        {
            "statement": statement,
            "body": body,
            "line": line,
            "figure": figure,
            "amount": amount,
            "shape": {ENERGY: "energy", LIMIT: "percent"}.get(figure, "btc"),
            "address": request.build_absolute_uri(
                reverse("cite-mining", args=[statement.root, site, month, figure])
            ),
            "replaced_by": by,
            "commands": commands_for(request, statement, settings.CHAIN_SOURCE),
        },
    )


def _asked(request: HttpRequest, site: str) -> tuple[StatementRow, MiningBody]:
    statement = statement_asked(request)
    if statement is None:
        raise Http404
    return statement, _body(statement, site)


def _body(statement: StatementRow, site: str) -> MiningBody:
    if not _SITE.fullmatch(site):
        raise Http404
    row = SiteRow.objects.filter(statement=statement, site=site).first()
    if row is None:
        raise Http404
    return row.value()


def _line(body: MiningBody, month: str) -> tuple[int, MonthLine]:
    for number, line in enumerate(site_line(body).months):
        if line.month == month:
            return number, line
    raise Http404
