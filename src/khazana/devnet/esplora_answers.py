"""What an Esplora server answers, question by question, from an open devnet.

The caller holds the devnet's lock for the length of one answer. Page sizes, status codes and the
words of refusals are those of the public servers, because wallets depend on them.
"""

from collections.abc import Sequence
from itertools import pairwise

from khazana.bitcoin import address as addresses
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.script import is_unspendable
from khazana.bitcoin.transaction import OutPoint, Transaction
from khazana.devnet import esplora_json as shapes
from khazana.devnet.admission import TransactionRefused
from khazana.devnet.esplora_json import Json
from khazana.devnet.index import ActiveBlock, Placed
from khazana.devnet.network import Devnet
from khazana.errors import KhazanaError
from khazana.units import BlockHash, Txid

CHAIN_PAGE = 25
MEMPOOL_PAGE = 50
BLOCKS_PAGE = 10
RECENT = 10
_BLOCK_VSIZE = 1_000_000
_FEE_TARGETS = (*range(1, 26), 144, 504, 1008)
_HISTOGRAM_BIN_VSIZE = 50_000


class Refusal(Exception):
    """An answer that is not 200: its HTTP status and its text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Answers:
    """One method for each question; arguments are the pieces of the path, as text."""

    def __init__(self, devnet: Devnet) -> None:
        self._devnet = devnet
        self._index = devnet.index
        self._mempool = devnet.mempool

    # Blocks

    def blocks(self, start: str | None = None) -> list[Json]:
        """Ten blocks, newest first, from height `start` or the tip downwards."""
        top = self._index.tip.height if start is None else _whole(start)
        if top > self._index.tip.height:
            raise Refusal(404, "Block not found")
        chosen = self._index.blocks[max(top - BLOCKS_PAGE + 1, 0) : top + 1]
        return [shapes.block_json(block) for block in reversed(chosen)]

    def tip_height(self) -> str:
        return str(self._index.tip.height)

    def tip_hash(self) -> str:
        return self._index.tip.hash

    def hash_at(self, height: str) -> str:
        number = _whole(height)
        if number > self._index.tip.height:
            raise Refusal(404, "Block not found")
        return self._index.blocks[number].ref.hash

    def block(self, block_hash: str) -> Json:
        return shapes.block_json(self._active(block_hash))

    def block_status(self, block_hash: str) -> Json:
        found = BlockHash(_hash(block_hash))
        height = self._index.height_of(found)
        if height is None:
            if self._devnet.raw_block(found) is None:
                raise Refusal(404, "Block not found")
            return {"in_best_chain": False, "height": None, "next_best": None}
        after = self._index.blocks[height + 1 : height + 2]
        return {
            "in_best_chain": True,
            "height": height,
            "next_best": after[0].ref.hash if after else None,
        }

    def block_txids(self, block_hash: str) -> list[Txid]:
        return list(self._active(block_hash).txids)

    def block_txid(self, block_hash: str, position: str) -> str:
        txids = self._active(block_hash).txids
        number = _whole(position)
        if number >= len(txids):
            raise Refusal(404, "tx index out of range")
        return txids[number]

    def block_transactions(self, block_hash: str, start: str = "0") -> list[Json]:
        txids, first = self._active(block_hash).txids, _whole(start)
        if first >= len(txids):
            raise Refusal(400, "start index out of range")
        if first % CHAIN_PAGE:
            raise Refusal(400, f"start index must be a multiple of {CHAIN_PAGE}")
        return [self._json(self._known(txid)) for txid in txids[first : first + CHAIN_PAGE]]

    def block_header(self, block_hash: str) -> str:
        return self.block_raw(block_hash)[:80].hex()

    def block_raw(self, block_hash: str) -> bytes:
        """The block's bytes; stale blocks are kept and given as well."""
        raw = self._devnet.raw_block(BlockHash(_hash(block_hash)))
        if raw is None:
            raise Refusal(404, "Block not found")
        return raw

    # Transactions

    def transaction(self, txid: str) -> Json:
        return self._json(self._known(txid))

    def transaction_status(self, txid: str) -> Json:
        return shapes.status_json(self._index, Txid(_hash(txid)))

    def transaction_raw(self, txid: str) -> bytes:
        return self._known(txid).serialize()

    def transaction_hex(self, txid: str) -> str:
        return self._known(txid).serialize().hex()

    def merkle_proof(self, txid: str) -> Json:
        placed = self._index.placed(Txid(_hash(txid)))
        if placed is None:
            raise Refusal(404, "Transaction not found or is unconfirmed")
        return shapes.merkle_proof_json(placed, self._index)

    def outspend(self, txid: str, vout: str) -> Json:
        return self._outspend(OutPoint(Txid(_hash(txid)), _whole(vout)))

    def outspends(self, txid: str) -> list[Json]:
        transaction = self._known(txid)
        return [
            {"spent": False}
            if is_unspendable(output.script)
            else self._outspend(transaction.outpoint(vout))
            for vout, output in enumerate(transaction.outputs)
        ]

    def broadcast(self, text: str) -> str:
        """Take a transaction in hex; returns its txid."""
        try:
            transaction = Transaction.parse(bytes.fromhex(text.strip()))
        except (ValueError, MalformedBytes) as error:
            raise _rpc_refusal(-22, f"TX decode failed. {error}") from None
        try:
            return self._devnet.submit_transaction(transaction)
        except TransactionRefused as error:
            raise _rpc_refusal(error.rpc_code, f"{error.reason}, {error.detail}") from None

    # Scripts and addresses

    def script_of_hash(self, script_hash: str) -> bytes | None:
        """The script with this SHA-256 (not reversed, unlike in Electrum's protocol)."""
        wanted = bytes.fromhex(_hash(script_hash))
        script = self._index.script_with_hash(wanted)
        return self._mempool.script_with_hash(wanted) if script is None else script

    def script_of_address(self, address: str) -> bytes:
        try:
            return addresses.script_of(address, self._devnet.network)
        except KhazanaError as error:
            raise Refusal(400, f"Invalid Bitcoin address: {error}") from None

    def script_stats(self, script: bytes | None) -> Json:
        chain, waiting = shapes.script_stats(script or b"", self._index, self._mempool)
        if script is None:
            chain = waiting = dict.fromkeys(chain, 0)
        return {"chain_stats": chain, "mempool_stats": waiting}

    def script_transactions(self, script: bytes | None) -> list[Json]:
        """Up to 50 that wait, then the 25 newest in blocks."""
        return self.script_waiting(script) + self.script_chain(script)

    def script_waiting(self, script: bytes | None) -> list[Json]:
        if script is None:
            return []
        newest_first = self._mempool.touching(script)[::-1]
        return [self._json(waiting.transaction) for waiting in newest_first[:MEMPOOL_PAGE]]

    def script_chain(self, script: bytes | None, after: str | None = None) -> list[Json]:
        """25 in blocks, newest first, beginning behind the transaction `after`."""
        if script is None:
            return []
        newest_first: Sequence[Placed] = self._index.history(script)[::-1]
        if after is not None:
            last_seen = _hash(after)
            places = [n for n, p in enumerate(newest_first) if p.transaction.txid == last_seen]
            newest_first = newest_first[places[0] + 1 :] if places else []
        return [self._json(placed.transaction) for placed in newest_first[:CHAIN_PAGE]]

    def script_coins(self, script: bytes | None) -> list[Json]:
        if script is None:
            return []
        return shapes.coins_json(script, self._index, self._mempool)

    # Mempool and fees

    def mempool(self) -> Json:
        return {
            "count": len(self._mempool),
            "vsize": self._mempool.total_vsize,
            "total_fee": sum(waiting.fee for waiting in self._mempool),
            "fee_histogram": self._fee_histogram(),
        }

    def mempool_txids(self) -> list[Txid]:
        return [waiting.txid for waiting in self._mempool]

    def mempool_recent(self) -> list[Json]:
        newest = list(self._mempool)[: -RECENT - 1 : -1]
        return [
            {
                "txid": waiting.txid,
                "fee": waiting.fee,
                "vsize": waiting.vsize,
                "value": sum(output.amount for output in waiting.transaction.outputs),
            }
            for waiting in newest
        ]

    def fee_estimates(self) -> dict[str, float]:
        """Satoshis per virtual byte for confirmation within so many blocks."""
        rates = self._rates()
        estimates = {}
        for target in _FEE_TARGETS:
            behind, rate = 0, 1.0
            for sat_per_vbyte, vsize in rates:
                behind += vsize
                if behind > target * _BLOCK_VSIZE:
                    rate = max(1.0, sat_per_vbyte)
                    break
            estimates[str(target)] = rate
        return estimates

    def _rates(self) -> list[tuple[float, int]]:
        """Fee rate and size of what waits, the best paying first."""
        return sorted(((w.fee / w.vsize, w.vsize) for w in self._mempool), reverse=True)

    def _fee_histogram(self) -> list[tuple[float, int]]:
        bins: list[tuple[float, int]] = []
        size = 0
        for (rate, vsize), (next_rate, _) in pairwise([*self._rates(), (-1.0, 0)]):
            size += vsize
            if next_rate < 0 or (size > _HISTOGRAM_BIN_VSIZE and next_rate != rate):
                bins.append((rate, size))
                size = 0
        return bins

    def _outspend(self, outpoint: OutPoint) -> Json:
        spender = self._index.spender(outpoint) or self._mempool.spender(outpoint)
        return shapes.outspend_json(spender, self._index)

    def _known(self, txid: str) -> Transaction:
        wanted = Txid(_hash(txid))
        placed = self._index.placed(wanted)
        if placed is not None:
            return placed.transaction
        waiting = self._mempool.get(wanted)
        if waiting is None:
            raise Refusal(404, "Transaction not found")
        return waiting.transaction

    def _active(self, block_hash: str) -> ActiveBlock:
        height = self._index.height_of(BlockHash(_hash(block_hash)))
        if height is None:
            raise Refusal(404, "Block not found")
        return self._index.blocks[height]

    def _json(self, transaction: Transaction) -> Json:
        return shapes.transaction_json(transaction, self._index, self._mempool)


def _hash(text: str) -> str:
    """64 hex digits, or a refusal in the servers' words."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raise Refusal(400, "Invalid hex string") from None
    if len(raw) != 32 or len(text) != 64:
        raise Refusal(400, "Invalid hex string")
    return text.lower()


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise Refusal(400, "Invalid number")
    return int(text)


def _rpc_refusal(number: int, message: str) -> Refusal:
    escaped = message.replace("\\", "\\\\").replace('"', '\\"')
    return Refusal(400, f'sendrawtransaction RPC error: {{"code":{number},"message":"{escaped}"}}')
