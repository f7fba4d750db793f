"""What might explain an open line: documents that explain nothing yet, by which rule, why not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from khazana.bitcoin.address import BadAddress, SecretInsteadOfAddress, script_of
from khazana.bitcoin.network import Network
from khazana.bitcoin.transaction import TxOut
from khazana.ledger.documents import Document, Reason
from khazana.ledger.entries import ChainEntry
from khazana.ledger.explanations import Explanation, Matching
from khazana.ledger.matching import COINBASE_REASONS, MatchingRules
from khazana.units import BlockHash, Txid

MOST_MISFITS = 2
"""A document with more of them has nothing to do with the line."""
MOST_CANDIDATES = 5


class Misfit(Enum):
    """What keeps a document from explaining a line."""

    DIRECTION = "direction"
    """It says that coins came in where they went out, or the other way."""
    AMOUNT = "amount"
    TIME = "time"
    """Further from the block's time than the office's window (Rules M2, M3)."""
    ADDRESS = "address"
    """The transaction does not pay its address exactly its amount."""
    TRANSACTION = "transaction"
    """It names another transaction."""
    COINBASE = "coinbase"
    """Nobody buys, seizes or withdraws a coinbase (Rule M8)."""
    PARTLY = "partly"
    """Documents explain a part already; what is left goes by a named transaction only (Rule M1)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that might explain a line. rule: the one that suggests it.

    misfits: why it does not; without any, others fit too (Rules M6, M7): name the transaction.
    difference: its amount less what is open, in satoshis. days: from the block's time to its own.
    """

    document: str
    rule: str
    misfits: tuple[Misfit, ...]
    difference: int
    days: int

    @property
    def fits(self) -> bool:
        return not self.misfits


def suggestions(
    matching: Matching,
    documents: Sequence[Document],
    *,
    entries: Sequence[ChainEntry],
    outputs: Mapping[Txid, Sequence[TxOut]],
    times: Mapping[BlockHash, datetime],
    network: Network,
    rules: MatchingRules,
) -> dict[tuple[Txid, str], tuple[Candidate, ...]]:
    """For each unexplained line (transaction, wallet) its candidates, the best first.

    The documents are those that the matching was made of; only those that explain nothing count.
    """
    by_txid = {entry.txid: entry for entry in entries}
    free: dict[str, list[Document]] = {}
    for document in documents:
        if document.id in matching.unmatched:
            free.setdefault(document.account, []).append(document)
    explained = {(e.txid, e.wallet) for e in matching.explanations if e.document is not None}
    found: dict[tuple[Txid, str], tuple[Candidate, ...]] = {}
    for line in matching.explanations:
        if line.reason is not Reason.UNEXPLAINED:
            continue
        key, entry = (line.txid, line.wallet), by_txid[line.txid]
        candidates = []
        for document in free.get(line.wallet, ()):
            apart = document.at - times[entry.block.hash]
            misfits = _misfits(
                document,
                line,
                entry,
                outputs.get(line.txid, ()),
                apart=apart,
                partly=key in explained,
                network=network,
                rules=rules,
            )
            difference = document.amount - abs(line.amount)
            rule = _rule(document)
            candidates.append(
                Candidate(
                    document.id, rule, tuple(misfits), difference, round(apart / timedelta(days=1))
                )
            )
        close = [each for each in candidates if len(each.misfits) <= MOST_MISFITS]
        close.sort(key=lambda c: (len(c.misfits), abs(c.difference), abs(c.days), c.document))
        found[key] = tuple(close[:MOST_CANDIDATES])
    return found


def _rule(document: Document) -> str:
    if document.txid is not None:
        return "M1"
    return "M3" if document.address is None else "M2"


def _misfits(
    document: Document,
    line: Explanation,
    entry: ChainEntry,
    outputs: Sequence[TxOut],
    *,
    apart: timedelta,
    partly: bool,
    network: Network,
    rules: MatchingRules,
) -> Iterator[Misfit]:
    rule = _rule(document)
    opened = abs(line.amount)
    if document.reason.direction * line.amount < 0:
        yield Misfit.DIRECTION
    if entry.coinbase and document.reason not in COINBASE_REASONS:
        yield Misfit.COINBASE
    if rule == "M1":
        if document.txid != line.txid:
            yield Misfit.TRANSACTION
        if document.amount > opened:
            yield Misfit.AMOUNT
        return
    if rule == "M3" and partly:
        yield Misfit.PARTLY
    if rule == "M3" and document.amount != opened:
        yield Misfit.AMOUNT
    if abs(apart) > timedelta(days=rules.window_days):
        yield Misfit.TIME
    if document.address is not None:
        try:
            script = script_of(document.address, network)
        except (BadAddress, SecretInsteadOfAddress):
            script = None
        paid = {int(output.amount) for output in outputs if output.script == script}
        if not paid:
            yield Misfit.ADDRESS
        elif int(document.amount) not in paid or document.amount > opened:
            yield Misfit.AMOUNT
