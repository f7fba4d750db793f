"""The devnet's index of its active chain: transactions, coins, spenders and history by script.

In memory, rebuilt from the block log on opening; one step forwards or backwards at a time. The
engine offers no coin lookup, so this index also answers what the mempool and the miner ask.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from khazana.bitcoin.block import Block, Header, merkle_branch
from khazana.bitcoin.chain import BlockRef, Coin, ConfirmedTransaction
from khazana.bitcoin.hashes import sha256
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.script import is_unspendable
from khazana.bitcoin.transaction import OutPoint, Transaction
from khazana.units import BlockHash, Height, Txid

MEDIAN_TIME_SPAN = 11
"""Blocks whose median time is the chain's time for locks (BIP-113)."""

# The same 285 bytes on every network but for time, bits and nonce (Core, kernel/chainparams.cpp).
_GENESIS_COINBASE = bytes.fromhex(
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff00"
    "1d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b20"
    "6f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afd"
    "b0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c"
    "384df7ba0b8d578a4c702b6bf11d5fac00000000"
)


def genesis_block() -> Block:
    """Regtest's first block, which no log holds because every node knows it."""
    coinbase = Transaction.parse(_GENESIS_COINBASE)
    header = Header(
        version=1,
        previous=BlockHash("00" * 32),
        merkle_root_le=coinbase.txid_le,
        time=1_296_688_602,
        bits=REGTEST.pow_limit_bits,
        nonce=2,
    )
    return Block(header, (coinbase,))


@dataclass(frozen=True)
class ActiveBlock:
    """A block of the active chain with what people ask about it.

    median_time: of this block and the ten before it, in seconds since 1970 (UTC).
    size: serialised bytes.
    """

    ref: BlockRef
    header: Header
    txids: tuple[Txid, ...]
    median_time: int
    size: int
    weight: int

    @cached_property
    def txids_le(self) -> tuple[bytes, ...]:
        return tuple(bytes.fromhex(txid)[::-1] for txid in self.txids)


@dataclass(frozen=True, slots=True)
class Placed:
    """A transaction of the active chain and where it stands."""

    transaction: Transaction
    height: Height
    position: int


@dataclass(frozen=True, slots=True)
class Spender:
    """The input that spends a coin."""

    txid: Txid
    vin: int


class ChainIndex:
    """What the active chain holds, block by block. Starts with the genesis block."""

    def __init__(self) -> None:
        self.blocks: list[ActiveBlock] = []
        self._height_of: dict[BlockHash, Height] = {}
        self._transactions: dict[Txid, Placed] = {}
        self._spenders: dict[OutPoint, Spender] = {}
        self._coins: dict[bytes, dict[OutPoint, Coin]] = {}
        self._history: dict[bytes, list[Txid]] = {}
        self._script_of_hash: dict[bytes, bytes] = {}
        self.connect(genesis_block())

    @property
    def tip(self) -> BlockRef:
        return self.blocks[-1].ref

    @property
    def median_time(self) -> int:
        """The chain's time for locks: a new block's own time must be later than this."""
        return self.blocks[-1].median_time

    def height_of(self, block_hash: BlockHash) -> Height | None:
        """Where a block stands in the active chain, None when it is not in it."""
        return self._height_of.get(block_hash)

    def placed(self, txid: Txid) -> Placed | None:
        return self._transactions.get(txid)

    def confirmed(self, placed: Placed) -> ConfirmedTransaction:
        """A transaction with the branch that proves it is in its block."""
        block = self.blocks[placed.height]
        branch = merkle_branch(block.txids_le, placed.position)
        return ConfirmedTransaction(placed.transaction, block.ref, placed.position, branch)

    def coin(self, outpoint: OutPoint) -> Coin | None:
        """An unspent output of the active chain."""
        placed = self._transactions.get(outpoint.txid)
        if placed is None or outpoint.vout >= len(placed.transaction.outputs):
            return None
        script = placed.transaction.outputs[outpoint.vout].script
        return self._coins.get(script, {}).get(outpoint)

    def coins(self, script: bytes) -> Iterator[Coin]:
        """The unspent outputs of a script, in no particular order."""
        return iter(self._coins.get(script, {}).values())

    def spender(self, outpoint: OutPoint) -> Spender | None:
        return self._spenders.get(outpoint)

    def history(self, script: bytes) -> list[Placed]:
        """Every transaction that pays the script or spends from it, in chain order."""
        return [self._transactions[txid] for txid in self._history.get(script, ())]

    def script_with_hash(self, script_hash: bytes) -> bytes | None:
        """The script whose SHA-256, not reversed, this is; None when the chain never saw it."""
        return self._script_of_hash.get(script_hash)

    def script_of(self, outpoint: OutPoint) -> bytes | None:
        """The script of an output of the active chain, spent or not."""
        placed = self._transactions.get(outpoint.txid)
        if placed is None or outpoint.vout >= len(placed.transaction.outputs):
            return None
        return placed.transaction.outputs[outpoint.vout].script

    def connect(self, block: Block) -> None:
        """Take the next block, already found valid by the engine."""
        height = Height(len(self.blocks))
        if block.header.previous != (self.tip.hash if self.blocks else "00" * 32):
            raise ValueError(f"block {block.hash} does not stand on the tip")
        ref = BlockRef(height, block.hash)
        for position, transaction in enumerate(block.transactions):
            self._connect_transaction(transaction, ref, position)
        raw_size = len(block.serialize())
        stripped = sum(len(t.serialize(witness=False)) for t in block.transactions)
        overhead = raw_size - sum(len(t.serialize()) for t in block.transactions)
        times = [b.header.time for b in self.blocks[1 - MEDIAN_TIME_SPAN :]] + [block.header.time]
        self.blocks.append(
            ActiveBlock(
                ref=ref,
                header=block.header,
                txids=tuple(t.txid for t in block.transactions),
                median_time=sorted(times)[len(times) // 2],
                size=raw_size,
                weight=3 * (stripped + overhead) + raw_size,
            )
        )
        self._height_of[ref.hash] = height

    def disconnect(self) -> tuple[Transaction, ...]:
        """Take the newest block back; returns its transactions, the coinbase first."""
        if len(self.blocks) == 1:
            raise ValueError("the genesis block stays")
        block = self.blocks[-1]
        transactions = tuple(self._transactions[txid].transaction for txid in block.txids)
        for transaction in reversed(transactions):
            self._disconnect_transaction(transaction)
        self.blocks.pop()
        del self._height_of[block.ref.hash]
        return transactions

    def _connect_transaction(self, transaction: Transaction, ref: BlockRef, position: int) -> None:
        txid, coinbase = transaction.txid, position == 0
        touched: dict[bytes, None] = {}
        if not coinbase:
            for vin, spent in enumerate(transaction.inputs):
                script = self._script_at(spent.outpoint)
                touched[script] = None
                del self._coins[script][spent.outpoint]
                self._spenders[spent.outpoint] = Spender(txid, vin)
        for vout, output in enumerate(transaction.outputs):
            touched[output.script] = None
            # Consensus lets nobody spend the genesis coinbase: it never was a coin.
            if ref.height and not is_unspendable(output.script):
                outpoint = OutPoint(txid, vout)
                coin = Coin(outpoint, output.amount, output.script, ref, coinbase)
                self._coins.setdefault(output.script, {})[outpoint] = coin
        self._transactions[txid] = Placed(transaction, ref.height, position)
        for script in touched:
            history = self._history.get(script)
            if history is None:
                self._history[script] = [txid]
                self._script_of_hash[sha256(script)] = script
            else:
                history.append(txid)

    def _disconnect_transaction(self, transaction: Transaction) -> None:
        txid = transaction.txid
        touched: dict[bytes, None] = {}
        for vout, output in enumerate(transaction.outputs):
            touched[output.script] = None
            self._coins.get(output.script, {}).pop(OutPoint(txid, vout), None)
        del self._transactions[txid]
        if not transaction.is_coinbase:
            for spent in transaction.inputs:
                placed = self._transactions[spent.outpoint.txid]
                output = placed.transaction.outputs[spent.outpoint.vout]
                touched[output.script] = None
                del self._spenders[spent.outpoint]
                self._coins.setdefault(output.script, {})[spent.outpoint] = Coin(
                    spent.outpoint,
                    output.amount,
                    output.script,
                    self.blocks[placed.height].ref,
                    placed.position == 0,
                )
        for script in touched:
            history = self._history[script]
            history.pop()
            if not history:
                del self._history[script]
                del self._script_of_hash[sha256(script)]

    def _script_at(self, outpoint: OutPoint) -> bytes:
        script = self.script_of(outpoint)
        if script is None:
            raise ValueError(f"no output {outpoint}: the index and the engine disagree")
        return script
