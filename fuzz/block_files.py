"""Fuzz the reading of block files: the compiled and the plain walk must agree on all bytes."""

import ctypes
import mmap
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import atheris
import numpy as np

with atheris.instrument_imports(include=["khazana.bitcoin"], enable_loader_override=False):
    from khazana.bitcoin.block import Block
    from khazana.bitcoin.blockfiles.directory import BlockDirectory
    from khazana.bitcoin.blockfiles.index import read_index
    from khazana.bitcoin.reader import MalformedBytes

from khazana.bitcoin.adapters.block_files import BlockFilesChain, Reading
from khazana.bitcoin.blockfiles import kernel
from khazana.bitcoin.blockfiles.chunks import tree_rows
from khazana.bitcoin.blockfiles.compiled import walk_with
from khazana.bitcoin.blockfiles.plain_walk import walk_plainly
from khazana.bitcoin.blockfiles.tables import CoinTable, ScriptTable
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import OutPoint
from khazana.errors import KhazanaError
from khazana.units import Txid
from tests.bitcoin.block_file_writer import KEY, masked, record
from tests.bitcoin.stories import ALSO_OURS, OURS, story
from tests.shared import shared_file

MOST = 1 << 20
SCRIPTS = [OURS, ALSO_OURS, b"", b"\x51"]
BLOCK, FILE = 0, 1
"""The first byte of an input says what the rest is."""

OUR_COIN = OutPoint(Txid("33" * 32), 1)
TABLE = ScriptTable.of(SCRIPTS)


class Guarded:
    """Memory whose last byte is followed by a page that must not be touched."""

    def __init__(self, size: int) -> None:
        page = mmap.PAGESIZE
        self._size = (size + page - 1) // page * page
        self._map = mmap.mmap(-1, self._size + page)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        if protect(ctypes.c_void_p(address + self._size), ctypes.c_size_t(page), 0):
            raise OSError(ctypes.get_errno(), "mprotect")
        self._bytes = np.frombuffer(self._map, np.uint8)

    def holding(self, content: bytes) -> Any:
        at = self._size - len(content)
        self._bytes[at : self._size] = np.frombuffer(content, np.uint8)
        return self._bytes[at : self._size]


GUARDED = Guarded(MOST)
SPENT = np.empty(MOST // 41 + 1, np.uint64)
MESSAGE = np.empty(MOST + 256, np.uint8)
IDS = np.empty((tree_rows(MOST), 32), np.uint8)


class Finding(Exception):
    """The two walks disagree."""


def judge_block(raw: bytes) -> None:
    """Parser and kernel: the same blocks accepted, the same txids, inputs and outputs of ours."""
    if not 81 <= len(raw) <= MOST:
        return
    data = GUARDED.holding(raw)
    for full in (False, True):
        bounds, ours = np.zeros(2, np.int64), np.zeros(1, np.int64)
        status, _ = kernel.walk_blocks(
            data,
            np.zeros(1, np.int64),
            np.array([len(raw)], np.int64),
            np.zeros(1, np.uint64),
            False,
            np.frombuffer(raw[:80], np.uint8).reshape(1, 80),
            TABLE.prints,
            TABLE.bits,
            TABLE.lengths,
            SPENT,
            full,
            MESSAGE,
            IDS,
            bounds,
            ours,
        )
        try:
            block = Block.parse(raw)
        except MalformedBytes:
            if status != kernel.BROKEN:
                raise Finding(f"parser refuses, kernel says {status}") from None
            continue
        wanted = kernel.OTHER_ROOT if full and not block.merkle_root_holds() else kernel.OK
        if status != wanted:
            raise Finding(f"status {status}, not {wanted}")
        if status == kernel.OK:
            inputs = sum(len(transaction.inputs) for transaction in block.transactions)
            found = sum(o.script in SCRIPTS for t in block.transactions for o in t.outputs)
            if (bounds[1], ours[0]) != (inputs, found):
                raise Finding(f"{bounds[1]} inputs, {ours[0]} of ours, not {inputs}, {found}")
    look_closer(raw, data)


def look_closer(raw: bytes, data: Any) -> None:
    coins = CoinTable([OUR_COIN])
    coins.make_room(len(raw) // 9)
    places, touched = np.zeros(len(raw) // 10 + 2, np.int64), np.zeros(len(raw) // 10 + 2, np.bool_)
    status, count, _ = kernel.look_closer(
        data,
        TABLE.prints,
        TABLE.bits,
        TABLE.lengths,
        coins.prints,
        coins.bits,
        SPENT,
        MESSAGE,
        IDS,
        places,
        touched,
    )
    try:
        block = Block.parse(raw)
    except MalformedBytes:
        if status != kernel.BROKEN:
            raise Finding("parser refuses, the closer look does not") from None
        return
    if status != (kernel.OK if block.merkle_root_holds() else kernel.OTHER_ROOT):
        raise Finding(f"the closer look says {status}")
    if status != kernel.OK:
        return
    paid = {OUR_COIN}
    for position, transaction in enumerate(block.transactions):
        ours = [v for v, output in enumerate(transaction.outputs) if output.script in SCRIPTS]
        expected = bool(ours) or any(spent.outpoint in paid for spent in transaction.inputs)
        paid.update(transaction.outpoint(v) for v in ours)
        if bool(touched[position]) != expected:
            raise Finding(f"transaction {position} touched: {touched[position]}")
        if IDS[position].tobytes() != transaction.txid_le:
            raise Finding(f"transaction {position} has another txid")
    if count != len(block.transactions):
        raise Finding(f"{count} transactions")


FOLDER = Path(
    tempfile.mkdtemp(prefix="fuzz-blocks-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
)


def judge_file(content: bytes) -> None:
    """Whatever a file holds, both walks say the same, or refuse in the same words."""
    (FOLDER / "xor.dat").write_bytes(KEY)
    (FOLDER / "blk00000.dat").write_bytes(content)
    directory = BlockDirectory.open(FOLDER)
    read_index(directory, REGTEST)
    answers: list[object] = []
    for walk in (walk_with(threads=1), walk_plainly):
        view = BlockFilesChain(FOLDER, Reading(walk=walk))
        try:
            answers.append(list(view.history(SCRIPTS, None, view.tip())))
        except KhazanaError as refused:
            answers.append(str(refused))
    if answers[0] != answers[1]:
        raise Finding(f"{answers[0]!r:.300} or {answers[1]!r:.300}")


def judge(data: bytes) -> None:
    if not data:
        return
    if data[0] & 1 == BLOCK:
        judge_block(data[1:])
    else:
        judge_file(data[1:])


def seeds() -> list[bytes]:
    """Blocks and files to begin with."""
    chain = story().chain
    blocks = [block.serialize() for block in chain.blocks]
    real = Block.parse(shared_file("vectors/block413567.raw").read_bytes())
    for start in range(1, 60, 6):
        part = Block(real.header, (real.transactions[0], *real.transactions[start : start + 6]))
        blocks.append(part.serialize())
    whole = b"".join(record(block.serialize()) for block in chain.blocks)
    files = [masked(whole, KEY) + bytes(500), masked(whole[:3000] + b"torn" + whole[3000:], KEY)]
    return [bytes([BLOCK]) + raw for raw in blocks] + [bytes([FILE]) + file for file in files]


def main() -> None:
    if sys.argv[1:2] == ["--seeds"]:
        for number, seed in enumerate(seeds()):
            (Path(sys.argv[2]) / f"seed-{number:03}").write_bytes(seed)
        return
    judge_block(seeds()[1][1:])  # compile before the clock of a single input runs
    atheris.Setup(sys.argv, judge)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
