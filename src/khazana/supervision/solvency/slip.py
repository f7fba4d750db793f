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

Leaf i of the slip is share i of the balance. As text a slip has two forms: `KSS1:` and base64url,
short to send; `KSS1.` and base32 in capital letters, which a QR code packs 5.5 bits a letter, which
no messenger or search field changes, and which may stand behind the # of an address.
"""

import base64
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from khazana.supervision.solvency.encoding import NODE_BYTES, Node, node_from
from khazana.supervision.solvency.errors import ProofRejected, Reason

MAGIC = b"KSS\x01"
TEXT_PREFIX = "KSS1:"
QR_PREFIX = "KSS1."
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
        """One word without spaces, for a message."""
        return TEXT_PREFIX + base64.urlsafe_b64encode(self.to_bytes()).decode().rstrip("=")

    def to_qr_text(self) -> str:
        """One word of capital letters and digits, for a QR code."""
        return QR_PREFIX + base64.b32encode(self.to_bytes()).decode().rstrip("=")


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
    """The slip's bytes, given as they are, as text, or as an address whose # the text follows."""
    if given.startswith(MAGIC):
        return given
    # Where a line was broken on the way, by a messenger or a printer, nothing is lost.
    text = b"".join(given.split()).rpartition(b"#")[2]
    for prefix, name, decoded, encoded in _TEXT_FORMS:
        if text[: len(prefix)].upper() == prefix.encode():
            return _from_text(text[len(prefix) :], name, decoded, encoded)
    return given


def _from_text(
    text: bytes, name: str, decoded: Callable[[bytes], bytes], encoded: Callable[[bytes], bytes]
) -> bytes:
    try:
        raw = decoded(text)
    except ValueError as error:
        raise _malformed(f"its text is not {name}") from error
    # Letters that a decoder would pass over, and bits that stand for nothing.
    if encoded(raw).rstrip(b"=") != text:
        raise _malformed("its text is not in canonical form")
    return raw


def _from_base64url(text: bytes) -> bytes:
    if b"=" in text:
        raise ValueError("padding")
    return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _from_base32(text: bytes) -> bytes:
    if b"=" in text:
        raise ValueError("padding")
    return base64.b32decode(text + b"=" * (-len(text) % 8))


_TEXT_FORMS: Final = (
    (TEXT_PREFIX, "base64url", _from_base64url, base64.urlsafe_b64encode),
    (QR_PREFIX, "base32", _from_base32, base64.b32encode),
)


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
