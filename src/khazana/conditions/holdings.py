"""What the books show about a perimeter, block by block: stock, flows in, and what is excluded."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from khazana.bitcoin.chain import BlockRef
from khazana.conditions.memorandum import LedgerRule
from khazana.ledger.accounts import Lane, Perimeter, Wallet
from khazana.ledger.documents import Reason
from khazana.ledger.entries import ChainEntry
from khazana.ledger.perimeters import as_declared, standing_at
from khazana.reserve.figures import Books
from khazana.reserve.parts import ExplanationLineBody
from khazana.units import Height


@dataclass(frozen=True)
class Series:
    """A running figure in satoshis: its value at the end of each block where it changed.

    blocks are in order of height and begin with the books' opening block.
    """

    blocks: tuple[BlockRef, ...]
    values: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.blocks) != len(self.values) or not self.blocks:
            raise ValueError("a series has a value for each of its blocks, and at least one")
        if any(b.height <= a.height for a, b in pairwise(self.blocks)):
            raise ValueError("a series has rising heights")

    @cached_property
    def _heights(self) -> tuple[int, ...]:
        return tuple(block.height for block in self.blocks)

    def at(self, height: Height) -> int | None:
        """The value at the end of the block at `height`; None before the series begins."""
        place = bisect_right(self._heights, height)
        return self.values[place - 1] if place else None


def _series(after: BlockRef, opening: int, steps: Iterable[tuple[BlockRef, int]]) -> Series:
    """Sum up changes, several in one block into one value."""
    blocks, values = [after], [opening]
    for block, change in sorted(steps, key=lambda step: step[0].height):
        if block.height == blocks[-1].height:
            values[-1] += change
        else:
            blocks.append(block)
            values.append(values[-1] + change)
    return Series(tuple(blocks), tuple(values))


def members_ever(perimeter: Perimeter, books: Books) -> frozenset[str]:
    """Rule K31: every account that is a member at any time in the books' period.

    Who leaves stays, and who enters late was there all along: redefining a perimeter moves no coin.
    """
    after, until = books.after.height, books.until.height
    return frozenset(
        m.account
        for m in perimeter.members
        if (m.since is None or m.since.height <= until)
        and (m.until is None or m.until.height > after)
    )


def change_of(entry: ChainEntry, members: Collection[str]) -> int:
    """By how much an entry changes the members' coins."""
    return sum(p.amount for p in entry.received if p.wallet in members) - sum(
        p.amount for p in entry.spent if p.wallet in members
    )


def coins_series(books: Books, members: Collection[str]) -> Series:
    """The members' coins and attested balances, whatever anybody declared when."""
    opening = sum(books.opening.get(account, 0) for account in members)
    steps = [(e.block, change_of(e, members)) for e in books.entries_touching(sorted(members))]
    last = dict(books.opening)
    for balance in books.attested:
        if balance.account in members:
            steps.append((balance.block, balance.amount - last.get(balance.account, 0)))
            last[balance.account] = balance.amount
    return _series(books.after, opening, steps)


def stock_series(books: Books, perimeter: Perimeter, excluded_lanes: Collection[Lane]) -> Series:
    """Rule K21: the perimeter's coins as declared, without those of excluded lanes.

    A wallet counts from where it was declared, so this is the figure a statement prints.
    """
    declared = as_declared(perimeter, books.wallets)
    accounts = {member.account for member in declared.members}
    wallets = {w.id: w for w in books.wallets if w.id in accounts}
    lanes = {a.id: a.lane for a in books.accounts}

    def counted(height: Height) -> frozenset[str]:
        return frozenset(
            account
            for account in standing_at(declared, height)
            if (wallets[account].lane_at(height) if account in wallets else lanes.get(account))
            not in excluded_lanes
        )

    events: dict[Height, tuple[BlockRef, list[tuple[str, int]]]] = {}

    def event(block: BlockRef) -> list[tuple[str, int]]:
        return events.setdefault(block.height, (block, []))[1]

    for entry in books.entries_touching(sorted(accounts)):
        changes = event(entry.block)
        changes += [(p.wallet, -p.amount) for p in entry.spent if p.wallet in accounts]
        changes += [(p.wallet, p.amount) for p in entry.received if p.wallet in accounts]
    last = dict(books.opening)
    for balance in books.attested:
        if balance.account in accounts:
            change = balance.amount - last.get(balance.account, 0)
            event(balance.block).append((balance.account, change))
            last[balance.account] = balance.amount
    breaks = sorted(
        {b.height: b for b in _breaks(books, declared, wallets.values())}.values(),
        key=lambda block: block.height,
    )
    for block in breaks:
        event(block)
    changing = {block.height for block in breaks}

    balances = {account: int(books.opening.get(account, 0)) for account in accounts}
    inside = counted(books.after.height)
    total = sum(balances[account] for account in inside)
    blocks, values = [books.after], [total]
    for height in sorted(events):
        block, changes = events[height]
        for account, amount in changes:
            balances[account] += amount
            if account in inside:
                total += amount
        if height in changing:
            inside = counted(height)
            total = sum(balances[account] for account in inside)
        blocks.append(block)
        values.append(total)
    return Series(tuple(blocks), tuple(values))


def _breaks(books: Books, declared: Perimeter, wallets: Iterable[Wallet]) -> Iterable[BlockRef]:
    """Blocks in the period at whose end an account enters, leaves or changes its lane."""
    blocks = [b for m in declared.members for b in (m.since, m.until) if b is not None]
    blocks += [span.since for w in wallets for span in w.lanes if span.since is not None]
    return [b for b in blocks if books.after.height < b.height <= books.until.height]


def inflow_lines(
    books: Books, members: Collection[str]
) -> Iterable[tuple[ChainEntry, ExplanationLineBody]]:
    """Every explained line that brings coins to a member from somebody who is none."""
    for entry in books.entries_touching(sorted(members)):
        for line in books.lines.get(entry.txid, ()):
            if line.wallet not in members or line.amount <= 0:
                continue
            if line.reason == Reason.TRANSFER.value and line.counterpart in members:
                continue
            yield entry, line


def acquisitions_series(
    books: Books, members: Collection[str], counts: Iterable[Reason]
) -> tuple[Series, Series]:
    """Rule K22: what came in for the counted reasons, and what came in and nobody explained.

    At custodians the reasons stand at the last attested block, as in a statement.
    """
    wanted = {reason.value for reason in counts}
    counted: list[tuple[BlockRef, int]] = []
    unexplained: list[tuple[BlockRef, int]] = []
    for entry, line in inflow_lines(books, members):
        _sort(line, entry.block, wanted, counted, unexplained)
    for balance in {b.account: b for b in books.attested if b.account in members}.values():
        for line in books.account_lines.get(balance.account, ()):
            _sort(line, balance.block, wanted, counted, unexplained)
    return _series(books.after, 0, counted), _series(books.after, 0, unexplained)


def _sort(
    line: ExplanationLineBody,
    block: BlockRef,
    wanted: set[str],
    counted: list[tuple[BlockRef, int]],
    unexplained: list[tuple[BlockRef, int]],
) -> None:
    if line.amount > 0 and line.reason in wanted:
        counted.append((block, line.amount))
    elif line.amount > 0 and line.reason == Reason.UNEXPLAINED.value:
        unexplained.append((block, line.amount))


def excluded_series(books: Books, members: Collection[str], rule: LedgerRule) -> Series:
    """Rule K31: flows in that do not count, less what left again from the lanes they go to.

    A seizure brings coins in without adding to what the state chose to hold; when they are given
    back, no room to buy others appears.
    """
    reasons = {reason.value for reason in rule.excluded_reasons}
    steps = [
        (entry.block, line.amount)
        for entry, line in inflow_lines(books, members)
        if line.reason in reasons
    ]
    wallets = {w.id: w for w in books.wallets if w.id in members}
    lanes = set(rule.excluded_lanes)
    for entry in books.entries_touching(sorted(wallets)):
        for line in books.lines.get(entry.txid, ()):
            if line.amount >= 0 or line.wallet not in wallets or line.counterpart in members:
                continue
            if wallets[line.wallet].lane_at(entry.block.height) in lanes:
                steps.append((entry.block, line.amount))
    return _series(books.after, 0, steps)


def untested_accounts(
    books: Books,
    members: Collection[str],
    attested: Collection[tuple[str, BlockRef]],
    blocks: Iterable[BlockRef],
) -> Mapping[str, BlockRef]:
    """Custodial accounts among the members that nobody attested at one of these blocks.

    attested: each account with a block for whose end its custodian said what it holds.
    """
    found: dict[str, BlockRef] = {}
    for block in blocks:
        for account in books.accounts:
            if account.id in members and (account.id, block) not in attested:
                found.setdefault(account.id, block)
    return found
