"""What the state holds and how it changed: pages over rows."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from khazana.portal.reserve.asking import date_asked, statement_asked
from khazana.portal.reserve.home import home_figures
from khazana.portal.reserve.lines import history_chart, members_of
from khazana.portal.reserve.models import FiguresRow, SetKind
from khazana.portal.reserve.pair import pair_of
from khazana.portal.statement.choosing import newest_statement, standing_statements
from khazana.portal.statement.models import StatementRow


def home(request: HttpRequest) -> HttpResponse:
    """The first page: what is held, what changed and why, and how to check it."""
    statement = newest_statement()
    asked = date_asked(request)
    figures = None if statement is None else home_figures(statement, asked)
    return render(request, "reserve/home.html", {"statement": statement, "home": figures})


def holding(request: HttpRequest, kind: str, ident: str) -> HttpResponse:
    """One perimeter, entity, wallet or custodial account, with its account of the period."""
    statement = statement_asked(request)
    if statement is None or kind not in SetKind.values:
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
            "members": members_of(row),
            "chart": history_chart([row.part], title=_("Holdings over time")),
            "earlier": FiguresRow.objects.filter(
                statement__in=standing_statements(own=statement.office.own), kind=kind, ident=ident
            ).select_related("statement"),
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
    replacing = StatementRow.objects.filter(office__own=True).exclude(supersedes="").defer("raw")
    replaced = {
        row.root: row
        for row in StatementRow.objects.filter(
            root__in=[row.supersedes for row in replacing]
        ).defer("raw")
    }
    pairs = [(replaced.get(row.supersedes), row) for row in replacing]
    return render(
        request,
        "reserve/corrections.html",
        {
            "pairs": [(old, new, _changed(old, new)) for old, new in pairs],
            "entries": _book_entries(),
            "statement": newest_statement(),
        },
    )


def _changed(
    old: StatementRow | None, new: StatementRow
) -> list[tuple[FiguresRow, FiguresRow | None]]:
    """The sets whose closing differs between a statement and the one that replaced it."""
    if old is None:
        return []
    before = {row.part: row for row in FiguresRow.objects.filter(statement=old)}
    return [
        (row, before.get(row.part))
        for row in FiguresRow.objects.filter(statement=new)
        if row.part not in before or row.body["figures"] != before[row.part].body["figures"]
    ]


def _book_entries() -> list[tuple[StatementRow, dict[str, object]]]:
    """Losses and restatements of every standing statement, the newest first."""
    found = []
    for statement in standing_statements():
        for body in statement.book:
            if body["kind"] in ("loss", "restatement", "reclassification"):
                found.append((statement, body))
    return found
