"""Reading the whole history of scripts from a folder of block files of two gigabytes."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from bench.block_folder import KEY, Folder, scripts, small_transactions
from bench.measure import CannotMeasure, Case, measurement, shared_bytes
from khazana.bitcoin.adapters.block_files import BlockFilesChain, Reading
from khazana.bitcoin.block import Block
from khazana.bitcoin.blockfiles.compiled import walk_with
from khazana.bitcoin.blockfiles.plain_walk import walk_plainly
from khazana.bitcoin.blockfiles.walk import Walk

BLOCKS = 2_150
FEW = 24


@cache
def _real() -> Block:
    return Block.parse(shared_bytes("vectors/block413567.raw"))


@contextmanager
def _folder(
    *, blocks: int = BLOCKS, key: bytes | None = KEY, small: bool = False
) -> Iterator[Folder]:
    """A folder for one measurement; gone when it is over."""
    place = Path(tempfile.mkdtemp(prefix="khazana-bench-"))
    try:
        block = small_transactions(_real(), 1_000_000) if small else _real()
        folder = Folder(place / "blocks", key=key)
        folder.write(block, [t.serialize() for t in block.transactions], count=blocks)
        yield folder
    finally:
        shutil.rmtree(place)


def _case(
    folder: Folder, *, threads: int = 1, full: bool = False, count: int = 1_000, note: str = ""
) -> Case:
    wanted = frozenset(scripts(count))
    view = _view(folder, walk_with(threads=threads), full=full)
    tip = view.tip()

    def run() -> None:
        # The headers are read once, beforehand; the walk anew each time.
        view._so_far = None
        _expect(folder, len(view.history(wanted, None, tip)))

    note = f"{folder.size / 1e9:.2f} GB in {folder.blocks} blocks, {folder.paid} matches. {note}"
    return Case(run=run, amount=folder.size / 1e6, unit="MB/s", note=note.strip())


def _view(folder: Folder, walk: Walk, *, full: bool = False) -> BlockFilesChain:
    return BlockFilesChain(folder.path, Reading(walk=walk, full=full))


def _expect(folder: Folder, found: int) -> None:
    if found != folder.paid:
        raise RuntimeError(f"{found} transactions found, not {folder.paid}")


@measurement("block_files_1_thread")
def one_thread() -> Iterator[Case]:
    """Default: obfuscated files, 1,000 scripts."""
    with _folder() as folder:
        yield _case(folder)


@measurement("block_files_2_threads")
def two_threads() -> Iterator[Case]:
    with _folder() as folder:
        yield _case(folder, threads=2)


@measurement("block_files_not_obfuscated")
def not_obfuscated() -> Iterator[Case]:
    with _folder(key=None) as folder:
        yield _case(folder)


@measurement("block_files_full_1_thread")
def full_one_thread() -> Iterator[Case]:
    """Every txid hashed, every Merkle root checked."""
    with _folder() as folder:
        yield _case(folder, full=True)


@measurement("block_files_full_2_threads")
def full_two_threads() -> Iterator[Case]:
    with _folder() as folder:
        yield _case(folder, full=True, threads=2)


@measurement("block_files_1_script")
def one_script() -> Iterator[Case]:
    with _folder() as folder:
        yield _case(folder, count=1)


@measurement("block_files_1000000_scripts")
def a_million_scripts() -> Iterator[Case]:
    with _folder() as folder:
        yield _case(folder, count=1_000_000)


@measurement("block_files_small_transactions")
def small() -> Iterator[Case]:
    """The hard case: nothing but transactions of at most 260 bytes."""
    with _folder(blocks=500, small=True) as folder:
        yield _case(folder, note="only transactions of at most 260 bytes")


@measurement("block_files_beside_plain_python")
def beside_plain_python() -> Iterator[Case]:
    """The same answer from Khazana's plain walk, which the base profile uses."""
    with _folder(blocks=FEW) as folder:
        peer = _view(folder, walk_plainly)
        tip = peer.tip()

        def peers() -> None:
            peer._so_far = None
            _expect(folder, len(peer.history(frozenset(scripts(1_000)), None, tip)))

        case = _case(folder)
        yield Case(
            run=case.run,
            amount=case.amount,
            unit=case.unit,
            peer=peers,
            peer_name="khazana in plain Python",
            note=case.note,
        )


@measurement("block_files_beside_python_bitcoinlib")
def beside_bitcoinlib() -> Iterator[Case]:
    """The same matches by an existing Python parser, given the blocks' bytes ready to parse."""
    try:
        from bitcoin.core import CBlock
    except (ImportError, OSError) as problem:
        raise CannotMeasure(f"python-bitcoinlib cannot be loaded: {problem}") from problem
    with _folder(blocks=FEW, key=None) as folder:
        content = (folder.path / "blk00000.dat").read_bytes()
        wanted = frozenset(scripts(1_000))

        def peers() -> None:
            found, at = 0, 0
            coins: set[tuple[bytes, int]] = set()
            while at < len(content):
                size = int.from_bytes(content[at + 4 : at + 8], "little")
                block = CBlock.deserialize(content[at + 8 : at + 8 + size])
                for transaction in block.vtx:
                    ours = [n for n, o in enumerate(transaction.vout) if o.scriptPubKey in wanted]
                    spends = any((i.prevout.hash, i.prevout.n) in coins for i in transaction.vin)
                    coins.update((transaction.GetTxid(), n) for n in ours)
                    found += bool(ours) or spends
                at += 8 + size
            _expect(folder, found)

        case = _case(folder)
        yield Case(
            run=case.run,
            amount=case.amount,
            unit=case.unit,
            peer=peers,
            peer_name="python-bitcoinlib",
            note="plain files; the peer also builds each Merkle tree",
        )


_IN_A_PROCESS_OF_ITS_OWN = """
import json, sys, time
begun = time.perf_counter()
from pathlib import Path
from bench.block_folder import scripts
from khazana.bitcoin.adapters.block_files import BlockFilesChain, Reading
from khazana.bitcoin.blockfiles.compiled import walk_with
wanted = frozenset(scripts(int(sys.argv[2])))
import dataclasses
times = {}
def walk(question):
    times["headers_s"] = time.perf_counter() - begun
    def first(done, total):
        times.setdefault("first_result_s", time.perf_counter() - begun)
    return walk_with(threads=2)(dataclasses.replace(question, progress=first))
view = BlockFilesChain(Path(sys.argv[1]), Reading(walk=walk))
found = len(view.history(wanted, None, view.tip()))
# Not getrusage: its peak counts what the parent held when this process began.
status = Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024
print(json.dumps({**times, "peak_mib": peak, "found": found}))
"""


def _in_a_process(folder: Folder, count: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", _IN_A_PROCESS_OF_ITS_OWN, str(folder.path), str(count)],
        check=True,
        capture_output=True,
        text=True,
    )
    answer: dict[str, float] = json.loads(done.stdout)
    _expect(folder, int(answer["found"]))
    return answer


def _process_case(count: int) -> Iterator[Case]:
    with _folder() as folder:
        _in_a_process(folder, count)  # once for numba's cache on disk
        one = _in_a_process(folder, count)
        yield Case(
            run=lambda: _in_a_process(folder, count),
            amount=folder.size / 1e6,
            unit="MB/s",
            note=f"a new process, imports and headers included: first result after "
            f"{one['first_result_s']:.2f} s, peak memory {one['peak_mib']:.0f} MiB",
        )


@measurement("block_files_new_process")
def new_process() -> Iterator[Case]:
    """From nothing to the answer with 1,000 scripts on two threads: memory and first result."""
    yield from _process_case(1_000)


@measurement("block_files_new_process_1000000_scripts")
def new_process_million() -> Iterator[Case]:
    yield from _process_case(1_000_000)
