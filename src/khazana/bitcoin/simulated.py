"""SimulatedChain: an honest chain in memory, for tests, lessons and the attack simulator.

Its blocks are real: parseable transactions, Merkle roots, proof of work at regtest's difficulty.
Nobody validates scripts or amounts; who adds a transaction answers for it.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from khazana.bitcoin.block import Block, Header, merkle_branch, merkle_root
from khazana.bitcoin.chain import (
    Basis,
    BasisKind,
    BlockNotInBestChain,
    BlockRef,
    Coin,
    ConfirmedTransaction,
    HeightBeyondTip,
    TransactionNotInBlock,
    coins_after,
)
from khazana.bitcoin.network import REGTEST, Network
from khazana.bitcoin.transaction import COINBASE_VOUT, NULL_TXID, OutPoint, Transaction, TxIn, TxOut
from khazana.bitcoin.work import block_subsidy, meets_target
from khazana.units import BlockHash, Height, Txid

GENESIS_TIME = 1_296_688_602
"""Time of regtest's first block (Bitcoin Core, kernel/chainparams.cpp)."""
_GENESIS_RAW = bytes.fromhex(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c"
    "3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f20020000000101000000010000000000000000"
    "000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d657320"
    "30332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f"
    "757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a8"
    "28e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00"
    "000000"
)
DEFAULT_SPACING_S = 86_400
"""A block a day, as in the demo: a year is 365 blocks."""
_UNSPENDABLE = b"\x6a\x01\x00"
"""OP_RETURN and a byte: where a coinbase goes when nobody in the story mines.

A bare OP_RETURN would make coinbases of 64 bytes, which no Merkle proof may be about
(CVE-2017-12842).
"""


@dataclass
class SimulatedChain:
    """A regtest chain that grows by `add_block` and answers as a node would (see ChainView).

    before_answer: called before each read of the chain; a test that reorganises in the middle of
    somebody's question does it here.
    """

    network: Network = REGTEST
    before_answer: Callable[[], None] | None = None
    blocks: list[Block] = field(default_factory=lambda: [Block.parse(_GENESIS_RAW)])
    stale: list[Block] = field(default_factory=list)

    @property
    def basis(self) -> Basis:
        return Basis(BasisKind.OWN_BLOCKS, "simulated chain")

    # Building

    @classmethod
    def of_blocks(cls, raw: Iterable[bytes], network: Network = REGTEST) -> Self:
        """A chain of blocks made elsewhere, the genesis block first.

        They must stand on one another, carry their work and hold the transactions they commit to.
        """
        blocks = [Block.parse(each) for each in raw]
        if not blocks or blocks[0].hash != network.genesis:
            raise ValueError(f"the first block is not the genesis block of {network.name}")
        for height, block in enumerate(blocks):
            if height and block.header.previous != blocks[height - 1].hash:
                raise ValueError(f"block {height} does not stand on the block before it")
            if not meets_target(block.header.hash_le, block.header.bits):
                raise ValueError(f"block {height} carries no proof of work")
            if not block.merkle_root_holds():
                raise ValueError(f"block {height} does not hold what its header commits to")
        return cls(network=network, blocks=blocks)

    def add_block(
        self,
        transactions: Sequence[Transaction] = (),
        *,
        coinbase: Sequence[TxOut] = (),
        time: int | None = None,
    ) -> BlockRef:
        """Mine a block with these transactions on the tip.

        coinbase: what the miner pays; by default the subsidy to nobody. time: seconds since 1970
        UTC, by default a day after the block before.
        """
        previous = self.blocks[-1].header
        block = mine(
            previous=previous.hash,
            height=Height(len(self.blocks)),
            time=previous.time + DEFAULT_SPACING_S if time is None else time,
            coinbase=coinbase,
            transactions=transactions,
            network=self.network,
        )
        self.blocks.append(block)
        return self._ref(len(self.blocks) - 1)

    def add_blocks(self, count: int) -> BlockRef:
        """Mine empty blocks; gives the last."""
        for _ in range(count):
            self.add_block()
        return self._ref(len(self.blocks) - 1)

    def reorganise(self, fork: Height, branches: Sequence[Sequence[Transaction]]) -> BlockRef:
        """Replace everything above height `fork` by blocks with these transactions.

        The new branch must be longer than what it replaces, or no node would follow it.
        """
        if len(branches) <= len(self.blocks) - 1 - fork:
            raise ValueError("a branch that is not longer does not become the best chain")
        self.stale += self.blocks[fork + 1 :]
        del self.blocks[fork + 1 :]
        for transactions in branches:
            # A second apart from a daily block, so that the hashes differ from the stale ones.
            self.add_block(transactions, time=self.blocks[-1].header.time + DEFAULT_SPACING_S + 1)
        return self._ref(len(self.blocks) - 1)

    # Answering

    def tip(self) -> BlockRef:
        self._interrupted()
        return self._ref(len(self.blocks) - 1)

    def block_at(self, height: Height) -> BlockRef:
        self._interrupted()
        if height >= len(self.blocks):
            raise HeightBeyondTip(
                height=height, tip=self._ref(len(self.blocks) - 1), source=self.basis.source
            )
        if height < 0:
            raise ValueError(f"no block has height {height}")
        return self._ref(height)

    def block_of(self, block_hash: BlockHash) -> BlockRef:
        self._interrupted()
        for height, block in enumerate(self.blocks):
            if block.hash == block_hash:
                return self._ref(height)
        raise BlockNotInBestChain(block=block_hash, source=self.basis.source)

    def headers(self, first: Height, last: BlockRef) -> Sequence[Header]:
        self._require(last)
        if not 0 <= first <= last.height:
            raise ValueError(f"no headers from {first} to {last.height}")
        return [block.header for block in self.blocks[first : last.height + 1]]

    def history(
        self, scripts: Collection[bytes], after: BlockRef | None, until: BlockRef
    ) -> Sequence[ConfirmedTransaction]:
        for named in (after, until):
            if named is not None:
                self._require(named)
        wanted = frozenset(scripts)
        paid: set[OutPoint] = set()
        found = []
        for height, block in enumerate(self.blocks[: until.height + 1]):
            for position, transaction in enumerate(block.transactions):
                outputs = enumerate(transaction.outputs)
                ours = [vout for vout, output in outputs if output.script in wanted]
                spends = any(i.outpoint in paid for i in transaction.inputs)
                paid.update(transaction.outpoint(vout) for vout in ours)
                if (ours or spends) and (after is None or height > after.height):
                    found.append(self._confirmed(height, position))
        self._require(until)
        return found

    def coins_at(self, scripts: Collection[bytes], block: BlockRef) -> Sequence[Coin]:
        coins = coins_after(self.history(scripts, None, block), scripts)
        return [coins[outpoint] for outpoint in sorted(coins)]

    def transaction(self, txid: Txid, block: BlockRef) -> ConfirmedTransaction:
        self._require(block)
        for position, transaction in enumerate(self.blocks[block.height].transactions):
            if transaction.txid == txid:
                return self._confirmed(block.height, position)
        raise TransactionNotInBlock(txid=txid, block=block, source=self.basis.source)

    def coinbases(self, first: Height, last: BlockRef) -> Sequence[ConfirmedTransaction]:
        """The first transaction of each block (see khazana.bitcoin.coinbases)."""
        self._require(last)
        return [self._confirmed(height, 0) for height in range(first, last.height + 1)]

    def _confirmed(self, height: int, position: int) -> ConfirmedTransaction:
        block = self.blocks[height]
        leaves = [transaction.txid_le for transaction in block.transactions]
        return ConfirmedTransaction(
            block.transactions[position],
            self._ref(height),
            position,
            merkle_branch(leaves, position),
        )

    def _ref(self, height: int) -> BlockRef:
        return BlockRef(Height(height), self.blocks[height].hash)

    def _require(self, block: BlockRef) -> None:
        self._interrupted()
        if block.height >= len(self.blocks) or self.blocks[block.height].hash != block.hash:
            raise BlockNotInBestChain(block=str(block), source=self.basis.source)

    def _interrupted(self) -> None:
        if self.before_answer is not None:
            # Once: what happens inside may itself ask the chain.
            hook, self.before_answer = self.before_answer, None
            hook()


def mine(
    *,
    previous: BlockHash,
    height: Height,
    time: int,
    coinbase: Sequence[TxOut],
    transactions: Sequence[Transaction],
    network: Network,
) -> Block:
    """A block with proof of work: about two tries at regtest's difficulty."""
    outputs = tuple(coinbase) or (TxOut(block_subsidy(height, network), _UNSPENDABLE),)
    # BIP-34: the height stands first in the coinbase, so that no two coinbases are alike.
    # Heights up to 16 have an opcode of their own, OP_1 to OP_16.
    number = height.to_bytes((height.bit_length() // 8) + 1, "little")
    pushed = bytes([0x50 + height]) if height <= 16 else bytes([len(number)]) + number
    generation = Transaction(
        version=2,
        inputs=(
            TxIn(
                OutPoint(NULL_TXID, COINBASE_VOUT),
                pushed + b"\x00",
                0xFFFF_FFFF,
            ),
        ),
        outputs=outputs,
        lock_time=0,
    )
    everything = (generation, *transactions)
    root = merkle_root([transaction.txid_le for transaction in everything])
    nonce = 0
    while True:
        header = Header(0x2000_0000, previous, root, time, network.pow_limit_bits, nonce)
        if meets_target(header.hash_le, header.bits):
            return Block(header, everything)
        nonce += 1
