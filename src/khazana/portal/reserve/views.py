"""What the state holds and how it changed: pages over rows."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from khazana.portal.conditions.kept import kept_of
from khazana.portal.mining.showing import brief_of
from khazana.portal.reserve.asking import date_asked, statement_asked
from khazana.portal.reserve.corrected import book_entries, changed_sets, replacements
from khazana.portal.reserve.home import home_figures
from khazana.portal.reserve.lines import account_of, history_chart, members_of
from khazana.portal.reserve.models import FiguresRow, SetKind
from khazana.portal.reserve.pair import pair_of
from khazana.portal.reserve.worth import cost_of, valuation_for, worth_of
from khazana.portal.statement.choosing import newest_statement, standing_of_office


def home(request: HttpRequest) -> HttpResponse:
    """The first page: what is held, what changed and why, and how to check it."""
    statement = newest_statement()
    asked = date_asked(request)
    figures = None if statement is None else home_figures(statement, asked)
    kept = None if statement is None else kept_of(statement)
    return render(
        request,
        "reserve/home.html",
        {
            "statement": statement,
            "home": figures,
            "conditions": kept,
            "mining": None if statement is None else brief_of(statement),
        },
    )


def holding(request: HttpRequest, kind: str, ident: str) -> HttpResponse:
    """One perimeter, entity, wallet or custodial account, with its account of the period."""
    statement = statement_asked(request)
    if statement is None or kind not in SetKind.values or "\0" in ident:
        raise Http404
    row = FiguresRow.objects.filter(statement=statement, kind=kind, ident=ident).first()
    if row is None:
        raise Http404
    return render(
        request,
        "reserve/holding.html",
        {
            "statement": statement,
            "row": row,
            "figures": row.value(),
            "account": account_of(row.value()),
            "worth": worth_of(valuation_for(statement), row.part),
            "cost": cost_of(valuation_for(statement), row.part),
            "members": members_of(row),
            "chart": history_chart([row.part], title=_("Holdings over time"), of=statement.office),
            "earlier": FiguresRow.objects.filter(
                statement__in=standing_of_office(statement.office), kind=kind, ident=ident
            )
            .select_related("statement")
            .defer("body", "statement__raw", "statement__book", "statement__exclusions"),
        },
    )


def bars(request: HttpRequest) -> HttpResponse:
    """The gross inflow of one set beside the net of another, with the story of each coin."""
    statement = statement_asked(request)
    if statement is None:
        return render(request, "reserve/two_bars.html", {"statement": None})
    return render(request, "reserve/two_bars.html", pair_of(statement, request.GET))


def corrections(request: HttpRequest) -> HttpResponse:
    """Statements that replaced earlier ones, and figures that were restated or written off."""
    return render(
        request,
        "reserve/corrections.html",
        {
            "pairs": [
                (pair.old, pair.new, changed_sets(pair.old, pair.new)) for pair in replacements()
            ],
            "entries": book_entries(),
            "statement": newest_statement(),
        },
    )
