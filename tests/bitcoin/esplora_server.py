"""An honest Esplora API over a SimulatedChain, so that the adapter is tested over real HTTP."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from khazana.bitcoin.block import merkle_branch
from khazana.bitcoin.hashes import displayed, sha256
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import Transaction
from khazana.units import Txid
from tests.bitcoin.loopback import Question, Reply, served

MISSING = Reply(404, b"not found")


@dataclass
class EsploraServer:
    """Answers like Blockstream's server; a test bends it by `instead` and `before`.

    page_size: confirmed transactions per page. order_within_blocks: sign of the order of one
    block's transactions in a list, since servers differ. before: called before each answer.
    instead: gives the answer in place of the honest one, or None to be honest.
    """

    chain: SimulatedChain
    page_size: int = 25
    order_within_blocks: int = 1
    before: Callable[[str], None] | None = None
    instead: Callable[[str, Reply], Reply | None] | None = None
    asked: list[str] = field(default_factory=list)
    authorizations: set[str | None] = field(default_factory=set)

    @contextmanager
    def running(self) -> Iterator[str]:
        with served(self.answer) as url:
            yield url

    def answer(self, question: Question) -> Reply:
        self.asked.append(question.path)
        self.authorizations.add(question.authorization)
        if self.before is not None:
            self.before(question.path)
        reply = self._honest(question.path)
        if self.instead is not None:
            return self.instead(question.path, reply) or reply
        return reply

    def _honest(self, path: str) -> Reply:
        for pattern, answer in _ROUTES:
            if match := re.fullmatch(pattern, path):
                return answer(self, *match.groups())
        return MISSING

    # What the chain holds

    def height_of(self, block_hash: str) -> int | None:
        blocks = enumerate(self.chain.blocks)
        return next((height for height, block in blocks if block.hash == block_hash), None)

    def placed(self, txid: str) -> tuple[int, int] | None:
        for height, block in enumerate(self.chain.blocks):
            for position, transaction in enumerate(block.transactions):
                if transaction.txid == txid:
                    return height, position
        return None

    def output(self, txid: str, vout: int) -> bytes:
        height, position = self.placed(txid) or (0, 0)
        return self.chain.blocks[height].transactions[position].outputs[vout].script

    # Answers

    def tip_height(self) -> Reply:
        return _text(str(len(self.chain.blocks) - 1))

    def tip_hash(self) -> Reply:
        return _text(self.chain.blocks[-1].hash)

    def block_height(self, height: str) -> Reply:
        wanted = int(height)
        return _text(self.chain.blocks[wanted].hash) if wanted < len(self.chain.blocks) else MISSING

    def blocks(self, start: str | None = None) -> Reply:
        first = len(self.chain.blocks) - 1 if start is None else int(start)
        if first >= len(self.chain.blocks):
            return MISSING
        return _json([self.block_fields(h) for h in range(first, max(-1, first - 10), -1)])

    def block(self, block_hash: str) -> Reply:
        height = self.height_of(block_hash)
        return MISSING if height is None else _json(self.block_fields(height))

    def block_status(self, block_hash: str) -> Reply:
        height = self.height_of(block_hash)
        if height is None:
            known = any(block.hash == block_hash for block in self.chain.stale)
            return _json({"in_best_chain": False}) if known else MISSING
        later = self.chain.blocks[height + 1 : height + 2]
        return _json(
            {
                "in_best_chain": True,
                "height": height,
                "next_best": later[0].hash if later else None,
            }
        )

    def block_header(self, block_hash: str) -> Reply:
        for block in (*self.chain.blocks, *self.chain.stale):
            if block.hash == block_hash:
                return _text(block.header.serialize().hex())
        return MISSING

    def block_raw(self, block_hash: str) -> Reply:
        for block in (*self.chain.blocks, *self.chain.stale):
            if block.hash == block_hash:
                return Reply(200, block.serialize())
        return MISSING

    def block_txids(self, block_hash: str) -> Reply:
        for block in (*self.chain.blocks, *self.chain.stale):
            if block.hash == block_hash:
                return _json([transaction.txid for transaction in block.transactions])
        return MISSING

    def script_txs(self, script_hash: str, last: str | None = None) -> Reply:
        found = self.listed(script_hash)
        if last is not None:
            txids = [transaction.txid for _, _, transaction in found]
            # As electrs does: after a transaction that it does not list comes nothing.
            found = found[txids.index(Txid(last)) + 1 :] if last in txids else []
        page = found[: self.page_size]
        return _json([self.transaction_fields(tx, height) for height, _, tx in page])

    def tx(self, txid: str) -> Reply:
        place = self.placed(txid)
        if place is None:
            return MISSING
        transaction = self.chain.blocks[place[0]].transactions[place[1]]
        return _json(self.transaction_fields(transaction, place[0]))

    def tx_status(self, txid: str) -> Reply:
        place = self.placed(txid)
        return MISSING if place is None else _json(self.status(place[0]))

    def tx_raw(self, txid: str) -> Reply:
        place = self.placed(txid)
        if place is None:
            return MISSING
        return Reply(200, self.chain.blocks[place[0]].transactions[place[1]].serialize())

    def tx_hex(self, txid: str) -> Reply:
        raw = self.tx_raw(txid)
        return raw if raw is MISSING else _text((raw.body or b"").hex())

    def merkle_proof(self, txid: str) -> Reply:
        place = self.placed(txid)
        if place is None:
            return MISSING
        height, position = place
        leaves = [transaction.txid_le for transaction in self.chain.blocks[height].transactions]
        branch = [displayed(sibling) for sibling in merkle_branch(leaves, position)]
        return _json({"block_height": height, "merkle": branch, "pos": position})

    # Shapes

    def listed(self, script_hash: str) -> list[tuple[int, int, Transaction]]:
        """Newest block first, as servers list; within a block as this one does."""
        made: dict[tuple[str, int], bytes] = {}
        found = []
        for height, block in enumerate(self.chain.blocks):
            for position, transaction in enumerate(block.transactions):
                touched = [o.script for o in transaction.outputs]
                for vout, output in enumerate(transaction.outputs):
                    made[transaction.txid, vout] = output.script
                spent = (made.get((i.outpoint.txid, i.outpoint.vout)) for i in transaction.inputs)
                touched += [script for script in spent if script is not None]
                if any(sha256(script).hex() == script_hash for script in touched):
                    found.append((height, position, transaction))
        return sorted(found, key=lambda f: (-f[0], self.order_within_blocks * f[1]))

    def block_fields(self, height: int) -> dict[str, object]:
        block = self.chain.blocks[height]
        header = block.header
        return {
            "id": block.hash,
            "height": height,
            "version": header.version,
            "timestamp": header.time,
            "tx_count": len(block.transactions),
            "size": len(block.serialize()),
            "merkle_root": displayed(header.merkle_root_le),
            "previousblockhash": header.previous if height else None,
            "mediantime": sorted(b.header.time for b in self.chain.blocks[: height + 1][-11:])[
                min(height + 1, 11) // 2
            ],
            "nonce": header.nonce,
            "bits": header.bits,
            "difficulty": 4.656542373906925e-10,
        }

    def status(self, height: int) -> dict[str, object]:
        block = self.chain.blocks[height]
        return {
            "confirmed": True,
            "block_height": height,
            "block_hash": block.hash,
            "block_time": block.header.time,
        }

    def transaction_fields(self, transaction: Transaction, height: int) -> dict[str, object]:
        return {
            "txid": transaction.txid,
            "version": transaction.version,
            "locktime": transaction.lock_time,
            "vin": [
                {
                    "txid": i.outpoint.txid,
                    "vout": i.outpoint.vout,
                    "prevout": None
                    if transaction.is_coinbase
                    else {"scriptpubkey": self.output(i.outpoint.txid, i.outpoint.vout).hex()},
                    "scriptsig": i.script_sig.hex(),
                    "witness": [item.hex() for item in i.witness],
                    "is_coinbase": transaction.is_coinbase,
                    "sequence": i.sequence,
                }
                for i in transaction.inputs
            ],
            "vout": [
                {"scriptpubkey": o.script.hex(), "value": o.amount} for o in transaction.outputs
            ],
            "size": len(transaction.serialize()),
            "status": self.status(height),
        }


def _text(text: str) -> Reply:
    return Reply(200, text.encode(), {"Content-Type": "text/plain"})


def _json(value: object) -> Reply:
    return Reply(200, json.dumps(value).encode(), {"Content-Type": "application/json"})


_HASH = "([0-9a-f]{64})"
_ROUTES: list[tuple[str, Callable[..., Reply]]] = [
    ("/blocks/tip/height", EsploraServer.tip_height),
    ("/blocks/tip/hash", EsploraServer.tip_hash),
    ("/blocks", EsploraServer.blocks),
    ("/blocks/([0-9]+)", EsploraServer.blocks),
    ("/block-height/([0-9]+)", EsploraServer.block_height),
    (f"/block/{_HASH}", EsploraServer.block),
    (f"/block/{_HASH}/status", EsploraServer.block_status),
    (f"/block/{_HASH}/header", EsploraServer.block_header),
    (f"/block/{_HASH}/raw", EsploraServer.block_raw),
    (f"/block/{_HASH}/txids", EsploraServer.block_txids),
    (f"/scripthash/{_HASH}/txs", EsploraServer.script_txs),
    (f"/scripthash/{_HASH}/txs/chain", EsploraServer.script_txs),
    (f"/scripthash/{_HASH}/txs/chain/{_HASH}", EsploraServer.script_txs),
    (f"/tx/{_HASH}", EsploraServer.tx),
    (f"/tx/{_HASH}/status", EsploraServer.tx_status),
    (f"/tx/{_HASH}/raw", EsploraServer.tx_raw),
    (f"/tx/{_HASH}/hex", EsploraServer.tx_hex),
    (f"/tx/{_HASH}/merkle-proof", EsploraServer.merkle_proof),
]
