"""ChainView over an Esplora server: somebody's word, checked as far as hashes reach.

Checked here: every transaction hashes to its txid, stands in its block by a Merkle proof, and its
block's header hashes to the block's name. Not to be checked: that nothing was left out.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from random import Random
from typing import Self, TypeVar

from khazana.bitcoin.adapters.esplora_blocks import EsploraBlocks
from khazana.bitcoin.adapters.esplora_history import ChainMoved, EsploraHistory
from khazana.bitcoin.adapters.esplora_requests import DEFAULT_LIMITS, EsploraHttp, Limits
from khazana.bitcoin.adapters.esplora_shapes import BlockStatus
from khazana.bitcoin.adapters.web import WebAddress, is_hash
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
from khazana.bitcoin.network import Network, network_of_genesis
from khazana.units import BlockHash, Height, Txid

T = TypeVar("T")

READS = 3
"""How often a read is begun again because the chain changed in the middle of it."""
_GENESIS = Height(0)
_HIGHEST = 0x7FFF_FFFF


class EsploraChain:
    """Questions to one Esplora server. Use as a context manager, or `close` it.

    >>> import time
    >>> address = WebAddress.parse("https://name:secret@esplora.example/api/")
    >>> chain = EsploraChain(address, jitter=Random(1), sleep=time.sleep)
    >>> print(chain.basis)
    word of https://esplora.example/api
    """

    def __init__(
        self,
        address: WebAddress,
        *,
        jitter: Random,
        sleep: Callable[[float], None],
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._http = EsploraHttp(address, jitter=jitter, sleep=sleep, limits=limits)
        self._blocks = EsploraBlocks(self._http)
        self._history = EsploraHistory(
            self._http, self._blocks, most_transactions=limits.most_transactions
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    @cached_property
    def network(self) -> Network:
        genesis = self._blocks.hash_at(_GENESIS)
        network = None if genesis is None else network_of_genesis(genesis)
        if network is None:
            said = "there is none" if genesis is None else f"{genesis} starts no known network"
            raise self._http.error("/block-height/0", f"the genesis block: {said}")
        return network

    @property
    def basis(self) -> Basis:
        return Basis(BasisKind.WORD_OF, self._http.url)

    def tip(self) -> BlockRef:
        # One question: height and hash are of the same moment.
        page = self._blocks.page(None)
        if not page:
            raise self._http.error("/blocks", "no such page (status 404): not an Esplora server?")
        return page[0]

    def block_at(self, height: Height) -> BlockRef:
        if height < 0:
            raise ValueError(f"no block has height {height}")
        block_hash = self._blocks.hash_at(height) if height <= _HIGHEST else None
        if block_hash is None:
            raise HeightBeyondTip(height=height, tip=self.tip(), source=self._http.url)
        return BlockRef(height, block_hash)

    def block_of(self, block_hash: BlockHash) -> BlockRef:
        if is_hash(block_hash):
            path = f"/block/{block_hash}/status"
            status = self._http.json(path, BlockStatus)
            if status is not None and status.in_best_chain and status.height is not None:
                block = BlockRef(Height(status.height), block_hash)
                if self._blocks.is_best(block):
                    return block
        raise BlockNotInBestChain(block=block_hash, source=self._http.url)

    def headers(self, first: Height, last: BlockRef) -> Sequence[Header]:
        if not 0 <= first <= last.height:
            raise ValueError(f"no headers from {first} to {last.height}")

        def read() -> Sequence[Header]:
            found = self._blocks.ending_in(last, first=first)
            if found is None:
                raise ChainMoved
            if first == _GENESIS and found[0].hash != self.network.genesis:
                raise self._http.error(
                    f"/block/{last.hash}/header",
                    f"{last.height} blocks below {last} stands {found[0].hash}, not the genesis "
                    "block: the height is wrong",
                )
            return found

        return self._settled([last], read)

    def history(
        self, scripts: Collection[bytes], after: BlockRef | None, until: BlockRef
    ) -> Sequence[ConfirmedTransaction]:
        edges = [until] if after is None else [after, until]
        floor = None if after is None else after.height
        return self._settled(
            edges, lambda: self._history.history(scripts, after=floor, until=until.height)
        )

    def coins_at(self, scripts: Collection[bytes], block: BlockRef) -> Sequence[Coin]:
        coins = coins_after(self.history(scripts, None, block), scripts)
        return [coins[outpoint] for outpoint in sorted(coins)]

    def transaction(self, txid: Txid, block: BlockRef) -> ConfirmedTransaction:
        def read() -> ConfirmedTransaction | None:
            return self._history.transaction(txid, block) if is_hash(txid) else None

        found = self._settled([block], read)
        if found is None:
            raise TransactionNotInBlock(txid=txid, block=block, source=self._http.url)
        return found

    def _settled(self, blocks: Collection[BlockRef], read: Callable[[], T]) -> T:
        """An answer read while these blocks were in the best chain, at its start and its end."""
        self._require(blocks)
        for _ in range(READS):
            try:
                answer = read()
            except ChainMoved:
                self._require(blocks)
                continue
            self._require(blocks)
            return answer
        raise self._http.error(
            "/blocks/tip/hash", f"the chain changed during each of {READS} reads; ask again later"
        )

    def _require(self, blocks: Collection[BlockRef]) -> None:
        for block in blocks:
            if block.height > _HIGHEST or not self._blocks.is_best(block):
                raise BlockNotInBestChain(block=str(block), source=self._http.url)
