"""Trees of balances: from an extract on disk to every node on disk, and what one check takes."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.measure import CannotMeasure, Case, measurement

COMPRESSIONS = 13
"""Of SHA-256 for a customer with two leaves: contribution 1, secret 2, key 2, leaves 4, nodes 4."""
LEAF_COMPRESSIONS = 4
"""For a leaf of a known key: nonce 1, leaf 1, and the node above, of which there is one a leaf."""
GIB = 1 << 30

_PROGRAM = """
import json, resource, sys, time
from pathlib import Path
limit, small, extract, out = int(sys.argv[1]), *map(Path, sys.argv[2:5])
if limit:
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from khazana.supervision.solvency.build import builder, build_tree
from khazana.supervision.solvency.plan import BITCOIN, Plan, Splitting, TreeId
tree = TreeId(asset=BITCOIN, kind="liabilities", epoch=1)
splitting = Splitting(shares=2, most_per_leaf=BITCOIN.most)
plan = Plan(tree=tree, key=bytes(32), splitting=splitting)
memory = 0 if limit else 4 << 30
using = builder(threads=2, memory_bytes=memory)
build_tree(small, plan, out, using=using)  # compiles, or reads numba's cache
begun, worked = time.perf_counter(), time.process_time()
WORK
took, worked = time.perf_counter() - begun, time.process_time() - worked
lines = [line.split() for line in open("/proc/self/status") if "kB" in line]
mib = {line[0]: int(line[1]) / 1024 for line in lines}
answer = {"s": took, "cpu_s": worked, "peak_mib": mib["VmHWM:"], "address_mib": mib["VmPeak:"]}
print(json.dumps(answer))
"""
_BUILD = _PROGRAM.replace("WORK", "build_tree(extract, plan, out, using=using)")
_LEAVES = _PROGRAM.replace(
    "WORK",
    """
import numpy as np
from khazana.supervision.solvency import build_fast
count, piece = int(sys.argv[5]), 1 << 17
draw = np.random.default_rng(8)
keys = draw.integers(0, 256, 32 * piece, np.uint8)
amounts = draw.integers(0, 10**7, piece, np.int64)
plan = Plan(tree=tree, key=bytes(32), splitting=Splitting(shares=1, most_per_leaf=BITCOIN.most))
def given():
    for first in range(0, count, piece):
        some = min(piece, count - first)
        yield some, build_fast.KeyedLeaves(keys[:32 * some], amounts[:some], plan)
begun, worked = time.perf_counter(), time.process_time()
build_fast.write_tree(given(), plan, count, out, threads=2, memory_bytes=memory)
""",
)


@contextmanager
def _extract(rows: int) -> Iterator[tuple[Path, Path, Path]]:
    """A small extract, one with so many rows, and where the tree goes. Room: KHAZANA_BENCH_DIR."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("KHAZANA_BENCH_DIR")) as name:
        folder = Path(name)
        for file, count in (("small.csv", 10), ("extract.csv", rows)):
            with (folder / file).open("w") as out:
                out.write("#khazana.extract/1,BTC,8,liabilities\ncustomer,balance,contribution\n")
                for first in range(0, count, 100_000):
                    last = min(first + 100_000, count)
                    out.write(
                        "".join(f"35201{i:08d},0.{i % 10**7:08d},\n" for i in range(first, last))
                    )
                whole, rest = divmod(count, 10**7)
                total = whole * (10**7 * (10**7 - 1) // 2) + rest * (rest - 1) // 2
                out.write(f"#total,{total // 10**8}.{total % 10**8:08d},{count}\n")
        yield folder / "small.csv", folder / "extract.csv", folder / "tree.bin"


def _run(program: str, limit: int, *words: Path | int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", program, str(limit), *map(str, words)],
        check=True,
        capture_output=True,
        text=True,
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def compression_ns() -> float:
    """libcrypto's floor, from numba, in processor time of one thread; the best of five."""
    try:
        import numpy as np

        from khazana.supervision.solvency.kernel_leaves import repeat_compression
    except ModuleNotFoundError as error:
        raise CannotMeasure(f"{error.name} is not installed") from error
    block = np.zeros(64, np.uint8)
    repeat_compression(block, 1000)
    found = []
    for _ in range(5):
        begun = time.process_time()
        repeat_compression(block, 2_000_000)
        found.append((time.process_time() - begun) / 2_000_000 * 1e9)
    return min(found)


def _note(one: dict[str, float], count: int, floor: float, compressions: int) -> str:
    each = one["cpu_s"] / count * 1e9
    return (
        f"{one['s']:.2f} s on two threads, {each:.0f} ns of processor time each, "
        f"{each / (compressions * floor):.2f} times {compressions} compressions of {floor:.0f} ns; "
        f"peak {one['peak_mib']:.0f} MiB"
    )


def _build(rows: int, limit: int = 0) -> Iterator[Case]:
    floor = compression_ns()
    with _extract(rows) as files:
        one = _run(_BUILD, limit, *files)
        size = files[2].stat().st_size
        limited = f", under a limit of {limit // GIB} GiB of address space" if limit else ""
        yield Case(
            run=lambda: _run(_BUILD, limit, *files),
            amount=rows / 1e6,
            unit="M customers/s",
            note=f"two leaves each, from CSV read twice to {size / 1e9:.2f} GB of nodes, in a new "
            f"process{limited}: " + _note(one, rows, floor, COMPRESSIONS),
        )


def _leaves(count: int) -> Iterator[Case]:
    floor = compression_ns()
    with _extract(10) as (small, extract, out):
        one = _run(_LEAVES, 0, small, extract, out, count)
        yield Case(
            run=lambda: _run(_LEAVES, 0, small, extract, out, count),
            amount=count / 1e6,
            unit="M leaves/s",
            note=f"keys and balances in memory, permuted, to {out.stat().st_size / 1e9:.2f} GB of "
            "nodes, in a new process: " + _note(one, count, floor, LEAF_COMPRESSIONS),
        )


LONG = os.environ.get("KHAZANA_BENCH_LONG")
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
for _rows in (*SIZES, *([40_000_000, 100_000_000] if LONG else [])):
    measurement(f"solvency_build_{_rows}_customers")(partial(_build, _rows))
for _count in (4_000_000, *([40_000_000] if LONG else [])):
    measurement(f"solvency_tree_{_count}_leaves")(partial(_leaves, _count))
for _rows in (10_000_000, *([40_000_000] if LONG else [])):
    measurement(f"solvency_build_{_rows}_customers_in_1_gib")(partial(_build, _rows, GIB))


@measurement("solvency_prove_all")
def prove_all() -> Iterator[Case]:
    """Every customer's slip, made one after another and thrown away."""
    compression_ns()
    from khazana.supervision.solvency.build import build_tree, builder
    from khazana.supervision.solvency.plan import BITCOIN, Plan, Splitting, TreeId
    from khazana.supervision.solvency.prove import every_slip
    from tests.supervision.solvency.trees import epoch_of

    tree = TreeId(asset=BITCOIN, kind="liabilities", epoch=7)
    splitting = Splitting(shares=2, most_per_leaf=BITCOIN.most)
    plan = Plan(tree=tree, key=bytes(32), splitting=splitting)
    with _extract(200_000) as (_, extract, out):
        made = build_tree(extract, plan, out, using=builder(threads=1))
        epoch = epoch_of(made.built)

        def run() -> int:
            slips = every_slip(
                None, extract=extract, plan=plan, tree=out, epoch=epoch, to_root=False
            )
            return sum(len(raw) for _, raw in slips)

        yield Case(
            run=run,
            amount=200_000,
            unit="slips/s",
            note=f"two leaves each, {run() // 200_000} bytes a slip, one thread",
        )


@measurement("solvency_check")
def check() -> Iterator[Case]:
    """One customer's slip with one share below a published level, as in a tree of 40 million."""
    from khazana.supervision.solvency.check import check_slip, read_level
    from khazana.supervision.solvency.tree import build
    from tests.supervision.solvency.trees import (
        customers,
        level_bytes,
        plan_for,
        slip_for,
        statement,
    )

    held = customers(*range(5))
    tree = build(held, plan_for(shares=1, leaves=1 << 10))
    epoch = statement(tree)
    level = read_level(level_bytes(tree), epoch=epoch, tree=0)
    # A small tree's published level are its leaves: ten steps up to the root instead.
    slip = slip_for(tree, held, 3, height=10)

    def run() -> None:
        for _ in range(1000):
            check_slip(slip, epoch=epoch, contribution=held[3].contribution, level=level)

    yield Case(run=run, amount=1000, unit="slips/s", note="ten steps; Python, one thread")
