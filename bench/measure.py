"""What a measurement is, how measurements are found, and how one is taken.

A module in `bench/cases/` registers a function that prepares a case and cleans up after it:

    @measurement("parse_block")
    def parse_block() -> Iterator[Case]:
        raw = shared_bytes("vectors/block413567.raw")
        yield Case(run=lambda: Block.parse(raw), amount=len(raw) / 1e6, unit="MB/s")

Only `run` and `peer` are timed. Whatever must be true of their results is checked while preparing.
"""

import gc
import importlib
import os
import pkgutil
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("KHAZANA_SHARED", ROOT.parent / "shared"))


class CannotMeasure(Exception):
    """Data or a peer is absent: the measurement is reported as not made, with this reason."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Something to time.

    amount: how much one call of `run` does, in the unit before the slash: 2.0 with unit "MB/s".
    before: called before each timed call, untimed, where a call uses something up.
    peer: another program's way to do the same amount of the same work.
    """

    run: Callable[[], object]
    amount: float
    unit: str
    before: Callable[[], object] | None = None
    peer: Callable[[], object] | None = None
    peer_name: str | None = None
    note: str | None = None


Preparation = Callable[[], Iterator[Case]]
_REGISTERED: dict[str, Preparation] = {}


def measurement(name: str) -> Callable[[Preparation], Preparation]:
    """Register a measurement under a name that stays, so that results can be compared over time."""

    def register(prepare: Preparation) -> Preparation:
        if name in _REGISTERED:
            raise ValueError(f"two measurements are called {name}")
        _REGISTERED[name] = prepare
        return prepare

    return register


def all_measurements() -> dict[str, Preparation]:
    """Every registered measurement by name, after importing every case module."""
    cases = importlib.import_module("bench.cases")
    for module in pkgutil.iter_modules(cases.__path__, "bench.cases."):
        importlib.import_module(module.name)
    return dict(sorted(_REGISTERED.items()))


def shared_bytes(name: str) -> bytes:
    """A file of the test data beside the project."""
    path = SHARED / name
    if not path.exists():
        raise CannotMeasure(f"test data {name} is not beside the project")
    return path.read_bytes()


def seconds(action: Callable[[], object], before: Callable[[], object] | None) -> float:
    """How long one call takes, with the garbage of earlier calls swept beforehand."""
    if before is not None:
        before()
    gc.collect()
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def taken(prepare: Preparation, *, runs: int) -> dict[str, Any]:
    """Take one measurement: medians over `runs` calls, ours and the peer's taking turns.

    Turns matter: a machine that slows down half-way slows both.
    """
    try:
        with contextmanager(prepare)() as case:
            case.run()  # once untimed, for imports and caches
            if case.peer is not None:
                case.peer()
            ours: list[float] = []
            peers: list[float] = []
            for _ in range(runs):
                ours.append(seconds(case.run, case.before))
                if case.peer is not None:
                    peers.append(seconds(case.peer, None))
    except CannotMeasure as reason:
        return {"not_measured": str(reason)}
    result = {"unit": case.unit, **_summary(ours, case.amount)}
    if case.note is not None:
        result["note"] = case.note
    if peers:
        peer = _summary(peers, case.amount)
        result["peer"] = {"name": case.peer_name, **peer}
        result["times_the_peer"] = _three_digits(result["median"] / peer["median"])
    return result


def _summary(times_s: list[float], amount: float) -> dict[str, Any]:
    return {
        "median": _three_digits(amount / statistics.median(times_s)),
        "lowest": _three_digits(amount / max(times_s)),
        "highest": _three_digits(amount / min(times_s)),
        "runs": len(times_s),
        "median_s": _three_digits(statistics.median(times_s)),
    }


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")
