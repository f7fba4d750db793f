"""The hashed bytes of a tree of balances: each kind of object with a tag and a width of its own.

Everything is big-endian and of fixed width, so that no two different values have the same bytes.

    contribution  SHA-256( 05 ‖ words )                                         the customer's own
    secret        HMAC-SHA-256( tree key, customer id )                         32 bytes
    key           SHA-256( 04 ‖ secret 32 ‖ contribution 32 )                   65 bytes
    nonce         SHA-256( 02 ‖ key 32 ‖ epoch u64 ‖ split u32 )                45 bytes
    leaf          SHA-256( 00 ‖ nonce 32 ‖ amount u64 ‖ position u64 )          49 bytes
    node          SHA-256( 01 ‖ left 32 ‖ sum u64 ‖ right 32 ‖ sum u64 )        81 bytes
    pad           SHA-256( 03 ‖ epoch u64 ‖ level u8 ‖ position u64 ), sum 0    18 bytes

Specification: docs/spec/solvency.md.
"""

import hashlib
import hmac
import struct
from typing import NamedTuple

LEAF, NODE, NONCE, PAD, KEY, WORDS, ROUND = (bytes([tag]) for tag in range(7))

HASH_BYTES = 32
NODE_BYTES = 40
"""A node in a file or a proof: its hash, then its sum."""

_NONCE = struct.Struct(">QI")
_LEAF = struct.Struct(">QQ")
_PAD = struct.Struct(">QBQ")
_SUM = struct.Struct(">Q")


class Node(NamedTuple):
    """A place in the tree. sum: everything below it, in the asset's smallest unit."""

    hash: bytes
    sum: int

    def to_bytes(self) -> bytes:
        return self.hash + _SUM.pack(self.sum)


def node_from(raw: bytes) -> Node:
    """The node in 40 bytes."""
    if len(raw) != NODE_BYTES:
        raise ValueError(f"a node has {NODE_BYTES} bytes, not {len(raw)}")
    return Node(raw[:HASH_BYTES], int.from_bytes(raw[HASH_BYTES:], "big"))


class OutOfRange(ValueError):
    """A sum that would exceed what can exist of the asset: nobody can owe it."""


def contribution_of(words: str) -> bytes:
    """What a customer's own words (or, without any, the customer's id) put into the key."""
    return hashlib.sha256(WORDS + words.encode()).digest()


def customer_secret(tree_key: bytes, customer: str) -> bytes:
    """What the provider adds to a customer's key; told to that customer on the slip."""
    return hmac.digest(tree_key, customer.encode(), "sha256")


def customer_key(*, secret: bytes, contribution: bytes) -> bytes:
    """Two customers with different contributions never have the same key, whatever the secret."""
    return hashlib.sha256(KEY + secret + contribution).digest()


def nonce_of(*, key: bytes, epoch: int, split: int) -> bytes:
    """Hides a leaf: without it, nobody can try out balances."""
    return hashlib.sha256(NONCE + key + _NONCE.pack(epoch, split)).digest()


def leaf_of(*, nonce: bytes, amount: int, position: int) -> Node:
    """One share of one customer's balance at its place."""
    return Node(hashlib.sha256(LEAF + nonce + _LEAF.pack(amount, position)).digest(), amount)


def pad_of(*, epoch: int, level: int, position: int) -> Node:
    """What stands beside the last node of a level of odd length: nothing is owed below it."""
    return Node(hashlib.sha256(PAD + _PAD.pack(epoch, level, position)).digest(), 0)


def parent_of(left: Node, right: Node, *, most: int) -> Node:
    """The node above two others; both sums are checked before they are added.

    most: the largest sum that can exist of the asset.
    """
    # Compared before adding, so that a reader with 64-bit numbers cannot wrap around either.
    if not 0 <= left.sum <= most or not 0 <= right.sum <= most or left.sum > most - right.sum:
        raise OutOfRange(f"{left.sum} and {right.sum} together exceed {most}")
    hashed = hashlib.sha256(NODE + left.to_bytes() + right.to_bytes()).digest()
    return Node(hashed, left.sum + right.sum)
