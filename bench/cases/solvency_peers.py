"""Trees of balances beside other programs, two leaves a customer where the other has two.

KHAZANA_PEER_BITMEX names BitMEX's `generate_liabilities.py` where it lies outside the project;
without it, its published rule is timed as the tests write it. `openreserve` is used if installed.
"""

import importlib
import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.cases.solvency import compression_ns
from bench.measure import CannotMeasure, Case, measurement

CUSTOMERS = 1 << 16
BLOCK = 840_000


def _balance(customer: int) -> int:
    return customer * 7919 % 10**9 + 2


def _ours(folder: Path, *, shares: int) -> Callable[[], object]:
    """Extract to tree file on one thread, as the others."""
    compression_ns()
    from khazana.supervision.solvency.build import build_tree, builder
    from khazana.supervision.solvency.plan import BITCOIN, Plan, Splitting, TreeId

    total = sum(map(_balance, range(CUSTOMERS)))
    extract = folder / "extract.csv"
    extract.write_text(
        "#khazana.extract/1,BTC,8,liabilities\ncustomer,balance,contribution\n"
        + "".join(f"{i},{_decimal(_balance(i))},\n" for i in _all())
        + f"#total,{_decimal(total)},{CUSTOMERS}\n"
    )
    tree = TreeId(asset=BITCOIN, kind="liabilities", epoch=7)
    splitting = Splitting(shares=shares, most_per_leaf=BITCOIN.most)
    plan = Plan(tree=tree, key=bytes(32), splitting=splitting)
    using = builder(threads=1)
    return lambda: build_tree(extract, plan, folder / "tree", using=using)


def _all() -> range:
    return range(CUSTOMERS)


def _decimal(units: int) -> str:
    return f"{units // 10**8}.{units % 10**8:08d}"


def _each(what: str) -> str:
    return f"{CUSTOMERS} customers, one thread each; {what}"


@measurement("solvency_beside_bitmex")
def bitmex() -> Iterator[Case]:
    """Both split every balance in two, key every leaf, and write every node."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tool = os.environ.get("KHAZANA_PEER_BITMEX")
        yield Case(
            run=_ours(folder, shares=2),
            amount=CUSTOMERS,
            unit="customers/s",
            peer=_bitmex_rule(folder) if tool is None else _bitmex_tool(Path(tool), folder),
            peer_name="BitMEX's rule, written anew in Python" if tool is None else "BitMEX's tool",
            note=_each("ours reads CSV and writes a file, theirs starts with balances in memory"),
        )


def _bitmex_tool(path: Path, folder: Path) -> Callable[[], object]:
    spec = importlib.util.spec_from_file_location("bitmex_tool", path)
    if spec is None or spec.loader is None:
        raise CannotMeasure(f"{path.name} is no Python program")
    tool: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    nonces = {i: f"{i:064x}" for i in _all()}

    def run() -> None:
        held = [[i, _balance(i)] for i in _all()]
        text = tool.generate_liabilities_tree(held, nonces, BLOCK)
        (folder / "bitmex.txt").write_text(text)

    return run


def _bitmex_rule(folder: Path) -> Callable[[], object]:
    from tests.supervision.solvency.peer_rules import BitmexNode, bitmex_leaf, bitmex_levels

    nonces = [i.to_bytes(32, "big") for i in _all()]

    def run() -> None:
        leaves: list[BitmexNode] = []
        for i in _all():
            half = _balance(i) // 2
            for value in (half, _balance(i) - half):
                leaves.append(bitmex_leaf(nonces[i], BLOCK, i, value, len(leaves)))
        levels = bitmex_levels(leaves)
        with (folder / "bitmex.txt").open("w") as out:
            for level in levels:
                out.writelines(f"{node.hash.hex()},{node.value}\n" for node in level)

    return run


@measurement("solvency_beside_openreserve")
def openreserve() -> Iterator[Case]:
    """A plain Merkle tree: one leaf a customer, no sums, nothing written."""
    try:
        merkle = importlib.import_module("openreserve.transparency.merkle")
    except ModuleNotFoundError as error:
        raise CannotMeasure("openreserve is not installed") from error
    held = [
        merkle.MerkleLeaf(account_id=str(i), balance_cents=_balance(i), currency_code="BTC")
        for i in _all()
    ]
    with tempfile.TemporaryDirectory() as name:
        yield Case(
            run=_ours(Path(name), shares=1),
            amount=CUSTOMERS,
            unit="customers/s",
            peer=lambda: merkle.MerkleTree(held).root_hash,
            peer_name="openreserve",
            note=_each("one leaf; theirs has no sums in its nodes and writes nothing"),
        )


@measurement("solvency_beside_plain_tree")
def plain_tree() -> Iterator[Case]:
    """The rule of The Network Firm's tool: text to eight bytes, no sums, nothing written."""
    from tests.supervision.solvency.peer_rules import plain_leaf, plain_parent

    def run() -> None:
        level = [plain_leaf(f"{i},BTC:{_balance(i)},ETH:0") for i in _all()]
        while len(level) > 1:
            level = [plain_parent(level[i], level[i + 1]) for i in range(0, len(level), 2)]

    with tempfile.TemporaryDirectory() as name:
        yield Case(
            run=_ours(Path(name), shares=1),
            amount=CUSTOMERS,
            unit="customers/s",
            peer=run,
            peer_name="the plain tree's rule, written anew in Python",
            note=_each("one leaf; theirs has no sums in its nodes and writes nothing"),
        )
