"""Devnet: admitting transactions one by one, and mining blocks, durable on disk each time."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.measure import CannotMeasure, Case, measurement
from khazana.bitcoin.script import p2wpkh
from khazana.bitcoin.transaction import Transaction, TxOut
from khazana.units import Sats

try:
    from khazana.devnet.network import Devnet
except ImportError:  # the devnet extra is not installed
    Devnet = None  # type: ignore[assignment,misc]

START = 1_700_000_000
SPACING = 600
PAYMENTS = 200
BLOCKS = 100
DEPTH = 730
"""A chain as long as the demo's: regtest's own checks grow with it."""


@contextmanager
def _open() -> Iterator["Devnet"]:
    if Devnet is None:
        raise CannotMeasure("the devnet extra is not installed")
    with tempfile.TemporaryDirectory() as folder, Devnet(Path(folder) / "devnet") as devnet:
        yield devnet


@measurement("devnet_blocks")
def blocks() -> Iterator[Case]:
    """Empty blocks on a chain of 730: each is logged and synced before the engine sees it."""
    with _open() as devnet:
        devnet.mine(DEPTH, time=START, spacing=SPACING)

        def run() -> None:
            devnet.mine(BLOCKS, time=START + devnet.tip().height * SPACING, spacing=SPACING)

        yield Case(
            run=run,
            amount=BLOCKS,
            unit="blocks/s",
            note=f"from height {DEPTH} on, which grows with every call",
        )


@measurement("devnet_transactions")
def transactions() -> Iterator[Case]:
    """Payments with scripts checked by Bitcoin Core's code, each durable when acknowledged."""
    with _open() as source, _open() as devnet:
        for each in (source, devnet):
            each.mine(PAYMENTS + 110, time=START, spacing=SPACING)
        made = _payments(source)

        def before() -> None:
            devnet.mempool.block_connected(made)  # forgotten, so that each call admits them anew

        def run() -> None:
            for transaction in made:
                devnet.submit_transaction(transaction)
            if len(devnet.mempool) < len(made):
                raise RuntimeError("a payment was not admitted: nothing to measure")

        yield Case(run=run, amount=len(made), unit="transactions/s", before=before)


def _payments(devnet: "Devnet") -> list[Transaction]:
    """Faucet payments, each from coins of its own: the faucet is the same on every devnet."""
    target = TxOut(Sats(10_000_000), p2wpkh(bytes(20)))
    for _ in range(PAYMENTS):
        devnet.pay([target])
    return [waiting.transaction for waiting in devnet.mempool]
