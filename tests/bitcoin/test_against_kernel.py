"""Our reader and Bitcoin Core's accept and refuse the same bytes."""

import json
import random

import pytest

from khazana.bitcoin.block import Block
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.transaction import Transaction
from tests.shared import shared_file

pbk = pytest.importorskip("pbk", reason="py-bitcoinkernel, Bitcoin Core's own code, is absent")

INTERESTING = [0x00, 0x01, 0x02, 0x03, 0x7F, 0x80, 0xFD, 0xFE, 0xFF]


def damaged(raw: bytes, dice: random.Random) -> bytes:
    """A few bytes changed, lost or added, mostly near the front where the structure is."""
    bytes_left = bytearray(raw)
    for _ in range(dice.choice([0, 1, 1, 2, 3])):
        place = dice.randrange(min(len(bytes_left), dice.choice([8, 20, len(bytes_left)])))
        kind = dice.random()
        if kind < 0.6:
            bytes_left[place] = dice.choice([*INTERESTING, dice.randrange(256)])
        elif kind < 0.8:
            del bytes_left[place]
        else:
            bytes_left.insert(place, dice.choice(INTERESTING))
    return bytes(bytes_left)


def as_the_kernel_reads_it(raw: bytes) -> bytes | None:
    try:
        return bytes(pbk.Transaction(raw))
    except (RuntimeError, ValueError):
        return None


def as_we_read_it(raw: bytes) -> bytes | None:
    try:
        return Transaction.parse(raw).serialize()
    except MalformedBytes:
        return None


def test_damaged_transactions_are_judged_alike() -> None:
    raws = [
        bytes.fromhex(row[1])
        for name in ("tx_valid.json", "tx_invalid.json")
        for row in json.loads(shared_file(f"vectors/{name}").read_text())
        if len(row) > 1
    ]
    dice = random.Random(20261122)
    accepted = refused = 0
    for _ in range(1_500):
        raw = damaged(dice.choice(raws), dice)
        theirs, ours = as_the_kernel_reads_it(raw), as_we_read_it(raw)
        if theirs is not None and len(theirs) < len(raw):
            theirs = None  # the kernel leaves bytes after a transaction unread; we refuse them
        assert ours == theirs, raw.hex()
        accepted += ours is not None
        refused += ours is None
    assert min(accepted, refused) > 300


def test_hashes_of_a_real_nodes_blocks_agree() -> None:
    record = json.loads(shared_file("vectors/core-rpc/chain.json").read_text())
    for hexed in record["blocks"][-20:]:
        theirs, ours = pbk.Block(bytes.fromhex(hexed)), Block.parse(bytes.fromhex(hexed))
        assert bytes(theirs.block_hash) == ours.header.hash_le
        assert [bytes(t.txid) for t in theirs.transactions] == [
            t.txid_le for t in ours.transactions
        ]
