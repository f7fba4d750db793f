"""Making time stamps without a calendar: a transaction that carries the digest, and its block."""

from collections.abc import Sequence
from dataclasses import dataclass

from khazana.bitcoin.chain import ConfirmedTransaction
from khazana.bitcoin.network import MAINNET, Network
from khazana.errors import KhazanaError
from khazana.statement.timestamps.format import (
    Attestation,
    BitcoinBlock,
    Entry,
    Kind,
    Op,
    Pending,
    Proof,
    TestBlock,
    Timestamp,
)

Steps = tuple[Op, ...]
_SHA256 = Op(Kind.SHA256)


@dataclass(eq=False, kw_only=True)
class DigestNotCarried(KhazanaError):
    """A transaction that does not hold the commitment, or holds it more than once."""

    txid: str
    digest: str
    times: int
    code = "digest_not_carried"
    words = (
        "Transaction {txid} holds {digest} {times} times, where once is needed: give the "
        "transaction that carries it."
    )


def stamp_of(digest: bytes, steps: Sequence[Op], end: Attestation) -> Timestamp:
    """The timestamp in which steps lead from a digest to one attestation."""
    messages = [digest]
    for step in steps:
        messages.append(step.of(messages[-1]))
    last: Entry = end
    stamp = Timestamp(messages[-1], (last,))
    for step, message in zip(reversed(steps), reversed(messages[:-1]), strict=True):
        stamp = Timestamp(message, ((step, stamp),))
    return stamp


def promised(digest: bytes, uri: str, *, steps: Sequence[Op] = ()) -> Proof:
    """A proof that waits for a calendar."""
    return Proof(stamp_of(digest, steps, Pending(uri)))


def in_block(
    digest: bytes,
    confirmed: ConfirmedTransaction,
    network: Network,
    *,
    steps: Sequence[Op] = (),
) -> Proof:
    """The proof that a confirmed transaction carries what the steps make of a digest.

    The transaction is hashed as its txid is: without witness. Where the commitment stands in it
    does not matter; an output that begins with OP_RETURN is usual.
    """
    commitment = digest
    for step in steps:
        commitment = step.of(commitment)
    raw = confirmed.transaction.serialize(witness=False)
    if raw.count(commitment) != 1:
        raise DigestNotCarried(
            txid=confirmed.txid, digest=commitment.hex(), times=raw.count(commitment)
        )
    at = raw.index(commitment)
    around = ((Kind.PREPEND, raw[:at]), (Kind.APPEND, raw[at + len(commitment) :]))
    path = [*steps, *(Op(kind, piece) for kind, piece in around if piece), _SHA256, _SHA256]
    place = confirmed.position
    for sibling in confirmed.branch_le:
        path.append(Op(Kind.PREPEND if place & 1 else Kind.APPEND, sibling))
        path += [_SHA256, _SHA256]
        place >>= 1
    return Proof(stamp_of(digest, path, block_attestation(network, confirmed.block.height)))


def block_attestation(network: Network, height: int) -> BitcoinBlock | TestBlock:
    """How a block of a network is attested: a test network's never looks like mainnet's."""
    if network.genesis == MAINNET.genesis:
        return BitcoinBlock(height)
    return TestBlock(network.genesis, height)


def batched(digests: Sequence[bytes]) -> tuple[bytes, tuple[Steps, ...]]:
    """One commitment for many digests, and the steps that lead each of them there.

    Neighbours are joined and hashed by SHA-256, an odd one rises unchanged.
    """
    if not digests:
        raise ValueError("nothing is to be stamped")
    level = list(digests)
    members: list[list[int]] = [[number] for number in range(len(level))]
    steps: list[list[Op]] = [[] for _ in level]
    while len(level) > 1:
        above, groups = [], []
        for left in range(0, len(level) - 1, 2):
            for number in members[left]:
                steps[number] += [Op(Kind.APPEND, level[left + 1]), _SHA256]
            for number in members[left + 1]:
                steps[number] += [Op(Kind.PREPEND, level[left]), _SHA256]
            above.append(_SHA256.of(level[left] + level[left + 1]))
            groups.append(members[left] + members[left + 1])
        if len(level) % 2:
            above.append(level[-1])
            groups.append(members[-1])
        level, members = above, groups
    return level[0], tuple(map(tuple, steps))
