"""A draft: one unsigned transaction with everything that says what it does and what it costs."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.hashes import sha256
from khazana.bitcoin.network import Network
from khazana.bitcoin.transaction import OutPoint, Transaction, TxOut
from khazana.custody.drafting.payments import Payment
from khazana.custody.drafting.wallet import Place
from khazana.custody.ways import Way
from khazana.units import Sats, Txid


class Purpose(Enum):
    """What an order does."""

    PAYMENT = "payment"
    SPLIT = "split"
    """Coins of one wallet to more of its own addresses."""
    CONSOLIDATION = "consolidation"
    """Coins of one wallet to fewer of its own addresses."""
    REPLACEMENT = "replacement"
    """The same payments with a higher fee (BIP-125)."""
    CHILD = "child"
    """Spends an output of a stuck transaction so that miners take both."""


@dataclass(frozen=True, slots=True)
class DraftInput:
    """A coin of the wallet that is spent, and where its script stands."""

    outpoint: OutPoint
    amount: Sats
    script: bytes
    place: Place


@dataclass(frozen=True, slots=True)
class PaidOutput:
    """A payment and which output it became."""

    vout: int
    payment: Payment


@dataclass(frozen=True, slots=True)
class ChangeOutput:
    """What comes back to the wallet. place: from which the address was derived (rule D6)."""

    vout: int
    amount: Sats
    address: str
    place: Place


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An order as a transaction, ready for devices to sign; the same inputs give the same draft.

    psbt: version 0 (BIP-174), without signatures. tip: the block on which it was drafted.
    vsize: virtual bytes once signed, at most (a ground or short ECDSA signature saves one or two).
    previous: the transactions that made the inputs' coins. way: None: any way open at once.
    replaces, parent: the txid that a replacement drops, or that a child lifts.
    """

    wallet: str
    network: Network
    purpose: Purpose
    tip: BlockRef
    unsigned: Transaction
    psbt: bytes
    inputs: tuple[DraftInput, ...]
    payments: tuple[PaidOutput, ...]
    change: tuple[ChangeOutput, ...]
    fee_sats: Sats
    vsize: int
    previous: Mapping[Txid, Transaction] = field(default_factory=dict, compare=False, repr=False)
    way: Way | None = None
    replaces: Txid | None = None
    parent: Txid | None = None

    def __post_init__(self) -> None:
        outputs = sum(output.amount for output in self.unsigned.outputs)
        if self.spent - outputs != self.fee_sats or self.fee_sats < 0:
            raise ValueError("inputs, outputs and fee of a draft do not sum to zero")
        listed = sorted([*(p.vout for p in self.payments), *(c.vout for c in self.change)])
        if listed != list(range(len(self.unsigned.outputs))):
            raise ValueError("a draft must name every output as a payment or as change")

    @property
    def txid(self) -> Txid:
        """Of the unsigned transaction: final where all inputs are segregated witness."""
        return self.unsigned.txid

    @property
    def digest(self) -> str:
        """SHA-256 of the PSBT: what an approval of exactly this order signs."""
        return sha256(self.psbt).hex()

    @property
    def psbt_base64(self) -> str:
        return base64.b64encode(self.psbt).decode("ascii")

    @property
    def feerate(self) -> Fraction:
        """sat/vB, at least."""
        return Fraction(self.fee_sats, self.vsize)

    @property
    def spent(self) -> Sats:
        return Sats(sum(each.amount for each in self.inputs))

    @property
    def paid(self) -> Sats:
        """What the payments sum to, without fee and change."""
        return Sats(sum(each.payment.amount for each in self.payments))

    @property
    def returned(self) -> Sats:
        """What comes back to the wallet."""
        return Sats(sum(each.amount for each in self.change))

    @property
    def spent_outputs(self) -> tuple[TxOut, ...]:
        """What each input spends, in order: taproot signatures cover them all."""
        return tuple(TxOut(each.amount, each.script) for each in self.inputs)
