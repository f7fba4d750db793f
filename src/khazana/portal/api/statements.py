"""Offices, statements and the figures of their sets, as answers."""

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

import khazana
from khazana.portal.api import schemas
from khazana.portal.api.asking import FiguresFilter, HistoryFilter, StatementFilter, statement_of
from khazana.portal.api.figures import (
    CITED,
    Source,
    api_link,
    base_of,
    block_of,
    grades_of,
    notice_of,
)
from khazana.portal.api.problems import NoSuchThing
from khazana.portal.reserve.models import FiguresRow, SetKind
from khazana.portal.statement.choosing import is_replaced, newest_statement, standing_statements
from khazana.portal.statement.commands import commands_for
from khazana.portal.statement.models import FileKind, FileRow, OfficeRow, ReportRow, StatementRow


def start(request: HttpRequest) -> schemas.Start:
    """Where a program begins."""
    base, newest = base_of(request), newest_statement()
    own = OfficeRow.objects.filter(own=True).first()
    return schemas.Start(
        software="Khazana",
        version=khazana.__version__,
        test=own is None or own.test,
        notice=None if own is None else notice_of(own),
        offices=offices(request),
        newest_statement=None if newest is None else base + api_link("statement", newest.root),
        openapi=base + api_link("openapi-json"),
        feed=base + reverse("feed"),
    )


def offices(request: HttpRequest) -> list[schemas.Office]:
    """The portal's own office first."""
    identities = dict(
        FileRow.objects.filter(kind=FileKind.IDENTITY).values_list("office__slug", "path")
    )
    return [_office(request, row, identities.get(row.slug)) for row in OfficeRow.objects.all()]


def office_named(request: HttpRequest, ident: str) -> schemas.Office:
    """One office."""
    for office in offices(request):
        if office.id == ident:
            return office
    raise NoSuchThing(kind="office", named=ident)


def _office(request: HttpRequest, row: OfficeRow, identity: str | None) -> schemas.Office:
    return schemas.Office(
        id=row.slug,
        name=row.name,
        own=row.own,
        fingerprint=row.fingerprint or None,
        network=row.network,
        genesis=row.genesis,
        test=row.test,
        notice=notice_of(row),
        identity=None
        if identity is None
        else base_of(request) + reverse("other-file", args=[row.slug, identity]),
    )


def replaced_roots() -> dict[str, str]:
    """By the root of a statement that was replaced: the root of the one that replaced it."""
    replaced = StatementRow.objects.filter(is_replaced()).values("root")
    later = StatementRow.objects.filter(supersedes__in=replaced).order_by("pk")
    offices = dict(StatementRow.objects.values_list("root", "office"))
    return {
        supersedes: root
        for supersedes, root, office in later.values_list("supersedes", "root", "office")
        if offices[supersedes] == office
    }


def statements_asked(asked: StatementFilter) -> QuerySet[StatementRow]:
    """Statements without their bytes, the newest first."""
    found = StatementRow.objects.select_related("office").defer("raw")
    if asked.office is not None:
        found = found.filter(office__slug=asked.office)
    if asked.standing is not None:
        found = found.filter(~is_replaced() if asked.standing == "true" else is_replaced())
    return found


def statement_item(
    request: HttpRequest, row: StatementRow, replaced: dict[str, str]
) -> schemas.Statement:
    """A statement in a list. replaced: as `replaced_roots` gives it."""
    base = base_of(request)
    return schemas.Statement(
        root=row.root,
        office=row.office.slug,
        period=schemas.Period(
            after=block_of(row.after),
            after_time=row.after_mtp,
            until=block_of(row.until),
            until_time=row.until_mtp,
            timezone=row.timezone,
        ),
        previous=row.previous or None,
        supersedes=row.supersedes or None,
        superseded_by=replaced.get(row.root),
        standing=row.root not in replaced,
        signed_at=row.signed_at,
        sha256=row.sha256,
        parts=row.part_count,
        withheld=row.withheld_count,
        headline=row.headline or None,
        watched=row.watched or None,
        test=row.office.test,
        notice=notice_of(row.office),
        link=base + reverse("statement", args=[row.root]),
        file=base + reverse("statement-file", args=[row.root]),
    )


def statement_full(request: HttpRequest, root: str) -> schemas.StatementFull:
    """One statement with its files and what the portal's own check said."""
    row = statement_of(root)
    commands = commands_for(request, row, settings.CHAIN_SOURCE)
    report = ReportRow.objects.filter(statement=row, sha256=row.sha256).first()
    item = statement_item(request, row, replaced_roots())
    return schemas.StatementFull(
        **item.dict(),
        files=files_of(request, row),
        exclusions=[schemas.Exclusion(**each) for each in row.exclusions],
        fetch=commands.fetch,
        verify=commands.verify,
        check=None
        if report is None
        else schemas.Check(
            source=report.source,
            checked_at=report.checked_at,
            exit_status=report.exit_status,
            report=report.document,
        ),
    )


def files_of(request: HttpRequest, row: StatementRow) -> list[schemas.File]:
    """The statement itself first, then what was published with it."""
    base = base_of(request)
    own = schemas.File(
        kind="statement",
        name=row.file_name,
        sha256=row.sha256,
        link=base + reverse("statement-file", args=[row.root]),
    )
    others = FileRow.objects.filter(statement=row).defer("raw")
    return [own] + [
        schemas.File(
            kind=file.kind,
            name=file.path,
            sha256=file.sha256,
            link=base + reverse("other-file", args=[row.office.slug, file.path]),
        )
        for file in others
    ]


def figures_asked(asked: FiguresFilter) -> tuple[StatementRow, QuerySet[FiguresRow]]:
    """The sets of a statement, in its order."""
    row = statement_of(asked.statement)
    found = FiguresRow.objects.filter(statement=row)
    if asked.kind is not None:
        found = found.filter(kind=asked.kind)
    if asked.set is not None:
        kind, _slash, ident = asked.set.partition("/")
        found = found.filter(kind=kind, ident=ident)
    return row, found


def history_asked(asked: HistoryFilter) -> QuerySet[FiguresRow]:
    """A set in every standing statement of the portal's own office, the newest first."""
    kind, _slash, ident = asked.set.partition("/")
    return (
        FiguresRow.objects.filter(statement__in=standing_statements(), kind=kind, ident=ident)
        .select_related("statement")
        .defer("statement__raw", "statement__book")
        .order_by("-statement__until_height", "pk")
    )


def set_item(source: Source, row: FiguresRow) -> schemas.SetFigures:
    """The account of a period for one set."""
    figures = row.value()
    grades = {"closing": grades_of(figures.grades)}
    cited = {
        name: source.cited(
            row.kind, row.ident, name, getattr(figures, name), grades=grades.get(name)
        )
        for name in CITED
    }
    link = api_link("set", row.kind, row.ident, statement=source.statement.root)
    return schemas.SetFigures(
        kind=SetKind(row.kind),
        id=row.ident,
        name=row.name,
        entity=row.entity or None,
        lane=row.lane or None,
        statement=source.statement.root,
        reasons=[
            schemas.ReasonTotal(
                reason=each.reason,
                figure=source.figure(each.amount, link=link, grades=grades_of(each.grades)),
            )
            for each in figures.reasons
        ],
        link=source.base + link,
        **cited,
    )
