"""Rotation of a quorum as one story: what moved from the old wallet to the new, what is left.

Everything follows from the ledger's entries: no amount is typed in.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.transaction import OutPoint
from khazana.ledger.entries import OUTSIDE, ChainEntry, Fact
from khazana.ledger.findings import Finding
from khazana.ledger.flows import flows
from khazana.units import Sats, Txid


@dataclass(frozen=True, kw_only=True)
class RotationLink:
    """The office says: from the end of block `since` on, wallet `new` stands in for wallet `old`.

    The addresses of `old` stay declared and watched; people keep old addresses for years.
    """

    old: str
    new: str
    since: BlockRef
    reason: str

    def __post_init__(self) -> None:
        if self.old == self.new:
            raise ValueError(f"{self.old} cannot stand in for itself")


@dataclass(frozen=True, slots=True)
class Move:
    """A transaction that took coins from the old wallet to the new. amount: without the fee."""

    txid: Txid
    block: BlockRef
    amount: Sats
    fee: Sats


@dataclass(frozen=True, slots=True)
class LateDeposit:
    """A coin that the old wallet received after the rotation. change: its own transaction did it.

    spent: whether the old wallet has moved it on since.
    """

    outpoint: OutPoint
    block: BlockRef
    amount: Sats
    change: bool
    spent: bool


@dataclass(frozen=True, slots=True)
class Departure:
    """Coins that left the old wallet after the rotation, and not to the new one."""

    txid: Txid
    block: BlockRef
    target: str
    amount: Sats


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """One rotation up to the end of block `until`.

    held: what the old wallet held at the end of `since`. left: what it holds at the end of `until`.
    """

    link: RotationLink
    until: BlockRef
    held: Sats
    moves: tuple[Move, ...]
    late: tuple[LateDeposit, ...]
    departures: tuple[Departure, ...]
    left: Sats

    @property
    def moved(self) -> Sats:
        return Sats(sum(move.amount for move in self.moves))

    @property
    def fees(self) -> Sats:
        return Sats(sum(move.fee for move in self.moves))

    @property
    def complete(self) -> bool:
        """Whether nothing is left behind."""
        return self.left == 0


def rotation(link: RotationLink, entries: Iterable[ChainEntry], *, until: BlockRef) -> Rotation:
    """The story of one link (rule K10). entries: all of both wallets from their first coin on.

    Moves before `since` count too: they are how a new quorum is usually filled.
    """
    moves: list[Move] = []
    deposits: list[tuple[OutPoint, BlockRef, Sats, bool]] = []
    departures: list[Departure] = []
    held, balance = 0, 0
    spent: set[OutPoint] = set()
    for entry in sorted(entries, key=lambda entry: entry.order):
        if entry.block.height > until.height:
            break
        after = entry.block.height > link.since.height
        received = [p for p in entry.received if p.wallet == link.old]
        given = [p for p in entry.spent if p.wallet == link.old]
        spent.update(posting.outpoint for posting in given)
        balance += sum(p.amount for p in received) - sum(p.amount for p in given)
        held = held if after else balance
        if after:
            deposits += [(p.outpoint, entry.block, p.amount, bool(given)) for p in received]
        moves += _moves(link, entry)
        departures += _departures(link, entry) if after else ()
    late = tuple(LateDeposit(*deposit, deposit[0] in spent) for deposit in deposits)
    return Rotation(
        link=link,
        until=until,
        held=Sats(held),
        moves=tuple(moves),
        late=late,
        departures=tuple(departures),
        left=Sats(balance),
    )


def rotation_findings(story: Rotation) -> Iterator[Finding]:
    """Rules K11 and K12: what the old wallet still received, still holds, or sent elsewhere."""
    old, new = story.link.old, story.link.new
    for deposit in story.late:
        moved = "moved on since" if deposit.spent else "still there"
        what = "change went back to" if deposit.change else "a late deposit reached"
        text = f"{what} the old wallet: {deposit.amount} sat in block {deposit.block}, {moved}"
        yield Finding("K11", text, f"wallet {old}, coin {deposit.outpoint}")
    if not story.complete:
        text = f"{story.left} sat are still in the old wallet at the end of block {story.until}"
        yield Finding("K11", text, f"wallet {old}")
    for departure in story.departures:
        target = "outside" if departure.target == OUTSIDE else departure.target
        text = f"{departure.amount} sat left the old wallet for {target}, not for {new}"
        yield Finding("K12", text, f"wallet {old}, transaction {departure.txid}")


def lines_of_rotation(links: Sequence[RotationLink]) -> tuple[tuple[RotationLink, ...], ...]:
    """Links in the order of succession: each line is one continuous story of a quorum.

    ValueError for a wallet with two successors or two predecessors, or one that succeeds itself.
    """
    by_old = {link.old: link for link in links}
    news = {link.new for link in links}
    if len(by_old) != len(links) or len(news) != len(links):
        raise ValueError("a wallet has at most one successor and one predecessor")
    lines = []
    for first in links:
        if first.old in news:
            continue
        line = [first]
        while line[-1].new in by_old:
            line.append(by_old[line[-1].new])
        lines.append(tuple(line))
    if sum(map(len, lines)) != len(links):
        raise ValueError("a wallet cannot succeed itself")
    return tuple(lines)


def _moves(link: RotationLink, entry: ChainEntry) -> Iterator[Move]:
    found = flows(entry)
    amount = sum(f.amount for f in found if (f.source, f.target) == (link.old, link.new))
    if amount:
        fee = sum(f.amount for f in found if f.source == link.old and f.fact is Fact.FEE)
        yield Move(entry.txid, entry.block, Sats(amount), Sats(fee))


def _departures(link: RotationLink, entry: ChainEntry) -> Iterator[Departure]:
    for flow in flows(entry):
        if flow.source == link.old and flow.target != link.new and flow.fact is not Fact.FEE:
            yield Departure(entry.txid, entry.block, flow.target, flow.amount)
