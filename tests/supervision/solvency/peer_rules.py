"""Three published rules for proofs of liabilities, written anew, as small as the attacks need.

Descriptions followed: OKX's first Merkle rule (children's totals as decimal text behind both
hashes, as in Maxwell's summary of 2013), BitMEX's rule (both children's hashes and values hashed;
leaves by HMAC), and The Network Firm's plain tree (leaf: text, its hash cut to 8 bytes).
Nobody's program is copied here; what a program does besides its rule is not judged.
"""

import hashlib
import hmac
import struct
from itertools import pairwise
from typing import NamedTuple


class OkxNode(NamedTuple):
    """A hash, and the sums of two assets."""

    hash: bytes
    btc: int
    eth: int


def okx_leaf(nonce: str, btc: int, eth: int) -> OkxNode:
    text = f'{nonce}{{"BTC":"{btc}","ETH":"{eth}"}}'
    return OkxNode(hashlib.sha256(text.encode()).digest(), btc, eth)


def okx_parent(left: OkxNode, right: OkxNode, height: int) -> OkxNode:
    """Only the totals of both children are hashed, as decimal text without delimiters."""
    btc, eth = left.btc + right.btc, left.eth + right.eth
    text = f"{left.hash.hex()}{right.hash.hex()}{btc}{eth}{height}"
    return OkxNode(hashlib.sha256(text.encode()).digest(), btc, eth)


def okx_accepts(leaf: OkxNode, beside: list[tuple[OkxNode, str]], root: OkxNode) -> bool:
    """beside: each neighbour on the way up, and the side on which it stands."""
    node = leaf
    for height, (other, side) in enumerate(beside):
        pair = (other, node) if side == "left" else (node, other)
        node = okx_parent(*pair, height)
    return node == root


class BitmexNode(NamedTuple):
    hash: bytes
    value: int


def bitmex_leaf(nonce: bytes, block: int, account: int, value: int, index: int) -> BitmexNode:
    key = hashlib.sha256(nonce + struct.pack("<QQ", block, account)).digest()
    return BitmexNode(hmac.digest(key, struct.pack("<QQ", value, index), "sha256"), value)


def bitmex_parent(left: BitmexNode, right: BitmexNode) -> BitmexNode:
    """struct.error for a value that is negative or needs more than 64 bits."""
    raw = left.hash + struct.pack("<Q", left.value) + right.hash + struct.pack("<Q", right.value)
    return BitmexNode(hashlib.sha256(raw).digest(), left.value + right.value)


def bitmex_accepts(
    levels: list[list[BitmexNode]], block: int, nonce: bytes, account: int, balance: int
) -> bool:
    """The whole tree is published: it is hashed again, and one's own leaves are looked for."""
    try:
        for below, above in pairwise(levels):
            made = [bitmex_parent(*below[i : i + 2]) for i in range(0, len(below), 2)]
            if made != above:
                return False
        own = sum(
            leaf.value
            for index, leaf in enumerate(levels[0])
            if bitmex_leaf(nonce, block, account, leaf.value, index).hash == leaf.hash
        )
    except struct.error:
        return False
    return own == balance


def bitmex_levels(leaves: list[BitmexNode]) -> list[list[BitmexNode]]:
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([bitmex_parent(*below[i : i + 2]) for i in range(0, len(below), 2)])
    return levels


def plain_leaf(text: str) -> bytes:
    """Eight bytes of the hash of `id,BTC:x,ETH:y`."""
    return hashlib.sha256(text.encode()).digest()[:8]


def plain_parent(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(left + right).digest()


def plain_accepts(text: str, beside: list[tuple[bytes, str]], root: bytes) -> bool:
    node = plain_leaf(text)
    for other, side in beside:
        node = plain_parent(other, node) if side == "left" else plain_parent(node, other)
    return node == root
