"""The miner: which waiting transactions go into a block, and the block around them."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from khazana.bitcoin.block import Block, Header, merkle_root
from khazana.bitcoin.hashes import sha256d
from khazana.bitcoin.network import REGTEST, Network
from khazana.bitcoin.script import OP_1, OP_RETURN
from khazana.bitcoin.transaction import (
    COINBASE_VOUT,
    NULL_TXID,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
)
from khazana.bitcoin.work import block_subsidy, meets_target
from khazana.devnet.mempool import Mempool
from khazana.devnet.sigops import MAX_BLOCK_SIGOPS_COST
from khazana.units import BlockHash, Height, Sats, Txid

MAX_BLOCK_WEIGHT = 4_000_000
RESERVED_WEIGHT = 8_000
"""Left free for the header, the count and the coinbase (Bitcoin Core's default)."""

_RESERVED_SIGOPS = 400
_VERSION = 0x2000_0000
_WITNESS_COMMITMENT = bytes([OP_RETURN, 0x24]) + bytes.fromhex("aa21a9ed")  # BIP-141
_WITNESS_RESERVED = bytes(32)
_FINAL_SEQUENCE = 0xFFFF_FFFF


@dataclass(frozen=True)
class Chosen:
    """Transactions for a block in an order in which each may spend from those before it."""

    transactions: tuple[Transaction, ...]
    fees: Sats


@dataclass(frozen=True, slots=True)
class _Package:
    """A waiting transaction with the ancestors that are not in the block yet."""

    txids: frozenset[Txid]
    fee: int
    vsize: int

    @property
    def rate_key(self) -> float:
        """Sorts packages, the best first. Only an order: no amount is computed from it."""
        return -self.fee / self.vsize


def choose(mempool: Mempool) -> Chosen:
    """Fill a block by the fee rate of each transaction together with its missing ancestors.

    A parent with a low fee gets in when its child pays for both. Everything that waits is final
    for the next block: the mempool sees to it.
    """
    chosen: dict[Txid, None] = {}
    weight, sigops, fees = RESERVED_WEIGHT, _RESERVED_SIGOPS, 0
    arrival = mempool.arrival
    packages = {waiting.txid: _package(mempool, waiting.txid, chosen) for waiting in mempool}
    heap = [(package.rate_key, arrival(txid), txid) for txid, package in packages.items()]
    heapq.heapify(heap)
    while heap:
        rate_key, _, txid = heapq.heappop(heap)
        package = packages[txid]
        if txid in chosen or rate_key != package.rate_key:
            continue  # in already, or judged anew since: a fresher entry is on the heap
        members = [w for t in package.txids if (w := mempool.get(t)) is not None]
        more_weight = sum(w.appraisal.weight for w in members)
        more_sigops = sum(w.appraisal.sigops_cost for w in members)
        if weight + more_weight > MAX_BLOCK_WEIGHT or sigops + more_sigops > MAX_BLOCK_SIGOPS_COST:
            continue
        weight += more_weight
        sigops += more_sigops
        fees += package.fee
        # Arrival order puts parents before children.
        for member in sorted(package.txids, key=arrival):
            chosen[member] = None
        below = {d for member in package.txids for d in mempool.descendants(member)}
        for descendant in below.difference(chosen):
            packages[descendant] = _package(mempool, descendant, chosen)
            heapq.heappush(heap, (packages[descendant].rate_key, arrival(descendant), descendant))
    transactions = [w.transaction for t in chosen if (w := mempool.get(t)) is not None]
    return Chosen(tuple(transactions), Sats(fees))


def build_block(
    *,
    previous: BlockHash,
    height: Height,
    time: int,
    script: bytes,
    chosen: Chosen,
    extra_nonce: int,
    network: Network = REGTEST,
) -> Block:
    """A block with its proof of work, paying subsidy and fees to `script`.

    time: seconds since 1970 (UTC). extra_nonce: makes the coinbase, and so the block, unique.
    """
    reward = Sats(block_subsidy(height, network) + chosen.fees)
    coinbase = _coinbase(height, script, reward, chosen.transactions, extra_nonce)
    transactions = (coinbase, *chosen.transactions)
    root = merkle_root([transaction.txid_le for transaction in transactions])
    nonce = 0
    while True:
        header = Header(_VERSION, previous, root, time, network.pow_limit_bits, nonce)
        if meets_target(header.hash_le, header.bits):  # every second nonce does on regtest
            return Block(header, transactions)
        nonce += 1


def _coinbase(
    height: Height,
    script: bytes,
    reward: Sats,
    transactions: Sequence[Transaction],
    extra_nonce: int,
) -> Transaction:
    tag = extra_nonce.to_bytes(8, "little")
    script_sig = _push_height(height) + bytes([len(tag)]) + tag
    wtxids = [bytes(32), *(transaction.wtxid_le for transaction in transactions)]
    commitment = sha256d(merkle_root(wtxids) + _WITNESS_RESERVED)
    source = TxIn(
        OutPoint(NULL_TXID, COINBASE_VOUT), script_sig, _FINAL_SEQUENCE, (_WITNESS_RESERVED,)
    )
    outputs = (TxOut(reward, script), TxOut(Sats(0), _WITNESS_COMMITMENT + commitment))
    return Transaction(2, (source,), outputs, 0)


def _push_height(height: Height) -> bytes:
    """BIP-34: the height as the first push, a script number in its shortest form."""
    if height <= 16:
        return bytes([OP_1 + height - 1])
    number = height.to_bytes(height.bit_length() // 8 + 1, "little")
    return bytes([len(number)]) + number


def _package(mempool: Mempool, txid: Txid, chosen: dict[Txid, None]) -> _Package:
    txids = frozenset(t for t in mempool.ancestors([txid]) if t not in chosen)
    members = [w for t in txids if (w := mempool.get(t)) is not None]
    return _Package(txids, sum(w.fee for w in members), sum(w.vsize for w in members))
