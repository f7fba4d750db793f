"""A chain that consensus accepts, so that the devnet takes part as well: hard cases, no keys.

Its scripts are `<name> OP_DROP OP_TRUE`: anybody may spend from them, and no two names are alike.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.bitcoin.work import block_subsidy
from khazana.units import SATS_PER_BTC, Height, Sats

BTC = SATS_PER_BTC


def free_script(name: str) -> bytes:
    """A script that needs no signature."""
    pushed = name.encode()
    return bytes([len(pushed)]) + pushed + b"\x75\x51"


MINER, TREASURY, MANY, DUST, FUND, CUSTODY, STRANGER, NEVER = (
    free_script(name)
    for name in ("miner", "treasury", "many", "dust", "fund", "custody", "stranger", "never used")
)
SCRIPTS = {
    "miner": MINER,
    "treasury": TREASURY,
    "many": MANY,
    "dust": DUST,
    "fund": FUND,
    "custody": CUSTODY,
}


def spend(coins: list[OutPoint], *outputs: tuple[bytes, int]) -> Transaction:
    """A transaction that is valid without any signature."""
    return Transaction(
        version=2,
        inputs=tuple(TxIn(coin, b"", 0xFFFF_FFFD) for coin in coins),
        outputs=tuple(TxOut(Sats(amount), script) for script, amount in outputs),
        lock_time=0,
    )


@cache
def _valid_blocks() -> tuple[bytes, ...]:
    chain = SimulatedChain()
    for height in range(1, 6):
        chain.add_block(coinbase=[TxOut(block_subsidy(Height(height), chain.network), MINER)])
    chain.add_block(coinbase=[TxOut(Sats(30 * BTC), TREASURY), TxOut(Sats(20 * BTC), TREASURY)])
    chain.add_blocks(99)
    mined = [chain.blocks[height].transactions[0].outpoint(0) for height in range(1, 7)]

    # 70 coins of one script in one transaction; dust of one satoshi and of none.
    fan = spend(
        [mined[0]],
        *((MANY, 1_000_000 + n) for n in range(70)),
        (DUST, 1),
        (DUST, 0),
        (MINER, 49 * BTC),
    )
    chain.add_block([fan])
    # The same script pays itself, 35 times in each of two blocks.
    for first in (0, 35):
        moves = [
            spend([fan.outpoint(n)], (MANY, 1_000_000 + n - 10)) for n in range(first, first + 35)
        ]
        fees = 35 * 10
        subsidy = block_subsidy(Height(len(chain.blocks)), chain.network)
        chain.add_block(moves, coinbase=[TxOut(Sats(subsidy + fees), STRANGER)])

    # Spends of one another in one block, with a stranger's between.
    one = spend([mined[1]], (FUND, 20 * BTC), (TREASURY, 30 * BTC - 500))
    two = spend([one.outpoint(0)], (TREASURY, 10 * BTC), (FUND, 10 * BTC - 500))
    stranger = spend([mined[4]], (STRANGER, 50 * BTC - 300))
    three = spend([two.outpoint(1), two.outpoint(0)], (CUSTODY, 20 * BTC - 1_000))
    four = spend([three.outpoint(0)], (STRANGER, 5 * BTC), (CUSTODY, 15 * BTC - 1_200))
    chain.add_block([one, two, stranger, three, four])

    # Several scripts' coins in one transaction, dust among them; data that nobody can spend;
    # a coinbase that pays two scripts, one of them twice.
    mixed = spend(
        [one.outpoint(1), mined[5], fan.outpoint(70), fan.outpoint(71), stranger.outpoint(0)],
        (FUND, 60 * BTC),
        (b"\x6a\x04data", 0),
        (STRANGER, 49 * BTC),
        (DUST, 546),
    )
    chain.add_block(
        [mixed],
        coinbase=[TxOut(Sats(1 * BTC), FUND), TxOut(Sats(2 * BTC), DUST), TxOut(Sats(7), FUND)],
    )
    # Everything of one script at once.
    last = [tx for block in chain.blocks[107:109] for tx in block.transactions[1:]]
    chain.add_block([spend([tx.outpoint(0) for tx in last], (CUSTODY, 69_000_000))])
    chain.add_blocks(2)
    # To the tip: its output is spent in the same block in which it is made.
    near = spend([mined[2]], (MINER, 40 * BTC), (FUND, 9 * BTC))
    chain.add_block([near, spend([near.outpoint(1)], (FUND, 9 * BTC - 100))])
    return tuple(block.serialize() for block in chain.blocks)


def valid_chain() -> SimulatedChain:
    """The chain, to be changed at will: blocks 0 to 114, all of interest from 106 on."""
    return SimulatedChain.of_blocks(_valid_blocks())


@contextmanager
def devnet_view(chain: SimulatedChain) -> Iterator[ChainView]:
    """A devnet that was handed the blocks of a chain, stale ones too."""
    pytest.importorskip("pbk", reason="the devnet profile is not installed")
    from khazana.devnet.network import Devnet
    from khazana.devnet.view import DevnetView

    with TemporaryDirectory() as folder, Devnet(Path(folder) / "net") as devnet:
        for block in (*chain.blocks[1:], *chain.stale):
            devnet.submit_block(block.serialize())
        yield DevnetView(devnet)
