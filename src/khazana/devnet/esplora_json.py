"""The JSON shapes of an Esplora server: transactions, blocks, coins and their status."""

from typing import Any

from khazana.bitcoin.address import address_of
from khazana.bitcoin.hashes import displayed
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.script import ScriptKind, classify
from khazana.bitcoin.transaction import OutPoint, Transaction, TxOut
from khazana.bitcoin.work import difficulty_of
from khazana.devnet.admission import weight_of
from khazana.devnet.index import ActiveBlock, ChainIndex, Placed, Spender
from khazana.devnet.mempool import Mempool
from khazana.devnet.sigops import sigops_cost
from khazana.units import Txid

Json = dict[str, Any]

_KINDS = {
    ScriptKind.P2PK: "p2pk",
    ScriptKind.P2PKH: "p2pkh",
    ScriptKind.P2SH: "p2sh",
    ScriptKind.MULTISIG: "multisig",
    ScriptKind.P2WPKH: "v0_p2wpkh",
    ScriptKind.P2WSH: "v0_p2wsh",
    ScriptKind.P2TR: "v1_p2tr",
    ScriptKind.ANCHOR: "anchor",
    ScriptKind.WITNESS_UNKNOWN: "unknown",
    ScriptKind.NULL_DATA: "op_return",
    ScriptKind.NONSTANDARD: "unknown",
}


def output_json(output: TxOut) -> Json:
    kind = "empty" if not output.script else _KINDS[classify(output.script).kind]
    found: Json = {"scriptpubkey": output.script.hex(), "scriptpubkey_type": kind}
    address = address_of(output.script, REGTEST)
    if address is not None:
        found["scriptpubkey_address"] = address
    found["value"] = output.amount
    return found


def status_json(index: ChainIndex, txid: Txid) -> Json:
    """Where a transaction stands; as with a real server, unknown ones are just unconfirmed."""
    placed = index.placed(txid)
    if placed is None:
        return {"confirmed": False}
    block = index.blocks[placed.height]
    return {
        "confirmed": True,
        "block_height": block.ref.height,
        "block_hash": block.ref.hash,
        "block_time": block.header.time,
    }


def transaction_json(transaction: Transaction, index: ChainIndex, mempool: Mempool) -> Json:
    coinbase = transaction.is_coinbase
    spent = [] if coinbase else [_spent(t.outpoint, index, mempool) for t in transaction.inputs]
    paid_in = sum(output.amount for output in spent)
    inputs = []
    for position, source in enumerate(transaction.inputs):
        found: Json = {
            "txid": source.outpoint.txid,
            "vout": source.outpoint.vout,
            "prevout": None if coinbase else output_json(spent[position]),
            "scriptsig": source.script_sig.hex(),
            "is_coinbase": coinbase,
            "sequence": source.sequence,
        }
        if source.witness:
            found["witness"] = [item.hex() for item in source.witness]
        inputs.append(found)
    paid_out = sum(output.amount for output in transaction.outputs)
    return {
        "txid": transaction.txid,
        "version": transaction.version & 0xFFFF_FFFF,
        "locktime": transaction.lock_time,
        "vin": inputs,
        "vout": [output_json(output) for output in transaction.outputs],
        "size": len(transaction.serialize()),
        "weight": weight_of(transaction),
        "sigops": sigops_cost(transaction, spent),
        "fee": 0 if coinbase else paid_in - paid_out,
        "status": status_json(index, transaction.txid),
    }


def block_json(block: ActiveBlock) -> Json:
    header = block.header
    return {
        "id": block.ref.hash,
        "height": block.ref.height,
        "version": header.version,
        "timestamp": header.time,
        "tx_count": len(block.txids),
        "size": block.size,
        "weight": block.weight,
        "merkle_root": displayed(header.merkle_root_le),
        "previousblockhash": header.previous if block.ref.height else None,
        "mediantime": block.median_time,
        "nonce": header.nonce,
        "bits": header.bits,
        "difficulty": float(difficulty_of(header.bits)),
    }


def merkle_proof_json(placed: Placed, index: ChainIndex) -> Json:
    confirmed = index.confirmed(placed)
    return {
        "block_height": placed.height,
        "merkle": [displayed(sibling_le) for sibling_le in confirmed.branch_le],
        "pos": placed.position,
    }


def outspend_json(spender: Spender | None, index: ChainIndex) -> Json:
    if spender is None:
        return {"spent": False}
    return {
        "spent": True,
        "txid": spender.txid,
        "vin": spender.vin,
        "status": status_json(index, spender.txid),
    }


def script_stats(script: bytes, index: ChainIndex, mempool: Mempool) -> tuple[Json, Json]:
    """What ever went in and out of a script: in blocks, and waiting."""
    chain = _Stats()
    for placed in index.history(script):
        chain.count(placed.transaction, script, index, mempool)
    waiting_stats = _Stats()
    for waiting in mempool.touching(script):
        waiting_stats.count(waiting.transaction, script, index, mempool)
    return chain.json(), waiting_stats.json()


class _Stats:
    def __init__(self) -> None:
        self.funded: list[int] = []
        self.spent: list[int] = []
        self.transactions = 0

    def count(
        self, transaction: Transaction, script: bytes, index: ChainIndex, mempool: Mempool
    ) -> None:
        self.transactions += 1
        self.funded += [o.amount for o in transaction.outputs if o.script == script]
        if not transaction.is_coinbase:
            sources = [_spent(i.outpoint, index, mempool) for i in transaction.inputs]
            self.spent += [o.amount for o in sources if o.script == script]

    def json(self) -> Json:
        return {
            "funded_txo_count": len(self.funded),
            "funded_txo_sum": sum(self.funded),
            "spent_txo_count": len(self.spent),
            "spent_txo_sum": sum(self.spent),
            "tx_count": self.transactions,
        }


def coins_json(script: bytes, index: ChainIndex, mempool: Mempool) -> list[Json]:
    """The unspent outputs of a script; what a waiting transaction spends is not among them."""
    found = []
    for waiting in reversed(mempool.touching(script)):
        for vout, output in enumerate(waiting.transaction.outputs):
            outpoint = waiting.transaction.outpoint(vout)
            if output.script == script and mempool.spender(outpoint) is None:
                found.append((outpoint, output.amount))
    confirmed = [c for c in index.coins(script) if mempool.spender(c.outpoint) is None]
    confirmed.sort(key=lambda c: (-c.block.height, c.outpoint))
    found += [(coin.outpoint, coin.amount) for coin in confirmed]
    return [
        {
            "txid": outpoint.txid,
            "vout": outpoint.vout,
            "status": status_json(index, outpoint.txid),
            "value": amount,
        }
        for outpoint, amount in found
    ]


def _spent(outpoint: OutPoint, index: ChainIndex, mempool: Mempool) -> TxOut:
    placed = index.placed(outpoint.txid)
    if placed is not None:
        return placed.transaction.outputs[outpoint.vout]
    output = mempool.output(outpoint)
    if output is None:
        raise LookupError(f"{outpoint} is spent by a known transaction and unknown itself")
    return output
