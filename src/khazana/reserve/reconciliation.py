"""Every posting of an office with its explanation, and what a change of its files would change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from khazana.bitcoin.address import address_of
from khazana.bitcoin.chain import BlockRef, ChainView, ConfirmedTransaction
from khazana.bitcoin.transaction import TxOut
from khazana.ledger.documents import Reason
from khazana.ledger.entries import ChainEntry
from khazana.ledger.explanations import Matching
from khazana.ledger.findings import Finding
from khazana.ledger.matching import MatchingRules, match
from khazana.ledger.office import Office
from khazana.ledger.postings import entries_of
from khazana.ledger.suggestions import Candidate, suggestions
from khazana.reserve.gather import ChainFacts, gather
from khazana.units import BlockHash, Height, Sats, Txid

MOST_ADDRESSES = 8


@dataclass(frozen=True, kw_only=True)
class ReadPosting:
    """One line of a transaction and wallet: what moved, when, with whom, and what explains it.

    amount: signed as the wallet sees it. addresses: whom a payment paid, or which own addresses a
    receipt came to; at most eight. An outsider's inputs say nothing and are not asked for.
    """

    txid: Txid
    block: BlockRef
    time: datetime
    coinbase: bool
    wallet: str
    amount: Sats
    reason: Reason
    rule: str
    document: str | None
    counterpart: str | None
    addresses: tuple[str, ...]
    candidates: tuple[Candidate, ...]

    @property
    def unexplained(self) -> bool:
        return self.reason is Reason.UNEXPLAINED


@dataclass(frozen=True)
class BooksRead:
    """All postings of the office up to one block, in chain order, and the documents' findings."""

    until: BlockRef
    postings: tuple[ReadPosting, ...]
    findings: tuple[Finding, ...]

    @property
    def unexplained(self) -> dict[tuple[Txid, str], Sats]:
        """What is open, by transaction and wallet."""
        return {(p.txid, p.wallet): p.amount for p in self.postings if p.unexplained}


@dataclass(frozen=True)
class Effect:
    """What a change of the office's files does to the explanations.

    explained: lines that were open before, with the document and rule that explain them; the
    amount is what is explained now. opened: lines that a document explained, and that are open
    after. before, after: open amounts, added without their signs. new_findings: rows that fit
    nothing, and documents of before that fit no more.
    """

    until: BlockRef
    explained: tuple[ReadPosting, ...]
    replaced: tuple[ReadPosting, ...]
    opened: tuple[ReadPosting, ...]
    before: Sats
    after: Sats
    new_findings: tuple[Finding, ...]


def gather_all(chain: ChainView, office: Office) -> ChainFacts:
    """The whole history of the office's scripts up to the tip, with the headers that it needs."""
    tip = chain.tip()
    scripts = {script for wallet in office.wallets for script in wallet.scripts}
    after = chain.block_at(Height(0))
    return gather(chain, scripts, after=after, until=tip, first_header=tip.height)


def read_books(office: Office, facts: ChainFacts) -> BooksRead:
    """Match all documents with all of the history. facts: from `gather_all`."""
    history = facts.history
    entries = entries_of(history, office.wallets, {})
    outputs = {c.txid: c.transaction.outputs for c in history}
    times = _times(facts, history)
    rules = MatchingRules(
        window_days=office.rules.match_window_days, dust_threshold=office.rules.dust_threshold
    )
    matching = match(
        entries,
        office.documents,
        wallets=[wallet.id for wallet in office.wallets],
        accounts=[account.id for account in office.accounts],
        outputs=outputs,
        times=times,
        network=facts.network,
        rules=rules,
    )
    candidates = suggestions(
        matching,
        office.documents,
        entries=entries,
        outputs=outputs,
        times=times,
        network=facts.network,
        rules=rules,
    )
    postings = _postings(office, facts, matching, entries, outputs, times, candidates)
    return BooksRead(facts.until, postings, matching.findings)


def effect_of(before: BooksRead, after: BooksRead) -> Effect:
    """Compare the books with and without a change; both of the same block."""
    if before.until != after.until:
        raise ValueError("the books are of different blocks")
    was, now = before.unexplained, after.unexplained
    known = {(p.txid, p.wallet, p.document, p.reason, p.amount) for p in before.postings}
    fresh = [
        p
        for p in after.postings
        if not p.unexplained and (p.txid, p.wallet, p.document, p.reason, p.amount) not in known
    ]
    old = set(before.findings)
    return Effect(
        until=after.until,
        explained=tuple(p for p in fresh if (p.txid, p.wallet) in was),
        replaced=tuple(p for p in fresh if (p.txid, p.wallet) not in was),
        opened=tuple(
            p
            for p in after.postings
            if p.unexplained and abs(p.amount) > abs(was.get((p.txid, p.wallet), 0))
        ),
        before=Sats(sum(abs(amount) for amount in was.values())),
        after=Sats(sum(abs(amount) for amount in now.values())),
        new_findings=tuple(finding for finding in after.findings if finding not in old),
    )


def _times(facts: ChainFacts, history: Sequence[ConfirmedTransaction]) -> dict[BlockHash, datetime]:
    return {
        c.block.hash: datetime.fromtimestamp(facts.header_at(c.block.height).time, tz=UTC)
        for c in history
    }


def _postings(
    office: Office,
    facts: ChainFacts,
    matching: Matching,
    entries: Sequence[ChainEntry],
    outputs: Mapping[Txid, Sequence[TxOut]],
    times: Mapping[BlockHash, datetime],
    candidates: Mapping[tuple[Txid, str], tuple[Candidate, ...]],
) -> tuple[ReadPosting, ...]:
    by_txid = {entry.txid: entry for entry in entries}
    found = []
    for line in matching.explanations:
        entry = by_txid[line.txid]
        open_ = line.reason is Reason.UNEXPLAINED
        found.append(
            ReadPosting(
                txid=line.txid,
                block=entry.block,
                time=times[entry.block.hash],
                coinbase=entry.coinbase,
                wallet=line.wallet,
                amount=line.amount,
                reason=line.reason,
                rule=line.rule,
                document=line.document,
                counterpart=line.counterpart,
                addresses=_addresses(facts, entry, outputs[line.txid], line.wallet, line.amount),
                candidates=candidates.get((line.txid, line.wallet), ()) if open_ else (),
            )
        )
    return tuple(found)


def _addresses(
    facts: ChainFacts, entry: ChainEntry, outputs: Sequence[TxOut], wallet: str, amount: int
) -> tuple[str, ...]:
    """A receipt's own addresses, else those of outsiders that were paid."""
    owner = {posting.outpoint.vout: posting.wallet for posting in entry.received}
    wanted = wallet if amount > 0 else None
    shown = [
        address_of(output.script, facts.network)
        for vout, output in enumerate(outputs)
        if owner.get(vout) == wanted
    ]
    return tuple(dict.fromkeys(address for address in shown if address))[:MOST_ADDRESSES]
