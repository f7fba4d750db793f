"""Holdings over time, their worth, the two bars and what was corrected, as answers."""

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from khazana.portal.api import schemas_flows as schemas
from khazana.portal.api.asking import (
    HoldingsAsked,
    SeriesAsked,
    SeriesFilter,
    TwoBarsAsked,
    require_set,
    statement_of,
)
from khazana.portal.api.figures import (
    Source,
    all_of_grade,
    api_link,
    block_of,
    grades_of,
    notice_of,
)
from khazana.portal.api.problems import NoSuchThing, NotCovered, Withheld
from khazana.portal.api.schemas import Block, Figure
from khazana.portal.reserve.corrected import book_entries, changed_sets, replacements
from khazana.portal.reserve.lines import as_of
from khazana.portal.reserve.models import BalanceRow, FiguresRow, SetKind
from khazana.portal.reserve.pair import cached_value, movements_withheld
from khazana.portal.reserve.worth import valuation_for
from khazana.portal.statement.choosing import standing_statements
from khazana.portal.statement.models import FileKind, FileRow, StatementRow
from khazana.reserve.two_bars import two_bars
from khazana.reserve.valuation_document import MoneyBody, PriceBody


def series_asked(kind: str, ident: str, asked: SeriesAsked) -> QuerySet[BalanceRow]:
    """A set's balances in order of height; where statements overlap, each says its own."""
    if asked.statement is None:
        found = BalanceRow.objects.filter(statement__in=standing_statements())
        named = FiguresRow.objects.filter(
            statement__in=standing_statements(), kind=kind, ident=ident
        )
    else:
        row = statement_of(asked.statement)
        found = BalanceRow.objects.filter(statement=row)
        named = FiguresRow.objects.filter(statement=row, kind=kind, ident=ident)
    if not named.exists():
        raise NoSuchThing(kind="set", named=f"{kind}/{ident}")
    return (
        found.filter(kind=kind, ident=ident)
        .select_related("statement__office")
        .defer("statement__raw", "statement__book")
        .order_by("height", "statement__until_height", "pk")
    )


def series_of(asked: SeriesFilter) -> QuerySet[BalanceRow]:
    """Balances of a set, or of every perimeter, in order of height."""
    if asked.statement is None:
        found = BalanceRow.objects.filter(statement__in=standing_statements())
    else:
        found = BalanceRow.objects.filter(statement=statement_of(asked.statement))
    if asked.set is None:
        found = found.filter(kind=SetKind.PERIMETER)
    else:
        kind, _slash, ident = asked.set.partition("/")
        found = found.filter(kind=kind, ident=ident)
    return (
        found.select_related("statement")
        .defer("statement__raw", "statement__book")
        .order_by("kind", "ident", "height", "statement__until_height", "pk")
    )


def balance_item(request: HttpRequest, row: BalanceRow) -> schemas.BalancePoint:
    """What a set held from the end of a block on."""
    source = Source.of(request, row.statement)
    return schemas.BalancePoint(
        time=row.median_time,
        figure=source.figure(
            row.amount,
            link=api_link("series", row.kind, row.ident, statement=row.statement.root),
            block=Block(height=row.height, hash=row.block_hash),
        ),
    )


def holdings_asked(request: HttpRequest, asked: HoldingsAsked) -> schemas.Holdings:
    """What a set held at the end of a day, and which statement and block say so."""
    newest = statement_of(None)
    part = asked.set or newest.headline
    found = as_of(part, asked.at, zone=newest.timezone)
    if found is None:
        raise NotCovered(day=asked.at.isoformat(), part=part)
    kind, _slash, ident = part.partition("/")
    return schemas.Holdings(
        set=part,
        day=asked.at,
        timezone=newest.timezone,
        since=found.since,
        figure=Source.of(request, found.statement).figure(
            found.amount,
            link=api_link("series", kind, ident, statement=found.statement.root),
            block=Block(height=found.height, hash=found.block_hash),
        ),
    )


def valuation_of(request: HttpRequest, root: str | None) -> schemas.Valuation:
    """What the state's own holdings were worth at a statement's closing block."""
    row = statement_of(root)
    document = valuation_for(row)
    file = FileRow.objects.filter(statement=row, kind=FileKind.VALUATION).defer("raw").first()
    if document is None or file is None:
        raise NoSuchThing(kind="valuation of statement", named=row.root)
    source = Source.of(request, row)
    link = api_link("valuation", statement=row.root)
    return schemas.Valuation(
        statement=row.root,
        at=document.closing.at,
        rates=[
            schemas.Rate(
                currency=rate.currency, grade=rate.grade, prices=[_price(p) for p in rate.prices]
            )
            for rate in document.closing.rates
        ],
        sets=[
            schemas.SetValue(
                set=each.set,
                own=source.figure(each.closing.own.holdings, link=link),
                value=_worth(each.closing.own.value),
                recognised_sats=each.closing.own.recognised,
                recognised_value=_worth(each.closing.own.recognised_value),
            )
            for each in document.sets
        ],
        file=source.base + reverse("other-file", args=[row.office.slug, file.path]),
        test=row.office.test,
        notice=notice_of(row.office),
    )


def _price(body: PriceBody) -> schemas.Price:
    return schemas.Price(
        at=body.at,
        venue=body.venue,
        rule=body.rule,
        base=body.base,
        currency=body.currency,
        price=body.price,
        source=body.source,
        file_sha256=body.file_sha256,
        grade=body.grade,
    )


def _worth(values: list[MoneyBody]) -> list[schemas.Worth]:
    return [schemas.Worth(currency=value.currency, amount=value.amount) for value in values]


def two_bars_asked(request: HttpRequest, asked: TwoBarsAsked) -> schemas.TwoBars:
    """The gross inflow of one set beside the net change of another, with each arrival."""
    row = statement_of(asked.statement)
    watched, stock = asked.watched or row.watched, asked.stock or row.headline
    if movements_withheld(row) or not watched or not stock:
        raise Withheld(root=row.root, kind="movements")
    for part in (watched, stock):
        require_set(row, part)
    bars = two_bars(
        cached_value(row.root, row.sha256), watched=watched, stock=stock, height=asked.block
    )
    source = Source.of(request, row)
    link = api_link("two-bars", statement=row.root, watched=watched, stock=stock, block=asked.block)
    return schemas.TwoBars(
        watched=watched,
        stock=stock,
        gross=source.figure(bars.gross, link=link),
        from_inside=source.figure(bars.from_inside, link=link),
        from_outside=source.figure(bars.from_outside, link=link),
        net=source.figure(bars.net, link=link),
        arrivals=[
            schemas.Arrival(
                txid=arrival.txid,
                source=arrival.source,
                from_inside=arrival.from_inside,
                figure=source.figure(
                    arrival.amount,
                    link=api_link("movement", arrival.txid, statement=row.root),
                    block=block_of(arrival.block),
                    grades=all_of_grade("A", arrival.amount),
                ),
                reasons=[line.reason for line in arrival.lines],
                link=source.base + api_link("movement", arrival.txid, statement=row.root),
            )
            for arrival in bars.arrivals
        ],
        link=source.base + link,
    )


def corrections(request: HttpRequest) -> schemas.Corrections:
    """Statements of the portal's own office that were replaced, and books that were corrected."""
    return schemas.Corrections(
        replacements=[
            schemas.Replacement(
                replaced=pair.new.supersedes,
                by=pair.new.root,
                signed_at=pair.new.signed_at,
                changed=[
                    _changed(request, pair.new, after, pair.old, before)
                    for after, before in changed_sets(pair.old, pair.new)
                ],
            )
            for pair in replacements()
        ],
        entries=[
            schemas.BookEntry(
                kind=body["kind"],
                account=body["account"],
                figure=Source.of(request, row).figure(
                    body["amount"],
                    link=reverse("statement", args=[row.root]),
                    block=Block(**body["block"]),
                ),
                document=body["document"],
                details=body["details"],
            )
            for row, body in book_entries()
        ],
    )


def _changed(
    request: HttpRequest,
    new: StatementRow,
    after: FiguresRow,
    old: StatementRow | None,
    before: FiguresRow | None,
) -> schemas.Changed:
    def closing(statement: StatementRow, row: FiguresRow) -> Figure:
        source = Source.of(request, statement)
        grades = grades_of(row.value().grades)
        return source.cited(row.kind, row.ident, "closing", row.closing, grades=grades)

    return schemas.Changed(
        set=after.part,
        name=after.name,
        before=None if old is None or before is None else closing(old, before),
        after=closing(new, after),
    )
