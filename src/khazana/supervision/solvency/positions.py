"""Where leaves stand: a secret permutation for each tree and epoch, without a table of places.

A Feistel network of ten rounds over the bits of the number of leaves; results beyond the last leaf
are sent through again until they fall inside (cycle walking), which keeps it a permutation.
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass

from khazana.supervision.solvency.encoding import ROUND

ROUNDS = 10
_INPUT = struct.Struct(">BI")


@dataclass(frozen=True, slots=True)
class Positions:
    """A permutation of 0 to leaves - 1.

    tables: for every round the outputs of its function, one for each value of the half it reads.
    Even rounds read the right half and change the left.
    """

    leaves: int
    left_bits: int
    right_bits: int
    tables: tuple[tuple[int, ...], ...]

    def of(self, number: int) -> int:
        """The position of leaf `number`."""
        if not 0 <= number < self.leaves:
            raise ValueError(f"leaf {number} is not among {self.leaves}")
        mask = (1 << self.right_bits) - 1
        at = number
        while True:
            left, right = at >> self.right_bits, at & mask
            for turn, table in enumerate(self.tables):
                if turn % 2:
                    right ^= table[left]
                else:
                    left ^= table[right]
            at = left << self.right_bits | right
            if at < self.leaves:
                return at


def positions(tree_key: bytes, leaves: int) -> Positions:
    """The permutation of a tree.

    Round r sends x to the last bits of SHA-256( 06 ‖ key ‖ r u8 ‖ x u32 )'s first four bytes, with
    key = HMAC-SHA-256(tree key, 00 ‖ "positions").
    """
    if leaves < 1:
        raise ValueError("a tree has at least one leaf")
    key = hmac.digest(tree_key, b"\0positions", "sha256")
    bits = max(2, (leaves - 1).bit_length())
    left_bits = bits // 2
    right_bits = bits - left_bits
    tables = tuple(
        _table(key, turn, reads=left_bits if turn % 2 else right_bits) for turn in range(ROUNDS)
    )
    cut = tuple(
        tuple(value & ((1 << (right_bits if turn % 2 else left_bits)) - 1) for value in table)
        for turn, table in enumerate(tables)
    )
    return Positions(leaves, left_bits, right_bits, cut)


def _table(key: bytes, turn: int, *, reads: int) -> list[int]:
    base = hashlib.sha256(ROUND + key)
    values = []
    for x in range(1 << reads):
        hashed = base.copy()
        hashed.update(_INPUT.pack(turn, x))
        values.append(int.from_bytes(hashed.digest()[:4], "big"))
    return values
