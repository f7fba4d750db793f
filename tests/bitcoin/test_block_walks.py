"""The compiled walk and the plain one: the same answer to everything, honest or hostile."""

import dataclasses
import json
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numba", reason="the office extra is not installed")

import numpy as np

from khazana.bitcoin.adapters.block_files import BlockFilesChain, Reading
from khazana.bitcoin.block import Block, merkle_branch, merkle_root
from khazana.bitcoin.blockfiles import kernel, kernel_hash, kernel_tables
from khazana.bitcoin.blockfiles.compiled import walk_with
from khazana.bitcoin.blockfiles.fast_walk import Threads, branch_in
from khazana.bitcoin.blockfiles.plain_walk import walk_plainly
from khazana.bitcoin.blockfiles.tables import CoinTable, ScriptTable
from khazana.bitcoin.hashes import sha256d
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.errors import KhazanaError
from khazana.units import Sats, Txid
from tests.bitcoin.block_file_writer import KEY, record, write_blocks, write_file
from tests.bitcoin.stories import ALSO_OURS, FOREIGN, OURS, story
from tests.shared import shared_file

SCRIPTS = frozenset([OURS, ALSO_OURS])
WALKS = (walk_with(threads=1), walk_with(threads=2), walk_plainly)


def answers(folder: Path, scripts=SCRIPTS, *, full: bool = False) -> list[object]:
    """What each walk makes of a folder: the history, or the refusal in words."""
    found: list[object] = []
    for walk in WALKS:
        view = BlockFilesChain(folder, Reading(walk=walk, full=full))
        try:
            found.append(list(view.history(scripts, None, view.tip())))
        except KhazanaError as refused:
            found.append((refused.code, str(refused)))
    return found


def all_equal(found: list[object]) -> bool:
    return all(answer == found[0] for answer in found[1:])


# Chains of any shape

scripts_of_any_kind = st.sampled_from([OURS, ALSO_OURS, FOREIGN, b"", b"\x51", OURS + b"\x00"])


@st.composite
def chains(draw) -> SimulatedChain:
    """Blocks whose transactions spend what came before, or what nobody made."""
    chain = SimulatedChain()
    made: list[OutPoint] = []
    for _ in range(draw(st.integers(1, 4))):
        transactions = []
        for _ in range(draw(st.integers(0, 4))):
            spent = [
                made[draw(st.integers(0, len(made) - 1))]
                if made and draw(st.booleans())
                else OutPoint(Txid(draw(st.binary(min_size=32, max_size=32)).hex()), vout)
                for vout in range(draw(st.integers(1, 3)))
            ]
            stacks = draw(st.lists(st.binary(max_size=300), max_size=2))
            transaction = Transaction(
                # Neighbours that are equal make a block that nobody may have (CVE-2012-2459).
                version=2**31 + len(made),
                inputs=tuple(
                    TxIn(o, draw(st.binary(max_size=260)), 7, tuple(stacks)) for o in spent
                ),
                outputs=tuple(
                    TxOut(Sats(draw(st.integers(-(2**63), 2**63 - 1))), draw(scripts_of_any_kind))
                    for _ in range(draw(st.integers(1, 3)))
                ),
                lock_time=draw(st.integers(0, 2**32 - 1)),
            )
            made += [transaction.outpoint(n) for n in range(len(transaction.outputs))]
            transactions.append(transaction)
        outputs = [TxOut(Sats(5), draw(scripts_of_any_kind))]
        chain.add_block(transactions, coinbase=outputs)
    return chain


@given(chains(), st.booleans(), st.sampled_from([None, KEY]), st.integers(0, 9))
@settings(max_examples=120)
def test_any_chain_has_one_history(tmp_path_factory, chain, full, key, seed):
    folder = tmp_path_factory.mktemp("any")
    write_blocks(folder, chain.blocks, key=key, shuffle=seed, files=2)
    honest = chain.history(SCRIPTS, None, chain.tip())
    assert answers(folder, full=full) == [honest] * len(WALKS)


# Blocks that lie: the header is honest, so only the walk can notice


@given(st.data())
@settings(max_examples=400)
def test_a_mutated_block_is_judged_alike_by_all_walks(tmp_path_factory, data):
    chain = story().chain
    height = data.draw(st.sampled_from([2, 3, 4, 6]))
    raw = bytearray(chain.blocks[height].serialize())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(80, len(raw) - 1))
        kind = data.draw(st.sampled_from(["set", "cut", "add", "size"]))
        if kind == "set":
            raw[at] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del raw[at : at + data.draw(st.integers(1, 40))]
        elif kind == "add":
            raw[at:at] = data.draw(st.binary(min_size=1, max_size=40))
        else:
            raw[at : at + 9] = data.draw(st.sampled_from([0xFD, 0xFE, 0xFF])).to_bytes(
                1, "little"
            ) + data.draw(st.binary(min_size=8, max_size=8))
        if len(raw) < 82:
            raw += bytes(82 - len(raw))
    content = b"".join(
        record(bytes(raw) if at == height else block.serialize())
        for at, block in enumerate(chain.blocks)
    )
    folder = tmp_path_factory.mktemp("mutated")
    write_file(folder, 0, content)
    for full in (False, True):
        assert all_equal(answers(folder, full=full))


@pytest.mark.parametrize("seed", range(12))
def test_a_mutated_real_block_is_judged_alike_by_all_walks(tmp_path, seed):
    raw = bytearray(shared_file("vectors/block413567.raw").read_bytes())
    rng = random.Random(seed)
    if seed:
        for _ in range(rng.choice([1, 2, 50])):
            raw[rng.randrange(80, len(raw))] = rng.randrange(256)
    block = Block.parse(shared_file("vectors/block413567.raw").read_bytes())
    chain = SimulatedChain()
    mined = as_next(chain, bytes(raw))
    write_file(tmp_path, 0, record(chain.blocks[0].serialize()) + record(mined))
    write_file(tmp_path, 1, b"\x00")  # the block's file is not the newest: it must be read
    scripts = {output.script for t in block.transactions[5:40] for output in t.outputs}
    found = answers(tmp_path, frozenset(scripts))
    assert all_equal(found)
    if not seed:
        assert len(found[0]) > 34


def as_next(chain: SimulatedChain, raw: bytes) -> bytes:
    """The bytes with a header that stands on the chain's tip and has regtest's work."""
    header = bytearray(raw[:80])
    header[4:36] = bytes.fromhex(chain.tip().hash)[::-1]
    header[72:76] = (0x207FFFFF).to_bytes(4, "little")
    nonce = 0
    while True:
        header[76:80] = nonce.to_bytes(4, "little")
        if sha256d(bytes(header))[31] < 0x7F:
            return bytes(header) + raw[80:]
        nonce += 1


# The pieces


@given(st.binary(max_size=300))
def test_hashing_in_the_kernel_is_sha256_twice(message):
    room = np.zeros(len(message) + 256, np.uint8)
    room[: len(message)] = np.frombuffer(message, np.uint8)
    out = np.zeros((1, 32), np.uint8)
    kernel_hash.hash_twice(room, np.int64(len(message)), np.zeros(40, np.uint32), out, 0)
    assert out[0].tobytes() == sha256d(message)


def test_our_own_compression_function_serves_where_openssls_is_absent(tmp_path):
    """In a process of its own: which function the kernels call is bound once."""
    program = """
import ctypes.util, hashlib
ctypes.util.find_library = lambda name: None
import numpy as np
from khazana.bitcoin.blockfiles import kernel_hash
assert kernel_hash.OPENSSL is None
for size in (0, 1, 55, 56, 63, 64, 119, 120, 1000):
    message = bytes(range(256)) * 4
    room = np.zeros(size + 256, np.uint8)
    room[:size] = np.frombuffer(message[:size], np.uint8)
    out = np.zeros((1, 32), np.uint8)
    kernel_hash.hash_twice(room, np.int64(size), np.zeros(40, np.uint32), out, 0)
    wanted = hashlib.sha256(hashlib.sha256(message[:size]).digest()).digest()
    assert out[0].tobytes() == wanted, size
print("all equal")
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert done.stdout == "all equal\n", done.stderr


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40, unique=True))
def test_the_tree_in_the_kernel_is_the_merkle_tree(leaves):
    tree = np.zeros((2 * len(leaves) + 64, 32), np.uint8)
    for row, leaf in enumerate(leaves):
        tree[row] = np.frombuffer(leaf, np.uint8)
    room, state = np.zeros(256, np.uint8), np.zeros(40, np.uint32)
    root = kernel.merkle_levels(tree, len(leaves), room, state)
    assert tree[root].tobytes() == merkle_root(leaves)
    for position in range(len(leaves)):
        assert branch_in(tree, len(leaves), position) == merkle_branch(leaves, position)


@given(st.binary(max_size=64), st.integers(0, 7), st.binary(min_size=8, max_size=8))
def test_unmasking_takes_off_the_key_and_touches_nothing_else(content, start, key):
    data = np.frombuffer(bytes(start) + content + bytes(9), np.uint8).copy()
    kernel_tables.unmask(
        data, start, start + len(content), np.uint64(int.from_bytes(key, "little"))
    )
    plain = bytes(byte ^ key[i % 8] for i, byte in enumerate(content))
    assert data.tobytes() == bytes(start) + plain + bytes(9)


@given(st.sets(st.binary(max_size=80), max_size=200), st.sets(st.binary(max_size=80), max_size=50))
def test_a_table_forgets_no_script(scripts, others):
    table = ScriptTable.of(scripts)
    found = found_in(table, [*scripts, *others])
    assert all(found[: len(scripts)])
    assert found[len(scripts) :] == [other in scripts for other in others]


def found_in(table: ScriptTable, scripts: list[bytes]) -> list[bool]:
    """Whether each script is in a table: inserting it again is then nothing new."""
    prints, bits, lengths = table.prints.copy(), table.bits.copy(), table.lengths.copy()
    answers = []
    for script in scripts:
        data = np.frombuffer(script + b"\x00", np.uint8)
        starts = np.array([0, len(script)], np.int64)
        before = prints.copy()
        answers.append(kernel_tables.insert_scripts(data, starts, prints, bits, lengths) == 0)
        prints = before
    return answers


def test_a_coin_table_grows_and_forgets_nothing():
    rng = random.Random(3)
    coins = [OutPoint(Txid(rng.randbytes(32).hex()), rng.randrange(2**32)) for _ in range(500)]
    table = CoinTable(coins[:3])
    slots = len(table.prints)
    for coin in coins[3:]:
        table.make_room(1)
        add(table, coin)
    assert len(table.prints) > slots
    assert not any(add(table, coin) for coin in coins)
    assert np.count_nonzero(table.prints) == len(coins)


def add(table: CoinTable, coin: OutPoint) -> bool:
    data = np.frombuffer(bytes.fromhex(coin.txid)[::-1], np.uint8)
    vouts = np.array([coin.vout], np.uint64)
    return bool(kernel_tables.insert_coins(data, vouts, table.prints, table.bits))


def test_no_threads_walk_nowhere():
    with pytest.raises(ValueError, match="0 threads"):
        Threads(0)


def test_the_base_profile_reads_block_files_without_numba(tmp_path):
    """A stranger verifies with what they installed: nothing of the compiled walk is imported."""
    chain = story().chain
    write_blocks(tmp_path, chain.blocks)
    program = """
import json, sys
for name in ("numba", "numpy", "llvmlite", "distributed"):
    sys.modules[name] = None
from khazana.bitcoin.adapters.source import open_chain
view = open_chain("blocks:" + sys.argv[1])
found = view.history([bytes.fromhex(script) for script in sys.argv[2:]], None, view.tip())
print(json.dumps([c.txid for c in found]))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), OURS.hex(), ALSO_OURS.hex()],
        env=environment,
        capture_output=True,
        text=True,
    )
    honest = chain.history(SCRIPTS, None, chain.tip())
    assert json.loads(done.stdout or "[]") == [c.txid for c in honest], done.stderr


def test_an_interruption_ends_a_reading_at_once_and_leaves_no_thread(tmp_path):
    chain = story().chain
    write_blocks(tmp_path, chain.blocks)
    before = threading.active_count()

    def interrupting(question):
        def stop(done: int, total: int) -> None:
            raise KeyboardInterrupt

        return walk_with(threads=2)(dataclasses.replace(question, progress=stop))

    view = BlockFilesChain(tmp_path, Reading(walk=interrupting))
    with pytest.raises(KeyboardInterrupt):
        view.history(SCRIPTS, None, view.tip())
    assert threading.active_count() == before
