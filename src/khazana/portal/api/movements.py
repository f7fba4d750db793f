"""Movements, coins, addresses and documents, as answers."""

from datetime import UTC, datetime, time

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from khazana.ledger.grades import EvidenceGrade
from khazana.portal.api import schemas_flows as schemas
from khazana.portal.api.asking import LinesFilter, MovementFilter, WalletFilter, statement_of
from khazana.portal.api.figures import Source, all_of_grade, api_link
from khazana.portal.api.problems import NoSuchThing, Withheld
from khazana.portal.api.schemas import Block, Figure
from khazana.portal.reserve.models import CoinRow, LineRow, MovementRow, ScriptRow
from khazana.portal.reserve.pair import cached_value
from khazana.portal.reserve.stops import stops_of
from khazana.portal.statement.choosing import standing_statements
from khazana.portal.statement.models import StatementRow
from khazana.reserve.parts import CoinPostingBody, DocumentBody

CHAIN = "A"
"""The grade of what anyone derives from the chain (docs/methods/statements.md)."""


def movements_asked(asked: MovementFilter) -> QuerySet[MovementRow]:
    """Movements by what was asked, the newest first, with their lines and statements."""
    if asked.statement is None:
        found = MovementRow.objects.filter(statement__in=standing_statements())
    else:
        found = MovementRow.objects.filter(statement=statement_of(asked.statement))
    # In one filter, so that both are said of one line.
    line = {"lines__wallet": asked.wallet, "lines__reason": asked.reason and asked.reason.value}
    if wanted := {name: value for name, value in line.items() if value is not None}:
        found = found.filter(**wanted)
    if asked.unexplained is not None:
        found = found.filter(unexplained=asked.unexplained == "true")
    if asked.from_height is not None:
        found = found.filter(height__gte=asked.from_height)
    if asked.until_height is not None:
        found = found.filter(height__lte=asked.until_height)
    if asked.from_day is not None:
        first = datetime.combine(asked.from_day, time.min, UTC)
        found = found.filter(median_time__gte=first)
    if asked.until_day is not None:
        last = datetime.combine(asked.until_day, time.max, UTC)
        found = found.filter(median_time__lte=last)
    return (
        found.distinct()
        .select_related("statement__office")
        .prefetch_related("lines")
        .defer("entry", "explanation", "statement__raw", "statement__book")
    )


def lines_asked(asked: LinesFilter) -> QuerySet[LineRow]:
    """Lines of the movements that were asked for, in the movements' order."""
    found = LineRow.objects.filter(movement__in=movements_asked(asked).values("pk").order_by())
    if asked.txid is not None:
        found = found.filter(movement__txid=asked.txid)
    if asked.wallet is not None:
        found = found.filter(wallet=asked.wallet)
    if asked.reason is not None:
        found = found.filter(reason=asked.reason.value)
    return (
        found.select_related("movement__statement")
        .defer("movement__entry", "movement__explanation", "movement__statement__raw")
        .order_by("-movement__height", "-movement__position", "-movement__pk", "pk")
    )


def movement_item(request: HttpRequest, row: MovementRow) -> schemas.Movement:
    """A movement in a list."""
    source = Source.of(request, row.statement)
    link = api_link("movement", row.txid, statement=row.statement.root)
    block = Block(height=row.height, hash=row.block_hash)

    def figure(amount: int, grade: str = CHAIN) -> Figure:
        return source.figure(amount, link=link, block=block, grades=all_of_grade(grade, amount))

    return schemas.Movement(
        txid=row.txid,
        statement=row.statement.root,
        block=block,
        time=row.median_time,
        position=row.position,
        coinbase=row.coinbase,
        unexplained=row.unexplained,
        spent=figure(row.spent),
        received=figure(row.received),
        lines=[
            schemas.Line(
                wallet=line.wallet,
                reason=line.reason,
                figure=figure(line.amount, line.grade),
                counterpart=line.counterpart or None,
                document=line.document or None,
                grade=EvidenceGrade(line.grade).value,
                rule=line.rule,
            )
            for line in row.lines.all()
        ],
        link=source.base + link,
        page=source.base + reverse("movement", args=[row.txid]),
    )


def movement_full(request: HttpRequest, txid: str, root: str | None) -> schemas.MovementFull:
    """One movement through its stops, as the statement says; the newest that stands first."""
    if root is None:
        found = MovementRow.objects.filter(statement__in=standing_statements())
    else:
        found = MovementRow.objects.filter(statement=statement_of(root))
    row = (
        found.filter(txid=txid)
        .select_related("statement__office")
        .prefetch_related("lines")
        .defer("statement__raw")
        .first()
    )
    if row is None:
        raise NoSuchThing(kind="movement", named=txid)
    stops, source = stops_of(row), Source.of(request, row.statement)
    entry, item = stops["entry"], movement_item(request, row)
    touched = {posting.wallet for posting in (*entry.spent, *entry.received)}

    def figure(amount: int) -> Figure:
        link = api_link("movement", row.txid, statement=row.statement.root)
        return source.figure(
            amount, link=link, block=item.block, grades=all_of_grade(CHAIN, amount)
        )

    def posting(each: CoinPostingBody) -> schemas.Posting:
        return schemas.Posting(
            wallet=each.wallet, outpoint=each.outpoint, figure=figure(each.amount)
        )

    return schemas.MovementFull(
        **item.dict(),
        fee=None if entry.fee is None else figure(entry.fee),
        paid_outside=None if entry.paid_outside is None else figure(entry.paid_outside),
        coins_spent=[posting(each) for each in entry.spent],
        coins_received=[posting(each) for each in entry.received],
        wallets=[
            schemas.WalletStop(
                id=wallet,
                name=stops["names"].get(wallet, {}),
                declared_at=stops["declared"].get(wallet),
            )
            for wallet in sorted(touched)
        ],
        documents=[
            document_item(row.statement, body)
            for body in stops["documents"].values()
            if body is not None
        ],
        leaf=schemas.Leaf(
            part=f"entry/{row.txid}",
            digest=stops["leaf_digest"],
            parts=stops["size"],
            root=row.statement.root,
        ),
    )


def coins_asked(asked: WalletFilter) -> tuple[StatementRow, QuerySet[CoinRow]]:
    """Coins held at a statement's closing block, the largest first."""
    row = statement_of(asked.statement)
    found = CoinRow.objects.filter(statement=row)
    return row, found if asked.wallet is None else found.filter(wallet=asked.wallet)


def coin_item(source: Source, row: CoinRow) -> schemas.Coin:
    """A coin: its amount is the chain's own word."""
    return schemas.Coin(
        outpoint=row.outpoint,
        wallet=row.wallet,
        coinbase=row.coinbase,
        block=Block(height=row.height, hash=row.block_hash),
        figure=source.figure(
            row.amount,
            link=api_link("coin", row.outpoint, statement=source.statement.root),
            grades=all_of_grade(CHAIN, row.amount),
        ),
    )


def coin_named(request: HttpRequest, outpoint: str, root: str | None) -> schemas.Coin:
    """One coin at a statement's closing block."""
    statement = statement_of(root)
    row = CoinRow.objects.filter(statement=statement, outpoint=outpoint).first()
    if row is None:
        raise NoSuchThing(kind="coin", named=outpoint)
    return coin_item(Source.of(request, statement), row)


def addresses_asked(asked: WalletFilter) -> tuple[StatementRow, QuerySet[ScriptRow]]:
    """Every output script that the wallets of a statement declare."""
    row = statement_of(asked.statement)
    found = ScriptRow.objects.filter(statement=row)
    return row, found if asked.wallet is None else found.filter(wallet=asked.wallet)


def address_item(statement: StatementRow, row: ScriptRow) -> schemas.Address:
    return schemas.Address(
        wallet=row.wallet,
        number=row.number,
        script=row.script,
        address=row.address or None,
        statement=statement.root,
    )


def documents_of(statement: StatementRow) -> list[DocumentBody]:
    """The documents that a statement names, in its order."""
    value = cached_value(statement.root, statement.sha256)
    if value.withheld("document") and not value.documents:
        raise Withheld(root=statement.root, kind="documents")
    return list(value.documents.values())


def document_item(statement: StatementRow, body: DocumentBody) -> schemas.Document:
    return schemas.Document(
        id=body.id,
        commitment=body.commitment,
        grade=body.grade,
        file_sha256=body.file_sha256,
        statement=statement.root,
    )
