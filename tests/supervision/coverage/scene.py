"""A provider, its customers and its chain: two epochs told honestly, to be told otherwise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import REGTEST
from khazana.ledger.canonical import canonical_bytes
from khazana.statement.checks import Profile, Report
from khazana.statement.dsse import Envelope, sign
from khazana.statement.envelope import Statement, write_statement
from khazana.statement.office_file import Pin
from khazana.supervision.coverage.countersign import attach_recomputation
from khazana.supervision.coverage.make import Attested, make_coverage
from khazana.supervision.coverage.reading import CoverageStatement, read_coverage
from khazana.supervision.coverage.snapshot import Draw, draw_block
from khazana.supervision.coverage.verify import CoverageRequest, verify_coverage
from khazana.supervision.solvency.epoch import Block, Epoch, Provider, make_epoch
from khazana.supervision.solvency.plan import Asset
from khazana.supervision.solvency.recompute import PAYLOAD_TYPE, Recomputation, RecomputedTree
from khazana.supervision.solvency.slip import Slip
from khazana.supervision.solvency.tree import Tree, build
from tests.reserve.simulator import BTC, NOW, SEED, World, identity, keys, rerooted, script
from tests.supervision.solvency.trees import built, customers, level_bytes, plan_for, slip_for

USDT = Asset(name="USDT", scale=6, most=10**15)
PKR_AT_BANK = Attested(
    id="client-money",
    asset="PKR",
    kind="bank",
    holder="Bank 1",
    amount=500_000_00,
    document="certificate of balance",
    file_sha256="ab" * 32,
)
WATCH, WINDOW = 5, 4
REGULATOR_KEYS = keys("regulator")
REGULATOR = identity("regulator", REGULATOR_KEYS)
BALANCES = {1: (3 * BTC, 2 * BTC, BTC // 2), 2: (3 * BTC, 3 * BTC, BTC // 4, BTC)}


@dataclass(kw_only=True)
class Told:
    """One epoch: what was built and the honest, unsigned statement."""

    tree: Tree
    dollars: Tree
    epoch: Epoch
    statement: Statement

    @property
    def slip(self) -> Slip:
        return slip_for(self.tree, customers(*BALANCES[self.epoch.epoch]), 1)

    @property
    def level(self) -> tuple[str, bytes]:
        return "level.bin", level_bytes(self.tree)


@dataclass
class Scene:
    """A provider with 12 BTC of its own in two wallets, and two epochs."""

    world: World = field(default_factory=lambda: World("exchange"))
    told: dict[int, Told] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world.wallet("cold", entity="exchange")
        self.world.wallet("hot", entity="exchange")
        self.world.mine(3)
        self.world.fund(script("cold"), 8 * BTC)
        self.world.fund(script("hot"), 4 * BTC)
        self.world.mine(30)

    def draw(self, number: int) -> Draw:
        """Epoch 1 is drawn by block 30, epoch 2 by block 60."""
        return Draw(announced=30 * number, window=WINDOW)

    def publish(self, number: int, **more: Any) -> Told:
        """Mine on until the epoch's block is drawn and deep, then build and state it."""
        while self.world.chain.tip().height < 30 * number + 10:
            self.world.mine()
        block = draw_block(self.world.chain, self.draw(number))
        before = self.told.get(number - 1)
        tree = build(customers(*BALANCES[number]), plan_for(epoch=number))
        dollars = build(customers(5_000_000), plan_for(asset=USDT, epoch=number))
        epoch = make_epoch(
            [built(tree), built(dollars)],
            provider=Provider(licence="PROV-7", name="Exchange"),
            block=Block(hash=block.hash, height=block.height),
            genesis=REGTEST.genesis,
            test=True,
            epoch=number,
            previous=None if before is None else before.epoch,
            reserves=None,
            software="khazana test",
        )
        statement = self.stated(epoch, block, number, **more)
        self.told[number] = Told(tree=tree, dollars=dollars, epoch=epoch, statement=statement)
        return self.told[number]

    def stated(self, epoch: Epoch, block: BlockRef, number: int, **more: Any) -> Statement:
        before = self.told.get(number - 1)
        asked = {
            "snapshot": self.draw(number),
            "next_draw": self.draw(number + 1),
            "fingerprint": self.world.identity.fingerprint,
            "salt_seed": SEED,
            "attested": [PKR_AT_BANK],
            "offers": {"PKR": 2, "ETH": 8},
            "watch": WATCH,
            "previous": None if before is None else self.read(before.statement),
        } | more
        return make_coverage(
            self.world.office(), epoch, chain=self.world.chain, block=block, **asked
        )

    @staticmethod
    def read(statement: Statement) -> CoverageStatement:
        return read_coverage(write_statement(statement))

    def published(self, number: int = 2, change: Callable[[Any], None] | None = None) -> bytes:
        """The signed, counter-signed file; `change` is made to the parts before it is rooted."""
        told = self.told[number]
        statement = told.statement if change is None else rerooted(told.statement, change)
        return self.signed(attach_recomputation(statement, recomputed(told.epoch)))

    def signed(self, statement: Statement) -> bytes:
        return self.world.signed(statement)

    def check(self, raw: bytes, *, number: int = 2, **more: Any) -> Report:
        """What a stranger finds who brings everything a stranger can bring."""
        brought = {
            "pin": Pin(self.world.identity.fingerprint),
            "regulator": REGULATOR,
            "previous": self.read(self.told[1].statement) if number == 2 else None,
            "levels": [self.told[number].level],
            "slips": [("slip", self.told[number].slip.to_bytes())],
            "told": self.told[number].epoch,
            "profile": Profile.FULL,
        } | more
        return verify_coverage(
            CoverageRequest(
                raw=raw, chain=self.world.chain, engine=best_engine(), now=NOW, **brought
            )
        )


def recomputed(epoch: Epoch, /, **otherwise: Any) -> Envelope:
    """What the regulator signs after building the trees again, by two of its keys."""
    found = Recomputation(
        epoch=epoch.epoch,
        format="khazana.solvency-recomputation/1",
        software="khazana test",
        statement=epoch.digest,
        test=True,
        trees=tuple(
            RecomputedTree(extract_sha256="cd" * 32, name=t.name, root=t.root, rows=3, sum=t.sum)
            for t in epoch.trees
        ),
    )
    payload = canonical_bytes(msgspec.to_builtins(msgspec.structs.replace(found, **otherwise)))
    first, second = (sign(PAYLOAD_TYPE, payload, key) for key in REGULATOR_KEYS[:2])
    return Envelope(first.payload_type, first.payload, (*first.signatures, *second.signatures))


@cache
def honest() -> Scene:
    """Both epochs, told as they are; not to be changed by a test."""
    scene = Scene()
    scene.publish(1)
    scene.publish(2)
    return scene


def words(report: Report) -> Mapping[str, str]:
    return {line.result.name: line.result.summary for line in report.lines}
