"""What the chain shows, as entries: each wallet's spent and received coins, free of any perimeter."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.transaction import OutPoint
from khazana.units import Sats, Txid

OUTSIDE = "(outside)"
"""Everybody who declared no wallet to us."""
ISSUANCE = "(issuance)"
"""Where a coinbase's bitcoin comes from: new coins and other people's fees."""


class Fact(Enum):
    """The chain's own axis: what a flow is, whatever any document says."""

    IN = "in"
    OUT = "out"
    INTERNAL = "internal"
    FEE = "fee"
    COINBASE = "coinbase"


@dataclass(frozen=True, slots=True)
class CoinPosting:
    """One coin that a wallet received or spent; `amount` is positive in both cases."""

    wallet: str
    outpoint: OutPoint
    amount: Sats


@dataclass(frozen=True)
class ChainEntry:
    """One transaction as far as it touches declared wallets.

    paid_outside: outputs to scripts nobody declared; None unless every input is declared.
    fee: inputs less outputs; None unless every input is a coin of a declared wallet (Rule L2).
    Outsiders' input amounts are nobody's business and never enter an entry.
    """

    txid: Txid
    block: BlockRef
    position: int
    coinbase: bool
    spent: tuple[CoinPosting, ...]
    received: tuple[CoinPosting, ...]
    paid_outside: Sats | None
    fee: Sats | None

    @property
    def order(self) -> tuple[int, int]:
        return self.block.height, self.position

    @property
    def wallets(self) -> tuple[str, ...]:
        """The wallets it touches, sorted."""
        return tuple(sorted({posting.wallet for posting in (*self.spent, *self.received)}))


@dataclass(frozen=True, slots=True)
class Flow:
    """An amount that went from one account to another in one transaction.

    source and target are wallet ids, OUTSIDE or ISSUANCE; a flow with fact FEE has target OUTSIDE.
    """

    source: str
    target: str
    amount: Sats
    fact: Fact


class BookKind(Enum):
    """Entries that are not on the chain."""

    PERIMETER_CHANGE = "perimeter_change"
    """An account enters or leaves a perimeter with what stands in it."""
    RECLASSIFICATION = "reclassification"
    """Coins change their legal lane."""
    RESTATEMENT = "restatement"
    """An earlier published figure was wrong."""
    LOSS = "loss"
    """Coins that the office can no longer move are written off."""


@dataclass(frozen=True)
class BookEntry:
    """A change of the books at the end of a block that no transaction made.

    perimeter: set for a perimeter change, else None (it holds in every perimeter with the account).
    amount: satoshis, positive when the account's (or the perimeter's) recognised holdings rise.
    details: kind-specific, such as {"from": "seized", "to": "forfeited"}.
    """

    kind: BookKind
    block: BlockRef
    account: str
    amount: Sats
    perimeter: str | None = None
    document: str | None = None
    details: Mapping[str, str] | None = None
