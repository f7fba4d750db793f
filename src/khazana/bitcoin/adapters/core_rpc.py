"""The chain of a Bitcoin Core node as a ChainView: its filters find blocks, we read them.

Neither wallet nor address index is needed, and no wallet call is ever sent. The node must keep
every block and a block filter index (blockfilterindex=1).
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from types import TracebackType
from typing import Self

from khazana.bitcoin.adapters.core_blocks import CoreBlocks
from khazana.bitcoin.adapters.core_errors import BadCoreSource, NodeError
from khazana.bitcoin.adapters.core_http import CoreRpc
from khazana.bitcoin.adapters.core_place import CorePlace, core_place
from khazana.bitcoin.adapters.core_scan import blocks_of
from khazana.bitcoin.block import Block, Header, merkle_branch
from khazana.bitcoin.chain import (
    Basis,
    BasisKind,
    BlockRef,
    Coin,
    ConfirmedTransaction,
    TransactionNotInBlock,
    coins_after,
)
from khazana.bitcoin.network import Network, network_of_genesis
from khazana.bitcoin.transaction import OutPoint
from khazana.units import BlockHash, Height, Txid

KEPT_HISTORIES = 8
"""Whole histories kept in one view: a scan of the whole chain takes minutes."""


class CoreView:
    """Questions to a Bitcoin Core node. Safe for threads; close it when done."""

    def __init__(self, place: CorePlace, *, sleep: Callable[[float], None]) -> None:
        """Nothing is asked of the node yet. sleep: how to wait while it starts up, in seconds."""
        self._place = place
        self._rpc = CoreRpc(place, sleep=sleep)
        self._blocks = CoreBlocks(self._rpc)
        self._kept: OrderedDict[
            tuple[frozenset[bytes], BlockRef], tuple[ConfirmedTransaction, ...]
        ] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"CoreView({self._rpc.source!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the node."""
        self._rpc.close()

    @cached_property
    def network(self) -> Network:
        genesis = self._blocks.at(Height(0)).hash
        network = network_of_genesis(genesis)
        if network is None:
            self._rpc.nonsense(
                "getblockhash 0", f"{genesis} is the first block of no network known here"
            )
        if self._place.network not in (None, network.name):
            raise BadCoreSource(
                problem=f"the directory is that of {self._place.network}, and {self._place.url} "
                f"is a node of {network.name}"
            )
        return network

    @property
    def basis(self) -> Basis:
        return Basis(BasisKind.OWN_INDEX, self._rpc.source)

    def tip(self) -> BlockRef:
        return self._blocks.tip()

    def block_at(self, height: Height) -> BlockRef:
        return self._blocks.at(height)

    def block_of(self, block_hash: BlockHash) -> BlockRef:
        return self._blocks.of(block_hash)

    def headers(self, first: Height, last: BlockRef) -> Sequence[Header]:
        return self._blocks.headers(first, last)

    def history(
        self, scripts: Collection[bytes], after: BlockRef | None, until: BlockRef
    ) -> Sequence[ConfirmedTransaction]:
        self._require(after, until)
        try:
            found = self._whole_history(frozenset(scripts), until)
        except NodeError:
            # Heights may have gone with a reorganisation: then that is what is said.
            self._require(after, until)
            raise
        self._require(after, until)
        return [c for c in found if after is None or c.block.height > after.height]

    def coins_at(self, scripts: Collection[bytes], block: BlockRef) -> Sequence[Coin]:
        coins = coins_after(self.history(scripts, None, block), frozenset(scripts))
        return [coins[outpoint] for outpoint in sorted(coins)]

    def transaction(self, txid: Txid, block: BlockRef) -> ConfirmedTransaction:
        self._blocks.require(block)
        found = self._blocks.block(block.hash)
        self._blocks.require(block)
        for position, transaction in enumerate(found.transactions):
            if transaction.txid == txid:
                return _confirmed(found, block, position)
        raise TransactionNotInBlock(txid=txid, block=block, source=self._rpc.source)

    def coinbases(self, first: Height, last: BlockRef) -> Sequence[ConfirmedTransaction]:
        """The first transaction of each block (see khazana.bitcoin.coinbases)."""
        found = []
        for height, header in enumerate(self._blocks.headers(first, last), start=first):
            block = self._blocks.block(header.hash)
            found.append(_confirmed(block, BlockRef(Height(height), header.hash), 0))
        self._blocks.require(last)
        return found

    def _require(self, *named: BlockRef | None) -> None:
        for block in named:
            if block is not None:
                self._blocks.require(block)

    def _whole_history(
        self, scripts: frozenset[bytes], until: BlockRef
    ) -> tuple[ConfirmedTransaction, ...]:
        """The history since the genesis block: to see a spend, one must have seen the coin."""
        if not scripts:
            return ()
        with self._lock:
            if (scripts, until) in self._kept:
                return self._kept[scripts, until]
        paid: set[OutPoint] = set()
        found: list[ConfirmedTransaction] = []
        for ref in blocks_of(self._rpc, self._blocks, scripts, until):
            block = self._blocks.block(ref.hash)
            for position, transaction in enumerate(block.transactions):
                ours = [
                    transaction.outpoint(vout)
                    for vout, output in enumerate(transaction.outputs)
                    if output.script in scripts
                ]
                if ours or any(i.outpoint in paid for i in transaction.inputs):
                    found.append(_confirmed(block, ref, position))
                paid.update(ours)
        with self._lock:
            # Named by the hash of its last block, so it stays true of that chain for ever.
            self._kept[scripts, until] = tuple(found)
            if len(self._kept) > KEPT_HISTORIES:
                self._kept.popitem(last=False)
        return tuple(found)


def _confirmed(block: Block, ref: BlockRef, position: int) -> ConfirmedTransaction:
    leaves = [transaction.txid_le for transaction in block.transactions]
    return ConfirmedTransaction(
        block.transactions[position], ref, position, merkle_branch(leaves, position)
    )


def open_core(rest: str, *, sleep: Callable[[float], None] = time.sleep) -> CoreView:
    """The node named after `core:`: a URL with a login or cookie file, or a data directory.

    sleep: how to wait, in seconds, while the node starts up. Raises `BadCoreSource`; nothing is
    asked of the node yet.
    """
    return CoreView(core_place(rest), sleep=sleep)
