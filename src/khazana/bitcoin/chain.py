"""ChainView: the one port through which every room asks Bitcoin, and the values it answers with.

Every answer is tied to a block hash. A question about a block that is no longer in the best chain
is refused, never answered from another chain.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from khazana.bitcoin.block import Header
from khazana.bitcoin.network import COINBASE_MATURITY, Network
from khazana.bitcoin.transaction import OutPoint, Transaction
from khazana.errors import KhazanaError
from khazana.units import BlockHash, Height, Sats, Txid


@dataclass(frozen=True, slots=True, order=True)
class BlockRef:
    """A block named the only way that survives a reorganisation: by height and hash."""

    height: Height
    hash: BlockHash

    def __str__(self) -> str:
        return f"{self.height} ({self.hash})"


class BasisKind(Enum):
    """Whose word an answer rests on."""

    OWN_BLOCKS = "own blocks"
    """Raw blocks that the user's node validated and we read ourselves."""
    OWN_INDEX = "own index"
    """The user's own node found the blocks by its index; we read the blocks it named."""
    WORD_OF = "word of"
    """Somebody's server: it can prove inclusion, but omission and unspentness are its word."""


@dataclass(frozen=True)
class Basis:
    """Where an answer comes from; printed beside every check that used it."""

    kind: BasisKind
    source: str

    def __str__(self) -> str:
        if self.kind is BasisKind.WORD_OF:
            return f"word of {self.source}"
        return f"{self.kind.value} ({self.source})"


@dataclass(frozen=True)
class ConfirmedTransaction:
    """A transaction in a block, with what proves it is there.

    position: index in the block; the coinbase is 0.
    branch_le: sibling hashes of the block's Merkle tree, from the transaction up.
    """

    transaction: Transaction
    block: BlockRef
    position: int
    branch_le: tuple[bytes, ...]

    @property
    def txid(self) -> Txid:
        return self.transaction.txid

    @property
    def order(self) -> tuple[int, int]:
        """Where it stands in the chain: sort by this."""
        return self.block.height, self.position


@dataclass(frozen=True)
class Coin:
    """An output that exists: who may spend it (`script`), since which block, how much."""

    outpoint: OutPoint
    amount: Sats
    script: bytes
    block: BlockRef
    is_coinbase: bool

    def is_mature(self, at: Height) -> bool:
        """Whether a transaction in the block after `at` could spend it."""
        return not self.is_coinbase or at + 1 - self.block.height >= COINBASE_MATURITY


class ChainView(Protocol):
    """Questions to a Bitcoin chain. Scripts are output scripts (scriptPubKeys).

    Every method raises `BlockNotInBestChain` when a block it was asked about is not, or is no
    longer when the answer is complete, in the best chain; `HeightBeyondTip` for a height that does
    not exist yet; and `ChainSourceError` when the source is silent or talks nonsense.
    """

    @property
    def network(self) -> Network: ...

    @property
    def basis(self) -> Basis: ...

    def tip(self) -> BlockRef:
        """The newest block of the best chain."""

    def block_at(self, height: Height) -> BlockRef:
        """The best chain's block at this height."""

    def block_of(self, block_hash: BlockHash) -> BlockRef:
        """The best chain's block with this hash."""

    def headers(self, first: Height, last: BlockRef) -> Sequence[Header]:
        """Consecutive headers from height `first` up to and including `last`."""

    def history(
        self, scripts: Collection[bytes], after: BlockRef | None, until: BlockRef
    ) -> Sequence[ConfirmedTransaction]:
        """Every transaction after block `after`, up to and including `until`, that pays one of
        `scripts` or spends an output that did (whenever it was made). In chain order.

        after=None starts at the genesis block.
        """

    def coins_at(self, scripts: Collection[bytes], block: BlockRef) -> Sequence[Coin]:
        """The unspent outputs of `scripts` when `block` was the tip, sorted by outpoint."""

    def transaction(self, txid: Txid, block: BlockRef) -> ConfirmedTransaction:
        """One transaction, as `block` contains it; `TransactionNotInBlock` when it does not."""


@dataclass(eq=False, kw_only=True)
class ChainSourceError(KhazanaError):
    """The source of the chain did not give a usable answer."""

    source: str
    asked: str
    problem: str
    code = "chain_source_error"
    words = "{source} did not answer {asked}: {problem}"


@dataclass(eq=False, kw_only=True)
class BlockNotInBestChain(KhazanaError):
    """A block that an answer was to rest on is not in the source's best chain."""

    block: str
    source: str
    code = "block_not_in_best_chain"
    words = (
        "Block {block} is not in the best chain of {source}: it was reorganised away, belongs to "
        "another network, or is not yet known there. Nothing was computed from it."
    )


@dataclass(eq=False, kw_only=True)
class HeightBeyondTip(KhazanaError):
    """A height that the chain has not reached."""

    height: int
    tip: BlockRef
    source: str
    code = "height_beyond_tip"
    words = "{source} has no block at height {height}; its newest is {tip}."


@dataclass(eq=False, kw_only=True)
class TransactionNotInBlock(KhazanaError):
    """A transaction that should be in a block is not there."""

    txid: str
    block: BlockRef
    source: str
    code = "transaction_not_in_block"
    words = "{source} finds no transaction {txid} in block {block}."


def coins_after(
    history: Sequence[ConfirmedTransaction], scripts: Collection[bytes]
) -> dict[OutPoint, Coin]:
    """The unspent coins of `scripts` after a complete history since their first use."""
    wanted = scripts if isinstance(scripts, (set, frozenset, dict)) else frozenset(scripts)
    coins: dict[OutPoint, Coin] = {}
    for confirmed in history:
        transaction = confirmed.transaction
        for spent in transaction.inputs:
            coins.pop(spent.outpoint, None)
        for vout, output in enumerate(transaction.outputs):
            if output.script in wanted:
                outpoint = transaction.outpoint(vout)
                coins[outpoint] = Coin(
                    outpoint, output.amount, output.script, confirmed.block, transaction.is_coinbase
                )
    return coins
