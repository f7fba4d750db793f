"""A folder of block files to measure on: the real block over and over, each on the one before.

Headers carry regtest's work. In every 20th block one transaction pays the office's script, and ten
blocks later one spends that coin. Everything else is byte for byte what miners put into block
413,567 of mainnet.
"""

import hashlib
from pathlib import Path

from khazana.bitcoin.block import Block, Header, merkle_root
from khazana.bitcoin.hashes import sha256d
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.reader import compact_size
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.bitcoin.work import meets_target
from khazana.units import Sats, Txid

KEY = bytes.fromhex("7ee6e65d218a167e")
FILE_BYTES = 128 << 20
"""Bitcoin Core begins a new file after 128 MiB."""
PAID_EVERY = 20
OURS = b"\x00\x14" + hashlib.sha256(b"the office").digest()[:20]


def scripts(count: int) -> list[bytes]:
    """The office's script and others that nobody pays: P2PKH, P2SH, P2WPKH and P2TR in turn."""
    shapes = [
        (b"\x76\xa9\x14", 20, b"\x88\xac"),
        (b"\xa9\x14", 20, b"\x87"),
        (b"\x00\x14", 20, b""),
        (b"\x51\x20", 32, b""),
    ]
    found = [OURS]
    for number in range(count - 1):
        before, size, after = shapes[number % 4]
        found.append(before + hashlib.sha256(b"%d" % number).digest()[:size] + after)
    return found


class Folder:
    """Writes blocks one after the other. paid, blocks, size: how much of it there is."""

    def __init__(self, path: Path, *, key: bytes | None) -> None:
        self.path = path
        self.blocks = self.paid = self.size = 0
        self._key = key
        self._content = bytearray()
        self._files = 0
        self._tip = SimulatedChain().blocks[0]
        self._time = self._tip.header.time
        path.mkdir(parents=True)
        if key is not None:
            (path / "xor.dat").write_bytes(key)
        self._add(self._tip.serialize())

    def write(self, block: Block, raws: list[bytes], *, count: int) -> None:
        """Write `count` blocks with these transactions; raws: the same, as bytes."""
        leaves = [transaction.txid_le for transaction in block.transactions]
        root = merkle_root(leaves)
        coin = OutPoint(Txid("ab" * 32), 0)
        for number in range(count):
            body, leaf_root = raws, root
            if number % (PAID_EVERY // 2) == 0:
                pays = number % PAID_EVERY == 0
                ours = _transaction(number, coin, OURS if pays else b"\x51")
                coin = ours.outpoint(0)
                body = [*raws[:-1], ours.serialize()]
                leaf_root = merkle_root([*leaves[:-1], ours.txid_le])
                self.paid += 1
            header = self._mined(leaf_root)
            self._add(header + compact_size(len(body)) + b"".join(body))
        self._flush()

    def _mined(self, root: bytes) -> bytes:
        self._time += 600
        nonce = 0
        while True:
            header = Header(
                0x2000_0000, self._tip.hash, root, self._time, REGTEST.pow_limit_bits, nonce
            )
            raw = header.serialize()
            if meets_target(sha256d(raw), header.bits):
                self._tip = Block(header, ())
                return raw
            nonce += 1

    def _add(self, raw: bytes) -> None:
        if len(self._content) + len(raw) + 8 > FILE_BYTES:
            self._flush()
        self._content += REGTEST.magic + len(raw).to_bytes(4, "little") + raw
        self.blocks += 1
        self.size += len(raw)

    def _flush(self) -> None:
        content = bytes(self._content)
        if self._key is not None:
            stream = self._key * (len(content) // 8 + 1)
            whole = int.from_bytes(content, "little") ^ int.from_bytes(
                stream[: len(content)], "little"
            )
            content = whole.to_bytes(len(content), "little")
        (self.path / f"blk{self._files:05}.dat").write_bytes(content)
        self._files += 1
        self._content.clear()


def _transaction(number: int, spent: OutPoint, script: bytes) -> Transaction:
    return Transaction(
        version=2,
        inputs=(TxIn(spent, bytes(107), number),),
        outputs=(TxOut(Sats(1_000), script),),
        lock_time=number,
    )


def small_transactions(block: Block, size: int) -> Block:
    """The block's transactions of at most 260 bytes, repeated up to `size`: the hard case."""
    small = [t for t in block.transactions[1:] if len(t.serialize()) <= 260]
    chosen, total, turn = [block.transactions[0]], 0, 0
    while total < size:
        turn += 1
        for one in small:
            # Another lock time: no two neighbours may be equal.
            again = Transaction(one.version, one.inputs, one.outputs, turn)
            chosen.append(again)
            total += len(again.serialize())
    return Block(block.header, tuple(chosen))
