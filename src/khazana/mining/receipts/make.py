"""Making share receipts as a miner would: for tests, demos and measurements on easy targets."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from khazana.bitcoin.hashes import sha256d
from khazana.bitcoin.transaction import (
    COINBASE_VOUT,
    NULL_TXID,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
)
from khazana.mining.receipts.receipt import Receipt
from khazana.mining.receipts.terms import Slot, site_tag
from khazana.mining.receipts.verify import height_push
from khazana.units import Sats

_TAIL = struct.Struct("<III")
_MOST_NONCE = 1 << 32


@dataclass(frozen=True, kw_only=True)
class Template:
    """What a miner works on: a slot in the chain, whom the coinbase pays, and the other branch.

    below: raw hash of the block it builds on. outputs: of the coinbase, in order.
    branch: siblings of the coinbase in the block's Merkle tree.
    """

    site: str
    below: bytes
    slot: Slot
    outputs: tuple[TxOut, ...]
    branch: tuple[bytes, ...]
    time: int
    version: int = 0x2000_0000

    def coinbase(self, extra_nonce: int) -> Transaction:
        """The coinbase of one search: height, tag, and a number that makes it another one."""
        script = height_push(self.slot.height) + site_tag(self.site)
        script += extra_nonce.to_bytes(8, "little")
        spent = TxIn(OutPoint(NULL_TXID, COINBASE_VOUT), script, 0xFFFF_FFFF)
        return Transaction(2, (spent,), self.outputs, 0)


def paying(amount: Sats, script: bytes, *, commitment: bytes = bytes(32)) -> tuple[TxOut, ...]:
    """Outputs of a coinbase: everything to one script, and the commitment to the witnesses."""
    committed = TxOut(Sats(0), bytes.fromhex("6a24aa21a9ed") + commitment)
    return TxOut(amount, script), committed


def work_shares(template: Template, *, target: int, first: int = 0) -> Iterator[Receipt]:
    """Share after share under a target, found by trying; the same template gives the same ones.

    first: the extra nonce to begin with. One share is taken per extra nonce, so that every
    coinbase differs, as those of different machines do.
    """
    extra_nonce = first
    while True:
        coinbase = template.coinbase(extra_nonce).serialize(witness=False)
        start = (
            template.version.to_bytes(4, "little")
            + template.below
            + root_over(coinbase, template.branch)
        )
        for nonce in range(_MOST_NONCE):
            header = start + _TAIL.pack(template.time, template.slot.bits, nonce)
            if int.from_bytes(sha256d(header), "little") <= target:
                yield Receipt(header, coinbase, template.branch)
                break
        extra_nonce += 1


def root_over(coinbase: bytes, branch: Sequence[bytes]) -> bytes:
    """The Merkle root over a coinbase and the siblings on its way up."""
    node = sha256d(coinbase)
    for sibling in branch:
        node = sha256d(node + sibling)
    return node
