"""A full statement's journal: the ledger's export, from what the statement discloses."""

from collections.abc import Iterator, Mapping
from datetime import date

from khazana.bitcoin.chain import BlockRef
from khazana.ledger.documents import Reason
from khazana.ledger.entries import AttestedBalance
from khazana.ledger.explanations import Explanation
from khazana.ledger.journal import Journal, journal_of
from khazana.reserve.bodies import block_ref, wallet_of
from khazana.reserve.case import PartsWithheld
from khazana.reserve.reading import ReserveStatement
from khazana.reserve.sets import accounts_of
from khazana.units import BlockHash, Sats, Txid

NEEDED = ("wallet", "coins", "entry", "explanation", "account", "book")


def blocks_of_journal(statement: ReserveStatement) -> Iterator[BlockRef]:
    """Every block whose day stands in the journal, each once."""
    period = statement.header.period
    blocks = {block_ref(period.after), block_ref(period.until)}
    blocks.update(entry.block for entry in statement.entries)
    blocks.update(entry.block for entry in statement.book)
    blocks.update(
        block_ref(lane.since)
        for wallet in statement.wallets.values()
        for lane in wallet.lanes
        if lane.since is not None
    )
    blocks.update(
        block_ref(attested.block)
        for account in statement.accounts.values()
        for attested in account.attested
    )
    yield from sorted(blocks)


def journal_of_statement(statement: ReserveStatement, days: Mapping[BlockHash, date]) -> Journal:
    """The journal of a full statement. days: the office's day of every block in it."""
    for kind in NEEDED:
        if missing := statement.withheld(kind):
            raise PartsWithheld(kind=kind, missing=missing)
    opening = {
        wallet: Sats(sum(coin.amount for coin in body.opening))
        for wallet, body in statement.coins.items()
    }
    opening.update(
        (body.id, Sats(body.opening.amount))
        for body in statement.accounts.values()
        if body.opening is not None
    )
    return journal_of(
        wallets=[wallet_of(body, ()) for body in statement.wallets.values()],
        accounts=accounts_of(statement),
        opening=opening,
        entries=sorted(statement.entries, key=lambda entry: entry.order),
        days=days,
        after=block_ref(statement.header.period.after),
        until=block_ref(statement.header.period.until),
        explanations=[
            Explanation(
                Txid(explained.txid),
                line.wallet,
                Reason(line.reason),
                Sats(line.amount),
                line.counterpart,
                line.document,
                line.rule,
            )
            for explained in statement.explanations.values()
            for line in explained.lines
        ],
        book=statement.book,
        attested=[
            AttestedBalance(body.id, block_ref(a.block), Sats(a.amount), a.document)
            for body in statement.accounts.values()
            for a in body.attested
        ],
    )
