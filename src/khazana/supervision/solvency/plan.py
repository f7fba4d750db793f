"""What one tree is about and how it is built: asset, epoch, key, splitting."""

import hmac
import re
from dataclasses import dataclass

from khazana.units import MAX_MONEY

LIABILITIES = "liabilities"
DEBTS = "debts"
KINDS = (LIABILITIES, DEBTS)

MOST_AMOUNT = 2**53 - 1
"""Any sum is an integer that every JSON reader holds exactly."""
MOST_LEAVES = 1 << 40
MOST_SPLITS = 1 << 16
LEVEL_BITS = 16
"""The level with 2^16 nodes is published."""

_ASSET = re.compile(r"[A-Z][A-Z0-9]{0,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """What is owed. scale: decimals of one unit. most: the largest sum that can exist, smallest
    units; a claim above it is refused before it is added."""

    name: str
    scale: int
    most: int

    def __post_init__(self) -> None:
        if not _ASSET.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no asset: capital letters and digits, 16 at most")
        if not 0 <= self.scale <= 15:
            raise ValueError(f"an asset has 0 to 15 decimals, not {self.scale}")
        if not 0 < self.most <= MOST_AMOUNT:
            raise ValueError(f"the largest sum is 1 to {MOST_AMOUNT}, not {self.most}")
        if self.name == "BTC" and (self.scale, self.most) != (BITCOIN_SCALE, MAX_MONEY):
            # With another scale few coins would look like many beside what is owed.
            raise ValueError(f"BTC has {BITCOIN_SCALE} decimals and at most {int(MAX_MONEY)} units")


BITCOIN_SCALE = 8
"""A bitcoin has 10^8 satoshis; a statement compares them with the chain's."""
BITCOIN = Asset(name="BTC", scale=BITCOIN_SCALE, most=MAX_MONEY)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeId:
    """Which tree of which epoch. kind: what customers are owed, or what they owe."""

    asset: Asset
    kind: str
    epoch: int

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a tree holds {' or '.join(KINDS)}, not {self.kind!r}")
        if not 0 <= self.epoch < 2**53:
            raise ValueError(f"an epoch is 0 or more, not {self.epoch}")

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.asset.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Splitting:
    """How a balance becomes leaves: `shares` at least, none above `most_per_leaf`."""

    shares: int
    most_per_leaf: int

    def __post_init__(self) -> None:
        if not 1 <= self.shares <= MOST_SPLITS:
            raise ValueError(f"a balance has 1 to {MOST_SPLITS} shares, not {self.shares}")
        if self.most_per_leaf < 1:
            raise ValueError("the largest leaf is at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything besides the balances that a tree depends on.

    key: secret of this tree and epoch; the regulator is given it, nobody else.
    leaves: how many leaves in all, the rest being dummies of nobody; None for no dummies.
    """

    tree: TreeId
    key: bytes
    splitting: Splitting
    leaves: int | None = None

    def __post_init__(self) -> None:
        if len(self.key) != 32:
            raise ValueError(f"a tree's key has 32 bytes, not {len(self.key)}")
        if self.leaves is not None and not 0 < self.leaves <= MOST_LEAVES:
            raise ValueError(f"a tree has 1 to {MOST_LEAVES} leaves, not {self.leaves}")


def tree_key(master: bytes, tree: TreeId) -> bytes:
    """The key of one tree and epoch: who has it learns nothing about other trees and epochs.

    HMAC-SHA-256(master, 00 ‖ "tree" ‖ 00 ‖ name ‖ 00 ‖ epoch u64)
    """
    if len(master) < 32:
        raise ValueError(f"a master key has at least 32 bytes, not {len(master)}")
    what = b"\0tree\0" + tree.name.encode() + b"\0" + tree.epoch.to_bytes(8, "big")
    return hmac.digest(master, what, "sha256")


def depth_of(leaves: int) -> int:
    """Levels above the leaves: 2^depth >= leaves."""
    if leaves < 1:
        raise ValueError("a tree has at least one leaf")
    return (leaves - 1).bit_length()


def nodes_at(level: int, *, leaves: int) -> int:
    """How many nodes a level has, padding not counted; level 0 are the leaves."""
    return -(-leaves >> level)


def published_level(leaves: int) -> int:
    """The level that is published: 2^16 nodes, or the leaves of a smaller tree."""
    return max(0, depth_of(leaves) - LEVEL_BITS)
