"""The statements that an office published, how to check them, and how to cite a figure."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from khazana.portal.reserve.asking import statement_asked
from khazana.portal.reserve.models import FiguresRow, SetKind
from khazana.portal.statement.choosing import standing_statements, statement_named
from khazana.portal.statement.commands import commands_for
from khazana.portal.statement.models import FileKind, FileRow, OfficeRow, ReportRow, StatementRow


def statements(request: HttpRequest) -> HttpResponse:
    """Every statement of the portal's office and its partners, the newest first."""
    offices = [
        (office, office.statements.defer("raw"))
        for office in OfficeRow.objects.prefetch_related("files")
    ]
    standing = set(standing_statements().values_list("root", flat=True)) | set(
        standing_statements(own=False).values_list("root", flat=True)
    )
    return render(request, "statement/list.html", {"offices": offices, "standing": standing})


def statement(request: HttpRequest, root: str) -> HttpResponse:
    """One statement: its period, its totals, its files, what it followed and what replaced it."""
    row = statement_named(root)
    if row is None:
        raise Http404
    related = StatementRow.objects.filter(office=row.office).defer("raw")
    return render(
        request,
        "statement/statement.html",
        {
            "statement": row,
            "rows": FiguresRow.objects.filter(
                statement=row, kind__in=(SetKind.PERIMETER, SetKind.ENTITY)
            ),
            "previous": related.filter(root=row.previous).first() if row.previous else None,
            "next": related.filter(previous=row.root).first(),
            "replaces": related.filter(root=row.supersedes).first() if row.supersedes else None,
            "files": FileRow.objects.filter(statement=row).defer("raw"),
            "identity": FileRow.objects.filter(office=row.office, kind=FileKind.IDENTITY)
            .defer("raw")
            .first(),
            "commands": commands_for(request, row, settings.CHAIN_SOURCE),
            "report": ReportRow.objects.filter(statement=row).first(),
        },
    )


def check(request: HttpRequest) -> HttpResponse:
    """How to check a statement: one command, or one file in the browser."""
    row = statement_asked(request)
    return render(
        request,
        "statement/check.html",
        {
            "statement": row,
            "commands": None if row is None else commands_for(request, row, settings.CHAIN_SOURCE),
        },
    )


FIGURES = frozenset(
    {"opening", "inflow", "coinbase", "outflow", "fee", "internal", "off_chain", "closing"}
    | {"perimeter_change", "immature"}
)
"""Figures of a set that can be cited, as a statement calls them."""


def cite(request: HttpRequest, root: str, kind: str, ident: str, figure: str) -> HttpResponse:
    """One figure with all that a citation needs: block, hash, grade, root, address."""
    row = statement_named(root)
    found = (
        None
        if row is None or figure not in FIGURES or "\0" in ident
        else FiguresRow.objects.filter(statement=row, kind=kind, ident=ident).first()
    )
    if row is None or found is None:
        raise Http404
    figures = found.value()
    at_opening = figure == "opening"
    return render(
        request,
        "statement/cite.html",
        {
            "statement": row,
            "row": found,
            "figure": figure,
            "amount": getattr(figures, figure),
            "grades": None if figure != "closing" else figures.grades,
            "cited_block": row.after if at_opening else row.until,
            "at": row.after_mtp if at_opening else row.until_mtp,
            "address": request.build_absolute_uri(request.path),
            "commands": commands_for(request, row, settings.CHAIN_SOURCE),
        },
    )
