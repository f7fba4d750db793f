"""What a statement needs from the chain, read once and tied to one closing block."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from khazana.bitcoin.block import Header
from khazana.bitcoin.chain import (
    Basis,
    BlockRef,
    ChainSourceError,
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

_NEAR = 10
"""Blocks: asking for this many headers too many costs less than asking once more."""


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
    _require_order(chain, history, after=None if since_birth else after, until=until)
    earlier = {c.block.height: c.block for c in history if c.block.height < first_header}
    return ChainFacts(
        network=chain.network,
        basis=chain.basis,
        tip=chain.tip(),
        after=after,
        until=until,
        scripts=wanted,
        headers=headers_between(chain, first_header, until),
        first_header=first_header,
        earlier_headers=_headers_of(chain, earlier),
        history=history,
    )


def _headers_of(chain: ChainView, blocks: Mapping[Height, BlockRef]) -> Mapping[Height, Header]:
    """The header of each block; blocks near one another are asked for together."""
    found: dict[Height, Header] = {}
    for run in _runs(sorted(blocks)):
        headers = headers_between(chain, run[0], blocks[run[-1]])
        for height in run:
            header, block = headers[height - run[0]], blocks[height]
            if header.hash != block.hash:
                raise ChainSourceError(
                    source=chain.basis.source,
                    asked=f"headers {run[0]} to {blocks[run[-1]]}",
                    problem=f"the one at {height} is {header.hash}, not {block.hash}",
                )
            found[height] = header
    return found


def _runs(heights: Iterable[Height]) -> Iterator[Sequence[Height]]:
    """Ascending heights, parted where a gap is longer than _NEAR."""
    run: list[Height] = []
    for height in heights:
        if run and height - run[-1] > _NEAR:
            yield run
            run = []
        run.append(height)
    if run:
        yield run


def headers_between(chain: ChainView, first: Height, last: BlockRef) -> Sequence[Header]:
    """The chain's headers from `first` up to `last`; refused when they are others than asked for.

    A source may be somebody's server: what it answers must at least be an answer.
    """
    headers = chain.headers(first, last)
    if len(headers) != last.height - first + 1:
        problem = f"{len(headers)} headers came, {last.height - first + 1} were asked for"
    elif headers[-1].hash != last.hash:
        problem = f"the last of them is {headers[-1].hash}"
    else:
        return headers
    raise ChainSourceError(
        source=chain.basis.source, asked=f"headers {first} to {last}", problem=problem
    )


def _require_order(
    chain: ChainView,
    history: Sequence[ConfirmedTransaction],
    *,
    after: BlockRef | None,
    until: BlockRef,
) -> None:
    last = (-1, -1) if after is None else (after.height + 1, -1)
    for confirmed in history:
        if confirmed.order <= last or confirmed.block.height > until.height:
            raise ChainSourceError(
                source=chain.basis.source,
                asked="the history of the scripts",
                problem=f"transaction {confirmed.txid} stands out of order in {confirmed.block}",
            )
        last = confirmed.order
