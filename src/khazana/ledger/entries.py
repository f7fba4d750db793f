"""What the chain shows, as entries: coins that wallets spent and received, free of perimeters."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.network import COINBASE_MATURITY
from khazana.bitcoin.transaction import OutPoint
from khazana.units import Height, Sats, Txid

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
    """One coin that a wallet received or spent; `amount` is never negative, and may be zero."""

    wallet: str
    outpoint: OutPoint
    amount: Sats

    def __post_init__(self) -> None:
        if self.amount < 0:
            raise ValueError(f"coin {self.outpoint} of {self.wallet} has {self.amount} sat")


@dataclass(frozen=True, slots=True)
class HeldCoin:
    """A coin that a wallet holds: since which block, how much, and whether a block mined it."""

    wallet: str
    outpoint: OutPoint
    amount: Sats
    block: BlockRef
    is_coinbase: bool

    def is_mature(self, at: Height) -> bool:
        """Whether a transaction in the block after `at` could spend it."""
        return not self.is_coinbase or at + 1 - self.block.height >= COINBASE_MATURITY


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

    def __post_init__(self) -> None:
        if (self.fee is None) != (self.paid_outside is None):
            raise ValueError(f"{self.txid}: a fee and what was paid outside are known together")
        if self.coinbase and (self.spent or self.fee is not None):
            raise ValueError(f"{self.txid}: a coinbase spends no coin and pays no fee")
        if self.fee is not None and not self.spent:
            raise ValueError(f"{self.txid}: a fee is known only from the coins that paid it")

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


@dataclass(frozen=True, slots=True)
class AttestedBalance:
    """What a custodian says it holds for a custodial account at the end of `block`."""

    account: str
    block: BlockRef
    amount: Sats
    document: str | None = None


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
    amount: satoshis, positive when the account's (or the perimeter's) recognised holdings rise; of
    a reclassification, what changes its lane: recognised holdings stay.
    details: kind-specific, such as {"from": "seized", "to": "forfeited"}.
    """

    kind: BookKind
    block: BlockRef
    account: str
    amount: Sats
    perimeter: str | None = None
    document: str | None = None
    details: Mapping[str, str] | None = None
