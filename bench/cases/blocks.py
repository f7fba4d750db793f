"""Reading and writing a full mainnet block, beside python-bitcoinlib."""

from collections.abc import Callable, Iterator
from typing import Any

from bench.measure import CannotMeasure, Case, measurement, shared_bytes
from khazana.bitcoin.block import Block

BLOCK = "vectors/block413567.raw"
PEER = "python-bitcoinlib"


def _peer_block() -> Any:
    try:
        from bitcoin.core import CBlock
    except (ImportError, OSError) as problem:  # it loads OpenSSL's library by name
        raise CannotMeasure(f"{PEER} cannot be loaded: {problem}") from problem
    return CBlock


@measurement("parse_block")
def parse_and_serialize() -> Iterator[Case]:
    """From bytes to values and back, with a check that not a byte changed."""
    raw = shared_bytes(BLOCK)
    peer_block = _peer_block()

    def ours() -> bytes:
        return Block.parse(raw).serialize()

    def peers() -> bytes:
        written: bytes = peer_block.deserialize(raw).serialize()
        return written

    _must_equal(raw, ours, peers)
    yield Case(
        run=ours,
        amount=len(raw) / 1e6,
        unit="MB/s",
        peer=peers,
        peer_name=PEER,
        note="both hash every txid while reading; the peer also builds the Merkle tree",
    )


@measurement("check_block_contents")
def parse_and_prove() -> Iterator[Case]:
    """From bytes to the Merkle root: every txid hashed, and the tree above them."""
    raw = shared_bytes(BLOCK)
    peer_block = _peer_block()

    def ours() -> bool:
        return Block.parse(raw).merkle_root_holds()

    def peers() -> bool:
        block = peer_block.deserialize(raw)  # which builds the tree; its root is left to read
        return bool(block.vMerkleTree[-1] == block.hashMerkleRoot)

    _must_equal(True, ours, peers)
    yield Case(run=ours, amount=len(raw) / 1e6, unit="MB/s", peer=peers, peer_name=PEER)


def _must_equal(expected: object, *ways: Callable[[], object]) -> None:
    if any(way() != expected for way in ways):
        raise RuntimeError("a measured way gives another result than expected: nothing to compare")
