"""The walk over a chain's blocks: what is asked, what comes out, and which walker does it.

Two walkers give the same answer: a compiled one (the `office` profile) and one in plain Python that
needs nothing but the base profile and is some hundred times slower.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from khazana.bitcoin.blockfiles.index import BlockIndex, damaged
from khazana.bitcoin.chain import BlockRef, ConfirmedTransaction
from khazana.bitcoin.transaction import OutPoint
from khazana.units import Height

COMPILED = frozenset({"numba", "numpy", "llvmlite"})
"""What the compiled walker needs and the base profile leaves out."""

DIGEST_SIZE = 16
_GENESIS = Height(0)


def _silent(done: int, total: int) -> None:
    """No progress is shown."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """Which transactions of a chain's blocks pay `scripts`, or spend an output that did?

    chain: the numbers of the chain's blocks in `index`, by height. first: the height to begin at.
    paid: outputs of `scripts` that were made below `first`, spent or not.
    full: check every block's Merkle root, not only those of blocks with an answer.
    digests: where to put a digest of each block read, by its number; None when nobody wants them.
    progress: told the bytes done and all there are, now and then.
    """

    index: BlockIndex
    chain: Sequence[int]
    scripts: frozenset[bytes]
    first: Height = _GENESIS
    paid: frozenset[OutPoint] = frozenset()
    full: bool = False
    digests: dict[int, bytes] | None = None
    progress: Callable[[int, int], None] = field(default=_silent)

    def block(self, height: int) -> BlockRef:
        return BlockRef(Height(height), self.index.hash_of(self.chain[height]))


class Walk(Protocol):
    """Answers a question in chain order."""

    def __call__(self, question: Question) -> list[ConfirmedTransaction]: ...


def digest_of(block: bytes | memoryview) -> bytes:
    """What a block's bytes are remembered by: the first half of their SHA-256."""
    return hashlib.sha256(block).digest()[:DIGEST_SIZE]


def wrong_root(question: Question, number: int) -> Exception:
    """The error for a block whose transactions are not those of its header."""
    return damaged(question.index, number, "its transactions are not those its header commits to")


def other_block(question: Question, number: int) -> Exception:
    """The error for a block that changed after the files' headers were scanned."""
    return damaged(
        question.index,
        number,
        "it is no longer the block that was there a moment ago; run it again",
    )
