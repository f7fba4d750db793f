"""The devnet as a ChainView, in process: answers rest on its own validated blocks."""

from collections.abc import Collection, Sequence

from khazana.bitcoin.block import Header
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
from khazana.bitcoin.network import Network
from khazana.devnet.index import Placed
from khazana.devnet.network import Devnet
from khazana.units import BlockHash, Height, Txid


class DevnetView:
    """Questions to an open devnet. Every answer is given under its lock, so from one chain."""

    def __init__(self, devnet: Devnet) -> None:
        self._devnet = devnet
        self._source = f"devnet {devnet.directory}"

    @property
    def network(self) -> Network:
        return self._devnet.network

    @property
    def basis(self) -> Basis:
        return Basis(BasisKind.OWN_BLOCKS, self._source)

    def tip(self) -> BlockRef:
        return self._devnet.tip()

    def block_at(self, height: Height) -> BlockRef:
        if height < 0:
            raise ValueError(f"no block has height {height}")
        with self._devnet.lock:
            index = self._devnet.index
            if height > index.tip.height:
                raise HeightBeyondTip(height=height, tip=index.tip, source=self._source)
            return index.blocks[height].ref

    def block_of(self, block_hash: BlockHash) -> BlockRef:
        with self._devnet.lock:
            height = self._devnet.index.height_of(block_hash)
            if height is None:
                raise BlockNotInBestChain(block=block_hash, source=self._source)
            return BlockRef(height, block_hash)

    def headers(self, first: Height, last: BlockRef) -> Sequence[Header]:
        if not 0 <= first <= last.height:
            raise ValueError(f"no headers from {first} to {last.height}")
        with self._devnet.lock:
            self._check(last)
            return [block.header for block in self._devnet.index.blocks[first : last.height + 1]]

    def history(
        self, scripts: Collection[bytes], after: BlockRef | None, until: BlockRef
    ) -> Sequence[ConfirmedTransaction]:
        with self._devnet.lock:
            index = self._devnet.index
            self._check(until)
            first = 0
            if after is not None:
                self._check(after)
                first = after.height + 1
            found: dict[Txid, Placed] = {}
            for script in frozenset(scripts):
                for placed in index.history(script):
                    if first <= placed.height <= until.height:
                        found[placed.transaction.txid] = placed
            ordered = sorted(found.values(), key=_chain_order)
            return [index.confirmed(placed) for placed in ordered]

    def coins_at(self, scripts: Collection[bytes], block: BlockRef) -> Sequence[Coin]:
        coins = coins_after(self.history(scripts, None, block), frozenset(scripts))
        return sorted(coins.values(), key=_outpoint_order)

    def transaction(self, txid: Txid, block: BlockRef) -> ConfirmedTransaction:
        with self._devnet.lock:
            self._check(block)
            placed = self._devnet.index.placed(txid)
            if placed is None or placed.height != block.height:
                raise TransactionNotInBlock(txid=txid, block=block, source=self._source)
            return self._devnet.index.confirmed(placed)

    def _check(self, block: BlockRef) -> None:
        if self._devnet.index.height_of(block.hash) != block.height:
            raise BlockNotInBestChain(block=str(block), source=self._source)


def _chain_order(placed: Placed) -> tuple[int, int]:
    return placed.height, placed.position


def _outpoint_order(coin: Coin) -> tuple[Txid, int]:
    return coin.outpoint.txid, coin.outpoint.vout
