"""What a statement needs from the chain, read once and tied to one closing block."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from khazana.bitcoin.block import Header
from khazana.bitcoin.chain import (
    Basis,
    BlockRef,
    ChainView,
    Coin,
    ConfirmedTransaction,
    coins_after,
)
from khazana.bitcoin.checkpoints import shipped_checkpoints
from khazana.bitcoin.headers import first_needed, first_to_anchor
from khazana.bitcoin.network import Network
from khazana.bitcoin.transaction import OutPoint
from khazana.units import Height


@dataclass(frozen=True)
class ChainFacts:
    """A chain's answers about a set of scripts and a period (after, until].

    headers: consecutive, from height `first_header` up to `until`.
    earlier_headers: of the blocks below `first_header` that hold a transaction of the history, by
    height; nothing links them to one another, but each carries its own proof of work.
    history: every transaction of the scripts since their birth, up to `until`, in chain order;
    when the opening is taken from elsewhere, only those after `after`.
    """

    network: Network
    basis: Basis
    tip: BlockRef
    after: BlockRef
    until: BlockRef
    scripts: frozenset[bytes]
    headers: Sequence[Header]
    first_header: Height
    earlier_headers: Mapping[Height, Header]
    history: Sequence[ConfirmedTransaction]

    def header_at(self, height: Height) -> Header:
        """The header at a height that was gathered."""
        if height >= self.first_header:
            return self.headers[height - self.first_header]
        return self.earlier_headers[height]

    @property
    def before(self) -> Sequence[ConfirmedTransaction]:
        """The part of the history that makes the opening coins."""
        return [c for c in self.history if c.block.height <= self.after.height]

    @property
    def during(self) -> Sequence[ConfirmedTransaction]:
        """The part of the history that makes the period's entries."""
        return [c for c in self.history if c.block.height > self.after.height]

    def opening_coins(self) -> Mapping[OutPoint, Coin]:
        """The scripts' coins at the end of `after`, re-derived from their whole history."""
        return coins_after(self.before, self.scripts)


def gather_period(
    chain: ChainView,
    scripts: Collection[bytes],
    *,
    after: BlockRef,
    until: BlockRef,
    since_birth: bool = True,
) -> ChainFacts:
    """Ask the chain everything about the period (after, until] once.

    Headers reach back far enough for the median times, the retarget rule and, where checkpoints are
    shipped, to stand on one. since_birth=False leaves the history up to `after` out.
    """
    network = chain.network
    first = first_needed(after.height, network)
    if network.retargets:
        anchored = first_to_anchor(Height(after.height + 1), shipped_checkpoints(network))
        first = min(first, anchored)
    return gather(
        chain, scripts, after=after, until=until, first_header=first, since_birth=since_birth
    )


def gather(
    chain: ChainView,
    scripts: Collection[bytes],
    *,
    after: BlockRef,
    until: BlockRef,
    first_header: Height,
    since_birth: bool = True,
) -> ChainFacts:
    """The same from a stated lowest header on."""
    wanted = frozenset(scripts)
    history = chain.history(wanted, None if since_birth else after, until)
    earlier = {c.block.height: c.block for c in history if c.block.height < first_header}
    return ChainFacts(
        network=chain.network,
        basis=chain.basis,
        tip=chain.tip(),
        after=after,
        until=until,
        scripts=wanted,
        headers=chain.headers(first_header, until),
        first_header=first_header,
        earlier_headers={
            height: chain.headers(height, block)[0] for height, block in sorted(earlier.items())
        },
        history=history,
    )
