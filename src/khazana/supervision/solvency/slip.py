"""A customer's slip: about 500 bytes that lead from a balance to a published node.

    offset  bytes
     0       4     "KSS" 01
     4       1     which tree of the statement, from 0
     5       1     h: nodes beside the way up; the published level, or the depth for the root
     6      32     the tree's root
    38       8     epoch
    46      32     the customer's secret
    78       2     n: leaves of this customer
    80             n times: amount u64 ‖ position u64 ‖ h times (hash 32 ‖ sum u64)

Leaf i of the slip is share i of the balance.
"""

import base64
import struct
from collections.abc import Callable
from dataclasses import dataclass

from khazana.supervision.solvency.encoding import NODE_BYTES, Node, node_from
from khazana.supervision.solvency.errors import ProofRejected, Reason

MAGIC = b"KSS\x01"
TEXT_PREFIX = "KSS1:"
_HEAD = struct.Struct(">4sBB32sQ32sH")
_LEAF = struct.Struct(">QQ")
MOST_HEIGHT = 40
MOST_SLIP_BYTES = 1 << 27


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipLeaf:
    """One share of the balance, and what stands beside its way up, from the leaf on."""

    amount: int
    position: int
    beside: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """Confidential: who has it and the customer's words can see the balance."""

    tree: int
    height: int
    root: bytes
    epoch: int
    secret: bytes
    leaves: tuple[SlipLeaf, ...]

    @property
    def balance(self) -> int:
        return sum(leaf.amount for leaf in self.leaves)

    def to_bytes(self) -> bytes:
        head = _HEAD.pack(
            MAGIC, self.tree, self.height, self.root, self.epoch, self.secret, len(self.leaves)
        )
        return head + b"".join(
            _LEAF.pack(leaf.amount, leaf.position)
            + b"".join(node.to_bytes() for node in leaf.beside)
            for leaf in self.leaves
        )

    def to_text(self) -> str:
        """One word without spaces, for a QR code or a message."""
        return TEXT_PREFIX + base64.urlsafe_b64encode(self.to_bytes()).decode().rstrip("=")


def read_slip(raw: bytes) -> Slip:
    """The slip in these bytes, every one of them used."""
    if len(raw) < _HEAD.size or raw[:4] != MAGIC:
        raise _malformed("it does not begin as a slip does")
    _, tree, height, root, epoch, secret, count = _HEAD.unpack_from(raw)
    if height > MOST_HEIGHT:
        raise _malformed(f"it claims a way of {height} steps")
    if count == 0:
        raise _malformed("it has no leaf")
    each = _LEAF.size + height * NODE_BYTES
    if len(raw) != _HEAD.size + count * each:
        raise _malformed(f"{count} leaves take {_HEAD.size + count * each} bytes, not {len(raw)}")
    leaves = tuple(_leaf(raw, at, height) for at in range(_HEAD.size, len(raw), each))
    return Slip(tree=tree, height=height, root=root, epoch=epoch, secret=secret, leaves=leaves)


def _leaf(raw: bytes, at: int, height: int) -> SlipLeaf:
    amount, position = _LEAF.unpack_from(raw, at)
    first = at + _LEAF.size
    ends = range(first, first + height * NODE_BYTES, NODE_BYTES)
    return SlipLeaf(
        amount=amount,
        position=position,
        beside=tuple(node_from(raw[start : start + NODE_BYTES]) for start in ends),
    )


def slip_bytes(given: bytes) -> bytes:
    """The slip's bytes, given as they are or as text from a QR code."""
    if not given.startswith(TEXT_PREFIX.encode()):
        return given
    text = given.strip()[len(TEXT_PREFIX) :]
    try:
        raw = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise _malformed("its text is not base64url") from error
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != text:
        raise _malformed("its text is not in canonical form")
    return raw


def make_slip(
    *,
    tree: int,
    height: int,
    root: bytes,
    epoch: int,
    secret: bytes,
    places: list[tuple[int, int]],
    beside: Callable[[int, int], tuple[Node, ...]],
) -> Slip:
    """places: amount and position of each share. beside: the nodes for a position and a height."""
    return Slip(
        tree=tree,
        height=height,
        root=root,
        epoch=epoch,
        secret=secret,
        leaves=tuple(
            SlipLeaf(amount=amount, position=position, beside=beside(position, height))
            for amount, position in places
        ),
    )


def _malformed(problem: str) -> ProofRejected:
    return ProofRejected(reason=Reason.SLIP_MALFORMED, problem=problem)
