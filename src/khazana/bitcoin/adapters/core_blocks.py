"""Blocks and headers from a Bitcoin Core node, each held against its own hash."""

import re
import threading
from collections import OrderedDict
from collections.abc import Sequence

from khazana.bitcoin.adapters.core_errors import BlockPruned, NodeError
from khazana.bitcoin.adapters.core_http import CoreRpc
from khazana.bitcoin.block import HEADER_SIZE, Block, Header
from khazana.bitcoin.chain import BlockNotInBestChain, BlockRef, HeightBeyondTip
from khazana.bitcoin.reader import MalformedBytes
from khazana.units import BlockHash, Height

KEPT_BYTES = 16 * 2**20
"""Raw bytes of blocks that are kept parsed; in memory they take several times as much."""

_MISC_ERROR = -1
_NOT_FOUND = -5
_INVALID_PARAMETER = -8
_HIGHEST = 0x7FFF_FFFF
_HASH = re.compile(r"[0-9a-f]{64}")
_HEX = re.compile(r"(?:[0-9a-f]{2})*")


class CoreBlocks:
    """What a node says about blocks. A block's bytes never change, so some are kept."""

    def __init__(self, rpc: CoreRpc) -> None:
        self._rpc = rpc
        self._lock = threading.Lock()
        self._kept: OrderedDict[BlockHash, tuple[int, Block]] = OrderedDict()

    def tip(self) -> BlockRef:
        answer = self._rpc.call("getblockchaininfo")
        asked = "getblockchaininfo"
        if not isinstance(answer, dict):
            self._rpc.nonsense(asked, "no object")
        return BlockRef(
            self.height(answer.get("blocks"), asked), self.hash(answer.get("bestblockhash"), asked)
        )

    def at(self, height: Height) -> BlockRef:
        """The best chain's block at a height. Raises `HeightBeyondTip`."""
        if height < 0:
            raise ValueError(f"no block has height {height}")
        found = self._hash_at(height)
        if found is None:
            tip = self.tip()
            # The chain may have grown to that height between the two questions.
            found = self._hash_at(height) if tip.height >= height else None
            if found is None:
                raise HeightBeyondTip(height=height, tip=tip, source=self._rpc.source)
        return BlockRef(height, found)

    def of(self, block_hash: BlockHash) -> BlockRef:
        """The best chain's block with a hash. Raises `BlockNotInBestChain`."""
        absent = BlockNotInBestChain(block=block_hash, source=self._rpc.source)
        if not _HASH.fullmatch(block_hash):
            raise absent
        try:
            answer = self._rpc.call("getblockheader", block_hash, True)
        except NodeError as error:
            if error.number == _NOT_FOUND:
                raise absent from None
            raise
        if self._is_stale(answer, block_hash):
            raise absent
        ref = self._placed(answer, block_hash)
        if self._hash_at(ref.height) != block_hash:
            raise absent
        return ref

    def require(self, block: BlockRef) -> None:
        """Raises `BlockNotInBestChain` unless the block is there at its height now."""
        if self._hash_at(block.height) != block.hash:
            raise BlockNotInBestChain(block=str(block), source=self._rpc.source)

    def headers(self, first: Height, last: BlockRef) -> list[Header]:
        """Linked headers from a height up to and including `last`."""
        if not 0 <= first <= last.height:
            raise ValueError(f"no headers from {first} to {last.height}")
        self.require(last)
        try:
            found = self._linked(first, last)
        except NodeError:
            # The chain may have become shorter under our hands; that is said instead.
            self.require(last)
            raise
        self.require(last)
        if found is None:
            self._rpc.nonsense(
                f"the headers from {first} to {last}", "they do not stand on one another"
            )
        return found

    def placed(self, hashes: Sequence[BlockHash]) -> list[BlockRef]:
        """The heights of blocks that must all be in the best chain, lowest first."""
        answers = self._rpc.batch("getblockheader", [(each, True) for each in hashes])
        for answer, each in zip(answers, hashes, strict=True):
            if self._is_stale(answer, each):
                raise BlockNotInBestChain(block=each, source=self._rpc.source)
        pairs = zip(answers, hashes, strict=True)
        refs = sorted(self._placed(answer, each) for answer, each in pairs)
        there = self._rpc.batch("getblockhash", [(ref.height,) for ref in refs])
        for ref, found in zip(refs, there, strict=True):
            if found != ref.hash:
                raise BlockNotInBestChain(block=str(ref), source=self._rpc.source)
        return refs

    def block(self, block_hash: BlockHash) -> Block:
        """A block, parsed from its bytes and held against its hash and Merkle root."""
        with self._lock:
            if block_hash in self._kept:
                self._kept.move_to_end(block_hash)
                return self._kept[block_hash][1]
        asked = f"getblock {block_hash} 0"
        try:
            answer = self._rpc.call("getblock", block_hash, 0)
        except NodeError as error:
            # Core has said "(pruned data)", "(not fully downloaded)" and "not found on disk".
            missing = ("not available", "not found on disk")
            if error.number == _MISC_ERROR and any(m in error.message for m in missing):
                raise BlockPruned(source=self._rpc.source, block=block_hash) from None
            raise
        raw = self._bytes(answer, asked)
        try:
            block = Block.parse(raw)
        except MalformedBytes as error:
            self._rpc.nonsense(asked, f"it is no block ({error.problem} at byte {error.offset})")
        if block.hash != block_hash:
            self._rpc.nonsense(asked, f"the bytes are those of block {block.hash}")
        if not block.merkle_root_holds():
            self._rpc.nonsense(asked, "the transactions are not those that the header commits to")
        self._keep(block_hash, block, len(raw))
        return block

    def hash(self, value: object, asked: str) -> BlockHash:
        """A block hash in an answer, or the answer is refused."""
        if not isinstance(value, str) or not _HASH.fullmatch(value):
            self._rpc.nonsense(asked, "no block hash where one belongs")
        return BlockHash(value)

    def height(self, value: object, asked: str) -> Height:
        """A height in an answer, or the answer is refused."""
        if type(value) is not int or value < 0:
            self._rpc.nonsense(asked, "no height where one belongs")
        return Height(value)

    def _hash_at(self, height: Height) -> BlockHash | None:
        asked = f"getblockhash {height}"
        if not 0 <= height <= _HIGHEST:
            return None
        try:
            return self.hash(self._rpc.call("getblockhash", height), asked)
        except NodeError as error:
            if error.number == _INVALID_PARAMETER:
                return None
            raise

    def _linked(self, first: Height, last: BlockRef) -> list[Header] | None:
        """The headers, or None when they are not one chain that ends in `last`."""
        heights = range(first, last.height + 1)
        hashes = [
            self.hash(each, "getblockhash")
            for each in self._rpc.batch("getblockhash", [(height,) for height in heights])
        ]
        texts = self._rpc.batch("getblockheader", [(each, False) for each in hashes])
        found: list[Header] = []
        for text, each in zip(texts, hashes, strict=True):
            asked = f"getblockheader {each} false"
            raw = self._bytes(text, asked)
            if len(raw) != HEADER_SIZE:
                self._rpc.nonsense(asked, f"{len(raw)} bytes instead of {HEADER_SIZE}")
            header = Header.parse(raw)
            if header.hash != each:
                self._rpc.nonsense(asked, f"the bytes are those of block {header.hash}")
            if found and header.previous != found[-1].hash:
                return None
            found.append(header)
        return found if found[-1].hash == last.hash else None

    def _placed(self, answer: object, block_hash: BlockHash) -> BlockRef:
        asked = f"getblockheader {block_hash} true"
        if not isinstance(answer, dict) or answer.get("hash") != block_hash:
            self._rpc.nonsense(asked, "no header, or that of another block")
        return BlockRef(self.height(answer.get("height"), asked), block_hash)

    def _is_stale(self, answer: object, block_hash: BlockHash) -> bool:
        """Whether a block is outside the best chain: -1 confirmations."""
        count = answer.get("confirmations") if isinstance(answer, dict) else None
        if type(count) is not int:
            asked = f"getblockheader {block_hash} true"
            self._rpc.nonsense(asked, "no number of confirmations where one belongs")
        return count < 0

    def _bytes(self, value: object, asked: str) -> bytes:
        if not isinstance(value, str) or not _HEX.fullmatch(value):
            self._rpc.nonsense(asked, "no bytes in hex where they belong")
        return bytes.fromhex(value)

    def _keep(self, block_hash: BlockHash, block: Block, size: int) -> None:
        with self._lock:
            self._kept[block_hash] = size, block
            while sum(kept for kept, _ in self._kept.values()) > KEPT_BYTES:
                self._kept.popitem(last=False)
