"""What a time stamp proves against the headers of a chain, and when that was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from khazana.bitcoin.block import Header
from khazana.bitcoin.chain import BlockRef, HeightBeyondTip
from khazana.bitcoin.network import MAINNET, Network
from khazana.statement.timestamps.format import BitcoinBlock, Pending, Proof, TestBlock
from khazana.units import Height


class HeadersOf(Protocol):
    """The part of a `ChainView` that a time stamp needs."""

    @property
    def network(self) -> Network: ...

    def block_at(self, height: Height) -> BlockRef: ...

    def headers(self, first: Height, last: BlockRef) -> Sequence[Header]: ...


@dataclass(frozen=True, slots=True, order=True)
class Confirmed:
    """The digest existed when this block was found.

    time: of its header, seconds UTC, which miners may set up to two hours ahead of their clocks.
    """

    height: Height
    block: BlockRef
    time: int

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a proof's attestations.

    confirmed: by blocks of this chain, the earliest first. pending: calendars that promised.
    problems: attestations that do not hold, each with the reason; one is enough to refuse the file,
    for an honest maker never writes it. foreign: about other networks than the chain's.
    """

    confirmed: tuple[Confirmed, ...]
    pending: tuple[str, ...]
    problems: tuple[str, ...]
    foreign: tuple[str, ...]


def judge_proof(proof: Proof, chain: HeadersOf) -> Judged:
    """Each attestation against the chain: its message is the Merkle root of the block's header.

    An attestation of mainnet counts on mainnet alone, one of a test network on that network alone.
    """
    confirmed: list[Confirmed] = []
    pending: list[str] = []
    problems: list[str] = []
    foreign: list[str] = []
    for message, one in proof.stamp.attested():
        if isinstance(one, Pending):
            pending.append(one.uri)
        elif isinstance(one, BitcoinBlock | TestBlock):
            genesis = MAINNET.genesis if isinstance(one, BitcoinBlock) else one.genesis
            if genesis != chain.network.genesis:
                foreign.append(f"block {one.height} of the network that began with {genesis}")
                continue
            found = _confirmed(message, one.height, chain)
            if isinstance(found, str):
                problems.append(found)
            else:
                confirmed.append(found)
        else:
            foreign.append(f"an attestation of kind {one.tag.hex()}, which is not known here")
    return Judged(tuple(sorted(confirmed)), tuple(pending), tuple(problems), tuple(foreign))


def _confirmed(message: bytes, height: int, chain: HeadersOf) -> Confirmed | str:
    try:
        block = chain.block_at(Height(height))
    except HeightBeyondTip:
        return f"it names block {height}, which the chain does not have"
    (header,) = chain.headers(block.height, block)
    if header.merkle_root_le != message:
        return f"it does not lead to the Merkle root of block {block}"
    return Confirmed(block.height, block, header.time)
