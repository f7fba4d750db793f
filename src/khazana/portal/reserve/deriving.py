"""The rows of a statement: its figures, movements, coins, scripts and balances over time."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from khazana.bitcoin.address import address_of
from khazana.bitcoin.network import Network, network_of_genesis
from khazana.ledger.accounts import Wallet
from khazana.ledger.documents import Reason
from khazana.portal.reserve.models import (
    BalanceRow,
    CoinRow,
    FiguresRow,
    LineRow,
    MovementRow,
    ScriptRow,
    SetKind,
)
from khazana.portal.statement.models import StatementRow
from khazana.reserve.bodies import wallet_of
from khazana.reserve.case import PartsWithheld
from khazana.reserve.parts import (
    AccountBody,
    EntityBody,
    EntryBody,
    FiguresBody,
    PerimeterBody,
    WalletBody,
)
from khazana.reserve.reading import ReserveStatement
from khazana.reserve.series import balance_series
from khazana.units import Height

BATCH = 1000
"""Rows that are written by one command."""


def derive_rows(
    row: StatementRow, statement: ReserveStatement, times: Mapping[str, datetime]
) -> None:
    """Write every row that the disclosed parts of a statement give.

    times: median time past by block hash; a block that is missing there has none in the rows.
    """
    FiguresRow.objects.bulk_create(_figures(row, statement), BATCH)
    CoinRow.objects.bulk_create(_coins(row, statement), BATCH)
    ScriptRow.objects.bulk_create(_scripts(row, statement), BATCH)
    movements = MovementRow.objects.bulk_create(_movements(row, statement, times), BATCH)
    LineRow.objects.bulk_create(_lines(movements, statement), BATCH)
    BalanceRow.objects.bulk_create(_balances(row, statement, times), BATCH)


def forget_rows(row: StatementRow) -> None:
    """Remove every row that was derived from a statement."""
    for model in (FiguresRow, CoinRow, ScriptRow, MovementRow, BalanceRow):
        model.objects.filter(statement=row).delete()


def _figures(row: StatementRow, statement: ReserveStatement) -> Iterator[FiguresRow]:
    height = Height(statement.header.period.until.height)
    bodies: list[tuple[SetKind, PerimeterBody | EntityBody | WalletBody | AccountBody]] = []
    bodies += [(SetKind.PERIMETER, body) for body in statement.perimeters.values()]
    bodies += [(SetKind.ENTITY, body) for body in statement.entities.values()]
    bodies += [(SetKind.WALLET, body) for body in statement.wallets.values()]
    bodies += [(SetKind.ACCOUNT, body) for body in statement.accounts.values()]
    for position, (kind, body) in enumerate(bodies):
        figures: FiguresBody = body.figures
        lane = ""
        if isinstance(body, WalletBody):
            wallet: Wallet = wallet_of(body, ())
            lane = wallet.lane_at(height).value
        elif isinstance(body, AccountBody):
            lane = body.lane
        yield FiguresRow(
            statement=row,
            kind=kind,
            ident=body.id,
            position=position,
            name=dict(body.name),
            entity=body.entity if isinstance(body, WalletBody | AccountBody) else "",
            lane=lane,
            body=_json(body),
            opening=figures.opening,
            closing=figures.closing,
        )


def _coins(row: StatementRow, statement: ReserveStatement) -> Iterator[CoinRow]:
    for wallet, coins in statement.coins.items():
        for coin in coins.closing:
            yield CoinRow(
                statement=row,
                wallet=wallet,
                outpoint=coin.outpoint,
                amount=coin.amount,
                height=coin.block.height,
                block_hash=coin.block.hash,
                coinbase=coin.coinbase,
            )


def _scripts(row: StatementRow, statement: ReserveStatement) -> Iterator[ScriptRow]:
    network = network_of_genesis(statement.header.network.genesis)
    for wallet, listed in statement.scripts.items():
        for number, script in enumerate(listed.scripts):
            yield ScriptRow(
                statement=row,
                wallet=wallet,
                number=number,
                script=script,
                address=_address(script, network),
            )


def _address(script: str, network: Network | None) -> str:
    return "" if network is None else address_of(bytes.fromhex(script), network) or ""


def _movements(
    row: StatementRow, statement: ReserveStatement, times: Mapping[str, datetime]
) -> Iterator[MovementRow]:
    entries: tuple[EntryBody, ...] = tuple(statement.bodies.get("entry", ()))  # type: ignore[arg-type]
    for entry in entries:
        explained = statement.explanations.get(entry.txid)
        lines = [] if explained is None else explained.lines
        yield MovementRow(
            statement=row,
            txid=entry.txid,
            height=entry.block.height,
            block_hash=entry.block.hash,
            position=entry.position,
            median_time=times.get(entry.block.hash),
            coinbase=entry.coinbase,
            spent=sum(posting.amount for posting in entry.spent),
            received=sum(posting.amount for posting in entry.received),
            inside_one_wallet=explained is None and not statement.withheld("explanation"),
            unexplained=any(line.reason == Reason.UNEXPLAINED.value for line in lines),
            entry=_json(entry),
            explanation=None if explained is None else _json(explained),
        )


def _lines(movements: list[MovementRow], statement: ReserveStatement) -> Iterator[LineRow]:
    for movement in movements:
        explained = statement.explanations.get(movement.txid)
        for line in () if explained is None else explained.lines:
            yield LineRow(
                movement=movement,
                wallet=line.wallet,
                reason=line.reason,
                amount=line.amount,
                counterpart=line.counterpart or "",
                document=line.document or "",
                grade=line.grade,
                rule=line.rule,
            )


def _balances(
    row: StatementRow, statement: ReserveStatement, times: Mapping[str, datetime]
) -> Iterator[BalanceRow]:
    try:
        series = list(balance_series(statement))
    except PartsWithheld:
        return  # a disclosure without movements has no line between its two ends
    for part, points in series:
        kind, _, ident = part.partition("/")
        for point in points:
            yield BalanceRow(
                statement=row,
                kind=kind,
                ident=ident,
                height=point.block.height,
                block_hash=point.block.hash,
                median_time=times.get(point.block.hash),
                amount=point.amount,
            )


def _json(body: msgspec.Struct) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.to_builtins(body)
    return content
