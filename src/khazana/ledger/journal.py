"""The journal: each flow and book entry as a line that debits one account and credits another."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import pairwise

from khazana.bitcoin.chain import BlockRef
from khazana.ledger.accounts import CustodialAccount, Lane, Wallet
from khazana.ledger.documents import Reason
from khazana.ledger.entries import AttestedBalance, BookEntry, BookKind, ChainEntry, Fact
from khazana.ledger.explanations import Explanation
from khazana.ledger.flows import flows
from khazana.ledger.journal_accounts import ATTESTED, LOSSES, OPENING, RESTATEMENTS, Chart
from khazana.ledger.postings import balances_after
from khazana.units import BlockHash, Height, Sats, Txid

_CORRECTING = {BookKind.LOSS: LOSSES, BookKind.RESTATEMENT: RESTATEMENTS}


@dataclass(frozen=True, slots=True)
class JournalLine:
    """`amount` satoshis, more than zero, that the debited account gains and the credited gives.

    kind: the chain's fact, or opening, reclassification, loss, restatement, attested.
    """

    day: date
    block: BlockRef
    txid: Txid | None
    debit: str
    credit: str
    amount: Sats
    kind: str
    reason: Reason | None = None
    document: str | None = None


@dataclass(frozen=True)
class Journal:
    """A period's lines in order of block.

    closing: what each wallet's account, all lanes together, holds at the end of the period,
    counted from coins spent and received and not from the lines, which must lead to the same.
    """

    first_day: date
    last_day: date
    lines: tuple[JournalLine, ...]
    closing: Mapping[str, Sats]


def journal_of(
    *,
    wallets: Sequence[Wallet],
    opening: Mapping[str, Sats],
    entries: Sequence[ChainEntry],
    days: Mapping[BlockHash, date],
    after: BlockRef,
    until: BlockRef,
    accounts: Sequence[CustodialAccount] = (),
    explanations: Iterable[Explanation] = (),
    book: Sequence[BookEntry] = (),
    attested: Sequence[AttestedBalance] = (),
) -> Journal:
    """Rule L12: the journal of the period (after, until], free of any perimeter.

    opening: balances at the end of `after`. entries: those of the period, in chain order.
    days: the office's day of every block that stands in the journal.
    book: losses and restatements, those before the period included, for they open it; changes of
    lane come from the wallets. attested: those outside the period are not read.
    """
    for entry in entries:
        if not after.height < entry.block.height <= until.height:
            raise ValueError(f"{entry.txid} at {entry.block.height} is not in the period")
    chart = Chart.of(wallets, accounts)
    desk = _Desk(chart, wallets, days, explanations)
    before = [item for item in book if item.block.height <= after.height]
    desk.open(opening, before, after)
    # In each block transactions come first, then what changes at its end: sorting keeps that order.
    events: list[tuple[Height, Callable[[], None]]] = []
    for entry in entries:
        events.append((entry.block.height, partial(desk.enter, entry)))
    for wallet in wallets:
        for old, new in pairwise(wallet.lanes):
            if new.since is not None and new.lane is not old.lane:
                change = partial(desk.reclassify, wallet.id, old.lane, new.lane, new.since)
                events.append((new.since.height, partial(change, new.document)))
    for item in book:
        events.append((item.block.height, partial(desk.correct, item)))
    for balance in attested:
        events.append((balance.block.height, partial(desk.attest, balance)))
    for height, act in sorted(events, key=lambda event: event[0]):
        if after.height < height <= until.height:
            act()
    closing = balances_after(opening, entries)
    return Journal(
        first_day=desk.day(after),
        last_day=desk.day(until),
        lines=tuple(desk.lines),
        closing={chart.wallet(w.id): closing.get(w.id, Sats(0)) for w in wallets},
    )


class _Desk:
    """Writes line after line and knows what stands in every account."""

    def __init__(
        self,
        chart: Chart,
        wallets: Iterable[Wallet],
        days: Mapping[BlockHash, date],
        explanations: Iterable[Explanation],
    ) -> None:
        self.chart = chart
        self.wallets = {wallet.id: wallet for wallet in wallets}
        self.days = days
        self.lines: list[JournalLine] = []
        self.balances: Counter[str] = Counter()
        self.explanations: defaultdict[tuple[Txid, str], list[Explanation]] = defaultdict(list)
        for explanation in explanations:
            # A transfer and a fee are on the chain already: they need no explaining line.
            if explanation.reason not in (Reason.TRANSFER, Reason.FEE):
                self.explanations[explanation.txid, explanation.wallet].append(explanation)

    def day(self, block: BlockRef) -> date:
        if block.hash not in self.days:
            raise ValueError(f"no day is given for block {block}")
        return self.days[block.hash]

    def write(
        self,
        account: str,
        other: str,
        amount: int,
        *,
        kind: str,
        block: BlockRef,
        txid: Txid | None = None,
        reason: Reason | None = None,
        document: str | None = None,
    ) -> None:
        """`amount` moves from `other` to `account`, the other way round when it is negative."""
        if not amount:
            return
        debit, credit = (account, other) if amount > 0 else (other, account)
        size = Sats(abs(amount))
        day = self.day(block)
        self.lines.append(
            JournalLine(day, block, txid, debit, credit, size, kind, reason, document)
        )
        self.balances[debit] += size
        self.balances[credit] -= size

    def lane_account(self, wallet: str, block: BlockRef) -> str:
        """Where a transaction in `block` posts: a lane changes at its block's end, not before."""
        lane = self.wallets[wallet].lane_at(Height(block.height - 1))
        return self.chart.lane(wallet, lane)

    def open(self, opening: Mapping[str, Sats], book: Iterable[BookEntry], after: BlockRef) -> None:
        for account, amount in sorted(opening.items()):
            if account in self.wallets:
                name = self.chart.lane(account, self.wallets[account].lane_at(after.height))
            else:
                name = self.chart.custodial(account)
            self.write(name, OPENING, amount, kind="opening", block=after)
        corrections: Counter[str] = Counter()
        for item in book:
            if item.kind in _CORRECTING:
                corrections[item.account] += item.amount
        for account, correction in sorted(corrections.items()):
            name = self.chart.correction(account)
            self.write(name, OPENING, correction, kind="opening", block=after)

    def enter(self, entry: ChainEntry) -> None:
        """Internal flows and fees as the chain shows them; the others by their explanations."""
        outside: Counter[str] = Counter()
        facts: dict[str, Fact] = {}
        for flow in flows(entry):
            where = partial(self.lane_account, block=entry.block)
            chain = partial(self.write, kind=flow.fact.value, block=entry.block, txid=entry.txid)
            if flow.fact is Fact.INTERNAL:
                chain(where(flow.target), where(flow.source), flow.amount, reason=Reason.TRANSFER)
            elif flow.fact is Fact.FEE:
                fees = self.chart.outside(Reason.FEE)
                chain(fees, where(flow.source), flow.amount, reason=Reason.FEE)
            else:
                wallet = flow.source if flow.fact is Fact.OUT else flow.target
                outside[wallet] += -flow.amount if flow.fact is Fact.OUT else flow.amount
                facts[wallet] = flow.fact
        for wallet, amount in outside.items():
            self.explain(entry, wallet, amount, facts[wallet])

    def explain(self, entry: ChainEntry, wallet: str, amount: int, fact: Fact) -> None:
        """What came from or went to outsiders, reason by reason; the rest is unexplained."""
        account = self.lane_account(wallet, entry.block)
        chain = partial(self.write, account, kind=fact.value, block=entry.block, txid=entry.txid)
        left = amount
        for line in self.explanations.get((entry.txid, wallet), ()):
            left -= line.amount
            other = self.other_side(line, fact)
            chain(other, line.amount, reason=line.reason, document=line.document)
        if left and (left > 0) != (amount > 0):
            raise ValueError(
                f"{entry.txid}: explanations of {wallet} exceed its {amount} sat by {abs(left)}"
            )
        unexplained = self.chart.issuance if fact is Fact.COINBASE else self.chart.outside
        chain(unexplained(Reason.UNEXPLAINED), left, reason=Reason.UNEXPLAINED)

    def other_side(self, line: Explanation, fact: Fact) -> str:
        if line.counterpart is not None and line.counterpart in self.chart.custodial_names:
            return self.chart.custodial(line.counterpart)
        if fact is Fact.COINBASE:
            return self.chart.issuance(line.reason)
        return self.chart.outside(line.reason)

    def reclassify(
        self, wallet: str, old: Lane, new: Lane, block: BlockRef, document: str | None
    ) -> None:
        account = self.chart.lane(wallet, old)
        self.write(
            self.chart.lane(wallet, new),
            account,
            self.balances[account],
            kind=BookKind.RECLASSIFICATION.value,
            block=block,
            document=document,
        )

    def correct(self, item: BookEntry) -> None:
        """Rule L11: a correction stands beside the holdings, which stay what the chain shows."""
        if item.kind in _CORRECTING:
            self.write(
                self.chart.correction(item.account),
                _CORRECTING[item.kind],
                item.amount,
                kind=item.kind.value,
                block=item.block,
                document=item.document,
            )

    def attest(self, balance: AttestedBalance) -> None:
        account = self.chart.custodial(balance.account)
        self.write(
            account,
            ATTESTED,
            balance.amount - self.balances[account],
            kind="attested",
            block=balance.block,
            document=balance.document,
        )


CSV_COLUMNS = (
    "day",
    "block_height",
    "block_hash",
    "txid",
    "debit",
    "credit",
    "amount_sat",
    "kind",
    "reason",
    "document",
    "notice",
)


def journal_csv(journal: Journal, *, notice: str | None = None) -> str:
    """The journal as CSV (RFC 4180): one line a row, amounts in satoshis.

    notice: repeated on every row, such as "test network, invented figures".
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    writer.writerows(_rows(journal.lines, notice or ""))
    return text.getvalue()


def _rows(lines: Iterable[JournalLine], notice: str) -> Iterator[tuple[str | int, ...]]:
    for line in lines:
        yield (
            line.day.isoformat(),
            line.block.height,
            line.block.hash,
            line.txid or "",
            line.debit,
            line.credit,
            line.amount,
            line.kind,
            line.reason.value if line.reason else "",
            _cell(line.document or ""),
            _cell(notice),
        )


def _cell(text: str) -> str:
    # A spreadsheet runs a cell that begins like a formula; a leading quote makes it text.
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
