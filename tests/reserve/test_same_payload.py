"""Whatever adapter reads the chain, the statement is the same to the last byte, and verifies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import pytest

from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.bitcoin.simulated import SimulatedChain
from khazana.ledger.accounts import Lane, LaneSpan, Wallet
from khazana.ledger.documents import Reason
from khazana.statement.envelope import Statement, with_evidence, write_statement
from khazana.statement.evidence import identity_evidence
from khazana.statement.signatures import joined_evidence, sign_statement
from khazana.units import Height
from tests.bitcoin.chainviews import ADAPTERS
from tests.bitcoin.core_server import recorded_chain, recorded_scripts
from tests.bitcoin.valid_chain import SCRIPTS, devnet_view, valid_chain
from tests.reserve.simulator import NOW, World

READERS = [*ADAPTERS, "devnet"]


SIGNED = NOW + timedelta(hours=8)
"""After the newest recorded block: an older signature would be refused."""


def signed(world: World, statement: Statement) -> bytes:
    """The file with two of the office's signatures."""
    for key in world.keys[:2]:
        statement = joined_evidence(
            statement, sign_statement(statement, world.identity, key, at=SIGNED)
        )
    return write_statement(with_evidence(statement, identity_evidence(statement, world.identity)))


@dataclass(frozen=True)
class Books:
    """An office on a chain, its two periods, and its statements as the chain itself gives them."""

    world: World
    start: BlockRef
    middle: BlockRef
    end: BlockRef
    first: bytes
    second: bytes

    def statements(self, chain: ChainView) -> tuple[bytes, bytes]:
        """Two consecutive statements, signed, with what one source says."""
        first = self.world.made(self.start, self.middle, chain=chain).statement
        second = self.world.made(self.middle, self.end, previous=first.root, chain=chain).statement
        return signed(self.world, first), signed(self.world, second)


def books(chain: SimulatedChain, wallets: list[Wallet], *, heights: tuple[int, int, int]) -> Books:
    world = World(chain=chain)
    world.wallets += wallets
    world.perimeter("public-sector", *(wallet.id for wallet in wallets))
    world.perimeter("first-only", wallets[0].id)
    start, middle, end = (chain.block_at(Height(h)) for h in heights)
    # A document for a receipt: its commitment, under a salt from the seed, is in the payload.
    scripts = {script for wallet in wallets for script in wallet.scripts}
    for number, confirmed in enumerate(chain.history(scripts, start, end)[:3]):
        received = sum(o.amount for o in confirmed.transaction.outputs if o.script in scripts)
        world.document(
            f"paper-{number}", Reason.RECEIPT, wallets[0].id, max(received, 1), confirmed.txid
        )
    made = Books(world, start, middle, end, b"", b"")
    return Books(world, start, middle, end, *made.statements(chain))


def wallet(chain: SimulatedChain, name: str, entity: str, *scripts: bytes, lane: Lane) -> Wallet:
    genesis = chain.block_at(Height(0))
    return Wallet(
        id=name,
        entity=entity,
        name={"en": name},
        scripts=scripts,
        lanes=(LaneSpan(lane, None),),
        declared=genesis,
    )


@cache
def recorded_books() -> Books:
    """The four addresses of the recorded node: P2PKH, P2SH-P2WPKH, P2WPKH, P2TR."""
    chain = recorded_chain()
    p2pkh, p2sh, p2wpkh, p2tr = recorded_scripts()
    return books(
        chain,
        [
            wallet(chain, "old", "treasury", p2pkh, p2sh, lane=Lane.OWNED),
            wallet(chain, "fund", "bitcoin-office", p2wpkh, lane=Lane.OWNED),
            wallet(chain, "cold", "bitcoin-office", p2tr, lane=Lane.SEIZED),
        ],
        heights=(20, 160, 171 - 5),
    )


@cache
def made_up_books() -> Books:
    """Chained spends, dust, coinbases and a script with many transactions."""
    chain = valid_chain()
    chain.add_blocks(6)
    return books(
        chain,
        [
            wallet(
                chain, "treasury", "treasury", SCRIPTS["treasury"], SCRIPTS["dust"], lane=Lane.OWNED
            ),
            wallet(chain, "fund", "bitcoin-office", SCRIPTS["fund"], lane=Lane.OWNED),
            wallet(chain, "many", "bitcoin-office", SCRIPTS["many"], lane=Lane.OWNED),
            wallet(chain, "custody", "police", SCRIPTS["custody"], lane=Lane.SEIZED),
            wallet(chain, "mining", "energy-company", SCRIPTS["miner"], lane=Lane.OWNED),
        ],
        heights=(3, 107, 114),
    )


OFFICES: dict[str, Callable[[], Books]] = {"recorded": recorded_books, "made up": made_up_books}


@contextmanager
def reader(name: str, chain: SimulatedChain) -> Iterator[ChainView]:
    opened = devnet_view(chain) if name == "devnet" else ADAPTERS[name](chain, lambda: None)
    with opened as view:
        yield view


@pytest.mark.parametrize("office", OFFICES)
@pytest.mark.parametrize("name", READERS)
def test_the_payload_is_the_same_through_every_adapter(name, office):
    told = OFFICES[office]()
    with reader(name, told.world.chain) as view:
        first, second = told.statements(view)
    assert first == told.first
    assert second == told.second


@pytest.mark.parametrize("office", OFFICES)
@pytest.mark.parametrize("name", READERS)
def test_statements_made_with_one_source_verify_with_every_other(name, office):
    told = OFFICES[office]()
    with reader(name, told.world.chain) as view:
        first = told.world.check(told.first, chain=view)
        second = told.world.check(told.second, chain=view, previous=told.first)
    assert first.failed == ()
    assert second.failed == ()


@pytest.mark.parametrize("office", OFFICES)
def test_the_offices_that_are_compared_have_something_to_state(office):
    told = OFFICES[office]()
    for after, until in ((told.start, told.middle), (told.middle, told.end)):
        names = [p.name for p in told.world.made(after, until).statement.parts]
        assert sum(name.startswith("entry/") for name in names) >= 4
        coins = [
            coin
            for part in told.world.made(after, until).statement.parts
            if part.name.startswith("coins/")
            for coin in part.body["closing"]
        ]
        assert len(coins) >= 4


@pytest.mark.parametrize("office", OFFICES)
def test_nothing_about_the_source_is_in_the_payload(office):
    told = OFFICES[office]()
    for raw in (told.first, told.second):
        assert b"127.0.0.1" not in raw
        assert b"own index" not in raw
        assert b"simulated" not in raw


def test_another_tip_or_another_seed_is_another_payload():
    """The comparison can fail: what the payload depends on does show in its bytes."""
    told = made_up_books()
    chain = SimulatedChain.of_blocks(b.serialize() for b in told.world.chain.blocks)
    same = told.world.made(told.start, told.middle, chain=chain).statement
    assert signed(told.world, same) == told.first
    chain.add_block()
    later = told.world.made(told.start, told.middle, chain=chain).statement
    assert write_statement(later) != write_statement(same)
