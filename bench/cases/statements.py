"""Verifying a statement of ten thousand entries, through each adapter."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from bench.measure import Case, measurement
from khazana.bitcoin.adapters.source import open_chain
from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.bitcoin.hashes import sha256
from khazana.bitcoin.transaction import Transaction
from khazana.statement.checks import Profile
from tests.bitcoin.core_server import CoreNode, serve
from tests.bitcoin.esplora_server import EsploraServer
from tests.reserve.simulator import BTC, World, script

ENTRIES = 10_000
PER_BLOCK = 25
SCRIPTS = 200


@cache
def _world() -> tuple[World, bytes]:
    """An office with ten thousand receipts and payments in four hundred blocks, and its file."""
    world = World()
    world.wallet("fund", entity="office", scripts=SCRIPTS)
    world.wallet("desk", entity="office", scripts=SCRIPTS)
    world.perimeter("all", "fund", "desk")
    start: BlockRef = world.mine()
    for number in range(ENTRIES):
        if number % 2:
            world.spend(
                script("fund", number // 2 % SCRIPTS),
                [(script("desk", number % SCRIPTS), BTC // 100)],
            )
        else:
            world.fund(script("fund", number // 2 % SCRIPTS), BTC)
        if number % PER_BLOCK == PER_BLOCK - 1:
            world.mine()
    until = world.mine()
    world.mine(6)
    return world, world.signed(world.made(start, until).statement)


@dataclass
class _IndexedEsplora(EsploraServer):
    """The tests' server with its look-ups made beforehand, as a real server has them."""

    def __post_init__(self) -> None:
        self._heights: dict[str, int] = {
            block.hash: height for height, block in enumerate(self.chain.blocks)
        }
        self._places: dict[str, tuple[int, int]] = {}
        self._lists: dict[str, dict[tuple[int, int], Transaction]] = {}
        made: dict[tuple[str, int], bytes] = {}
        for height, block in enumerate(self.chain.blocks):
            for position, transaction in enumerate(block.transactions):
                self._places[transaction.txid] = (height, position)
                outputs = enumerate(transaction.outputs)
                made.update(((transaction.txid, vout), o.script) for vout, o in outputs)
                touched = [o.script for o in transaction.outputs]
                spent = (made.get((i.outpoint.txid, i.outpoint.vout)) for i in transaction.inputs)
                for paid in (*touched, *(s for s in spent if s is not None)):
                    of_script = self._lists.setdefault(sha256(paid).hex(), {})
                    of_script[height, position] = transaction

    def height_of(self, block_hash: str) -> int | None:
        return self._heights.get(block_hash)

    def placed(self, txid: str) -> tuple[int, int] | None:
        return self._places.get(txid)

    def listed(self, script_hash: str) -> list[tuple[int, int, Transaction]]:
        found = self._lists.get(script_hash, {})
        return [(h, p, found[h, p]) for h, p in sorted(found, key=lambda f: (-f[0], f[1]))]


def _case(chain: ChainView) -> Case:
    world, raw = _world()

    def run() -> None:
        report = world.check(raw, profile=Profile.FULL, chain=chain)
        if report.exit_status != 0:
            raise RuntimeError(f"the honest statement does not pass: {report.failed}")

    return Case(
        run=run, amount=ENTRIES, unit="entries/s", note=f"a file of {len(raw) / 1e6:.1f} MB"
    )


@measurement("verify_10000_entries_memory")
def in_memory() -> Iterator[Case]:
    """Every check of profile full, the chain in this process: what the checks themselves cost."""
    yield _case(_world()[0].chain)


@measurement("verify_10000_entries_esplora")
def over_esplora() -> Iterator[Case]:
    """The same, asking an Esplora server on this machine."""
    with _IndexedEsplora(_world()[0].chain).running() as url:
        yield _case(open_chain(f"esplora:{url}"))


@measurement("verify_10000_entries_core")
def over_core() -> Iterator[Case]:
    """The same, asking a server that speaks Bitcoin Core's JSON-RPC on this machine."""
    with serve(CoreNode(_world()[0].chain)) as node:
        yield _case(open_chain(f"core:{node.source}"))
