"""Trees of balances: from an extract on disk to every node on disk, and what one check takes."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.measure import CannotMeasure, Case, measurement

COMPRESSIONS = 13
"""Of SHA-256 for a customer with two leaves: contribution 1, secret 2, key 2, leaves 4, nodes 4."""

_BUILD = """
import json, sys, time
from pathlib import Path
from khazana.supervision.solvency.build import builder, build_tree
from khazana.supervision.solvency.plan import BITCOIN, Plan, Splitting, TreeId
tree = TreeId(asset=BITCOIN, kind="liabilities", epoch=1)
splitting = Splitting(shares=2, most_per_leaf=BITCOIN.most)
plan = Plan(tree=tree, key=bytes(32), splitting=splitting)
using = builder(threads=2)
small, extract, out = map(Path, sys.argv[1:4])
build_tree(small, plan, out, using=using)  # compiles, or reads numba's cache
begun = time.perf_counter()
made = build_tree(extract, plan, out, using=using)
took = time.perf_counter() - begun
lines = [line.split() for line in open("/proc/self/status") if "kB" in line]
mib = {line[0]: int(line[1]) / 1024 for line in lines}
answer = {"s": took, "anonymous_mib": mib["RssAnon:"], "peak_mib": mib["VmHWM:"]}
print(json.dumps(answer))
"""


@contextmanager
def _extract(rows: int) -> Iterator[tuple[Path, Path, Path]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, count in (("small.csv", 10), ("extract.csv", rows)):
            with (folder / file).open("w") as out:
                out.write("#khazana.extract/1,BTC,8,liabilities\ncustomer,balance,contribution\n")
                for first in range(0, count, 100_000):
                    last = min(first + 100_000, count)
                    out.write(
                        "".join(f"35201{i:08d},0.{i % 10**7:08d},\n" for i in range(first, last))
                    )
                total = sum(i % 10**7 for i in range(count))
                out.write(f"#total,{total // 10**8}.{total % 10**8:08d},{count}\n")
        yield folder / "small.csv", folder / "extract.csv", folder / "tree.bin"


def _built(*files: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", _BUILD, *map(str, files)],
        check=True,
        capture_output=True,
        text=True,
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def _compression_ns() -> float:
    """libcrypto's floor, from numba, on one thread."""
    import time

    import numpy as np

    from khazana.supervision.solvency.kernel_leaves import repeat_compression

    block = np.zeros(64, np.uint8)
    repeat_compression(block, 1000)
    begun = time.perf_counter()
    repeat_compression(block, 5_000_000)
    return (time.perf_counter() - begun) / 5_000_000 * 1e9


def _case(rows: int) -> Iterator[Case]:
    try:
        floor = _compression_ns()
    except ModuleNotFoundError as error:
        raise CannotMeasure(f"{error.name} is not installed") from error
    with _extract(rows) as files:
        one = _built(*files)
        each = one["s"] / rows * 1e9
        yield Case(
            run=lambda: _built(*files),
            amount=rows / 1e6,
            unit="M customers/s",
            note=f"two leaves each, CSV read twice, all nodes on disk, a process of its own: "
            f"{one['s']:.2f} s in it, {each:.0f} ns a customer on two threads, "
            f"{each * 2 / (COMPRESSIONS * floor):.1f} times {COMPRESSIONS} compressions of "
            f"{floor:.0f} ns in processor time; peak {one['peak_mib']:.0f} MiB, mapped file "
            f"included, {one['anonymous_mib']:.0f} MiB of it not the file",
        )


SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
for _rows in (*SIZES, *([100_000_000] if os.environ.get("KHAZANA_BENCH_LONG") else [])):
    measurement(f"solvency_build_{_rows}_customers")(partial(_case, _rows))


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
