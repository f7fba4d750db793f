"""Blocks: the header, the transactions, and the Merkle tree that ties them together."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from khazana.bitcoin.hashes import displayed, from_displayed, sha256d
from khazana.bitcoin.reader import MalformedBytes, Reader, compact_size
from khazana.bitcoin.transaction import Transaction
from khazana.units import BlockHash

HEADER_SIZE = 80
_HEADER = struct.Struct("<i32s32sIII")
_SMALLEST_TRANSACTION = 10
_WITNESS_COMMITMENT = bytes.fromhex("6a24aa21a9ed")


@dataclass(frozen=True)
class Header:
    """A block header.

        version 4 | previous block 32 | Merkle root 32 | time 4 | bits 4 | nonce 4

    time: seconds since 1970-01-01 UTC as the miner claims them. bits: the compact target.
    """

    version: int
    previous: BlockHash
    merkle_root_le: bytes
    time: int
    bits: int
    nonce: int

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        if len(raw) != HEADER_SIZE:
            raise MalformedBytes(
                what="block header", offset=len(raw), problem=f"{HEADER_SIZE} bytes expected"
            )
        version, previous_le, merkle_root_le, time, bits, nonce = _HEADER.unpack(raw)
        header = cls(version, BlockHash(displayed(previous_le)), merkle_root_le, time, bits, nonce)
        header.__dict__["hash_le"] = sha256d(raw)
        return header

    def serialize(self) -> bytes:
        return _HEADER.pack(
            self.version,
            from_displayed(self.previous),
            self.merkle_root_le,
            self.time,
            self.bits,
            self.nonce,
        )

    @cached_property
    def hash_le(self) -> bytes:
        return sha256d(self.serialize())

    @property
    def hash(self) -> BlockHash:
        return BlockHash(displayed(self.hash_le))


@dataclass(frozen=True)
class Block:
    header: Header
    transactions: tuple[Transaction, ...]

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a block; the Merkle root is *not* checked here, see `merkle_root_holds`."""
        reader = Reader(raw, "block")
        header = Header.parse(reader.take(HEADER_SIZE))
        count = reader.count(_SMALLEST_TRANSACTION)
        transactions = tuple(Transaction.read(reader) for _ in range(count))
        reader.finish()
        return cls(header, transactions)

    def serialize(self) -> bytes:
        return b"".join(
            [
                self.header.serialize(),
                compact_size(len(self.transactions)),
                *(transaction.serialize() for transaction in self.transactions),
            ]
        )

    @property
    def hash(self) -> BlockHash:
        return self.header.hash

    def merkle_root_holds(self) -> bool:
        """Whether the transactions are the ones the header commits to.

        A duplicated tail gives the same root (CVE-2012-2459), so it is refused as well.
        """
        level = [transaction.txid_le for transaction in self.transactions]
        while len(level) > 1:
            if any(level[i] == level[i + 1] for i in range(0, len(level) - 1, 2)):
                return False
            level = _parents(level)
        return level == [self.header.merkle_root_le]

    def witness_commitment_holds(self) -> bool:
        """Whether the witnesses are the ones the coinbase commits to (BIP-141).

        A block without any witness needs no commitment.
        """
        if not self.transactions:
            return False
        coinbase = self.transactions[0]
        committed = _committed_witness_root(coinbase)
        if committed is None:
            return not any(transaction.has_witness for transaction in self.transactions)
        stack = coinbase.inputs[0].witness if coinbase.inputs else ()
        if len(stack) != 1 or len(stack[0]) != 32:
            return False
        return witness_commitment(self.transactions, reserved=stack[0]) == committed


def merkle_root(leaves_le: Sequence[bytes]) -> bytes:
    """Root of Bitcoin's Merkle tree: pairs hashed twice, an odd last leaf paired with itself."""
    if not leaves_le:
        raise ValueError("a block has at least one transaction")
    level = list(leaves_le)
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def merkle_branch(leaves_le: Sequence[bytes], position: int) -> tuple[bytes, ...]:
    """The sibling hashes from the leaf at `position` up to the root."""
    return merkle_branches(leaves_le, [position])[0]


def merkle_branches(
    leaves_le: Sequence[bytes], positions: Sequence[int]
) -> list[tuple[bytes, ...]]:
    """The branch of each leaf in `positions`, in their order; the tree is built once."""
    for position in positions:
        if not 0 <= position < len(leaves_le):
            raise ValueError(f"no leaf {position} among {len(leaves_le)}")
    levels, level = [], list(leaves_le)
    while len(level) > 1:
        levels.append(level)
        level = _parents(level)
    branches = []
    for position in positions:
        branch, place = [], position
        for level in levels:
            sibling = place ^ 1
            # An odd last leaf is paired with itself.
            branch.append(level[sibling] if sibling < len(level) else level[place])
            place >>= 1
        branches.append(tuple(branch))
    return branches


def root_of_branch(leaf_le: bytes, position: int, branch_le: Sequence[bytes]) -> bytes:
    """The root that a leaf, its position and its siblings lead to.

    A position that the branch is too short for proves nothing and is refused.
    """
    if position >> len(branch_le):
        raise ValueError(f"position {position} does not fit a branch of {len(branch_le)} hashes")
    node = leaf_le
    for sibling in branch_le:
        node = sha256d(sibling + node) if position & 1 else sha256d(node + sibling)
        position >>= 1
    return node


def merkle_proof_holds(
    transaction: Transaction, *, position: int, branch_le: Sequence[bytes], root_le: bytes
) -> bool:
    """Whether a branch proves that a transaction stands at `position` in the block with this root.

    Refused although the hashes agree: a transaction of 64 bytes, which may be two hashes of the
    tree (CVE-2017-12842), and a place in the copied half that pads an odd level (CVE-2012-2459).
    """
    if len(transaction.serialize(witness=False)) == 64 or position >> len(branch_le):
        return False
    node, place = transaction.txid_le, position
    for sibling in branch_le:
        if place & 1 and sibling == node:
            return False
        node = sha256d(sibling + node) if place & 1 else sha256d(node + sibling)
        place >>= 1
    return node == root_le


def witness_commitment(transactions: Sequence[Transaction], *, reserved: bytes) -> bytes:
    """What a coinbase commits to: SHA-256d(root of the wtxids, coinbase as zero || reserved)."""
    leaves = [bytes(32), *(transaction.wtxid_le for transaction in transactions[1:])]
    return sha256d(merkle_root(leaves) + reserved)


def _committed_witness_root(coinbase: Transaction) -> bytes | None:
    # BIP-141: where several outputs match, the last one counts.
    for output in reversed(coinbase.outputs):
        if len(output.script) >= 38 and output.script.startswith(_WITNESS_COMMITMENT):
            return output.script[6:38]
    return None


def _parents(level: list[bytes]) -> list[bytes]:
    if len(level) % 2:
        level = [*level, level[-1]]
    return [sha256d(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
