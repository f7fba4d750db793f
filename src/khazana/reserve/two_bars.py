"""The case that defines the product: one wallet's gross inflow beside the public sector's net.

The same transfer raises a wallet that everybody watches and changes nothing in what the state
holds. Both are right; only together do they say what happened.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from khazana.bitcoin.chain import BlockRef
from khazana.ledger.accounts import Perimeter
from khazana.ledger.entries import ISSUANCE, OUTSIDE, ChainEntry, Fact
from khazana.ledger.flows import flows
from khazana.ledger.perimeters import MembersByHeight, as_declared
from khazana.reserve.bodies import wallet_of
from khazana.reserve.parts import ExplanationLineBody
from khazana.reserve.reading import ReserveStatement
from khazana.reserve.sets import sets_of
from khazana.units import Sats, Txid


@dataclass(frozen=True)
class Arrival:
    """What one transaction brought into the watched set, and where it came from.

    source: an account's id, OUTSIDE or ISSUANCE. from_inside: the stock held it already, so the
    stock did not change. lines: the office's explanation, empty where it is withheld.
    """

    txid: Txid
    block: BlockRef
    source: str
    amount: Sats
    from_inside: bool
    lines: Sequence[ExplanationLineBody]


@dataclass(frozen=True)
class TwoBars:
    """gross: everything that came into the watched set, mined coins included; transfers between
    its own wallets are left out. net: by how much the stock rose, its fees included, and without
    what joined or left it as a whole (perimeter changes).
    """

    gross: Sats
    net: Sats
    arrivals: tuple[Arrival, ...]

    @property
    def from_inside(self) -> Sats:
        """Of the gross inflow, what the stock held already."""
        return Sats(sum(arrival.amount for arrival in self.arrivals if arrival.from_inside))

    @property
    def from_outside(self) -> Sats:
        return Sats(self.gross - self.from_inside)


def two_bars(
    statement: ReserveStatement, *, watched: str, stock: str, height: int | None = None
) -> TwoBars:
    """Both figures of a period, or of the block at `height` alone.

    watched, stock: names of parts with figures, such as "wallet/fund" and "perimeter/all".
    KeyError when the statement discloses no such part.
    """
    wallets = [wallet_of(body, ()) for body in statement.wallets.values()]
    sets = {part: as_declared(perimeter, wallets) for part, _, perimeter in sets_of(statement)}
    entries = [e for e in statement.entries if height is None or e.block.height == height]
    entries.sort(key=lambda entry: entry.order)
    arrivals = tuple(_arrivals(statement, entries, sets[watched], sets[stock]))
    return TwoBars(
        gross=Sats(sum(arrival.amount for arrival in arrivals)),
        net=Sats(_net(entries, sets[stock])),
        arrivals=arrivals,
    )


def _arrivals(
    statement: ReserveStatement,
    entries: Iterable[ChainEntry],
    watched: Perimeter,
    stock: Perimeter,
) -> Iterator[Arrival]:
    page, whole = MembersByHeight(watched), MembersByHeight(stock)
    for entry in entries:
        inside, held = page.at(entry.block.height), whole.at(entry.block.height)
        brought: dict[str, int] = {}
        for flow in flows(entry):
            if flow.target in inside and flow.source not in inside and flow.fact is not Fact.FEE:
                brought[flow.source] = brought.get(flow.source, 0) + flow.amount
        explained = statement.explanations.get(entry.txid)
        lines = [] if explained is None else [x for x in explained.lines if x.wallet in inside]
        for source, amount in brought.items():
            known = source in held and source not in (OUTSIDE, ISSUANCE)
            yield Arrival(entry.txid, entry.block, source, Sats(amount), known, lines)


def _net(entries: Iterable[ChainEntry], stock: Perimeter) -> int:
    members = MembersByHeight(stock)
    total = 0
    for entry in entries:
        inside = members.at(entry.block.height)
        for flow in flows(entry):
            if flow.target in inside and flow.source not in inside:
                total += flow.amount
            elif flow.source in inside and flow.target not in inside:
                total -= flow.amount
    return total
