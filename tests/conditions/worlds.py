"""A public sector with a fund, a treasury, clients and custody, on a simulated chain."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

from khazana.bitcoin.chain import BlockRef
from khazana.conditions.memorandum import LedgerRule
from khazana.conditions.statistics import ClientLiabilities, Figures, Statistic
from khazana.conditions.verdicts import Inputs
from khazana.ledger.accounts import Lane, Membership, Seal
from khazana.ledger.documents import Reason
from khazana.ledger.seals import seal_commitment
from khazana.reserve.figures import Books
from khazana.reserve.gather import gather_period
from khazana.reserve.office_books import books_of
from khazana.units import Sats
from tests.reserve.simulator import BTC, World, script

RULE = LedgerRule(
    counts=(Reason.ACQUISITION, Reason.MINED),
    excluded_reasons=(Reason.SEIZURE, Reason.DUST),
    excluded_lanes=(Lane.SEIZED,),
    net_of_clients=True,
)
SALT = bytes(range(16))
ENTERED = datetime(2026, 1, 1, tzinfo=UTC)
TODAY = date(2030, 1, 1)


def public_world(*, late: Mapping[str, BlockRef] | None = None) -> World:
    """A fund with 50 BTC, a treasury with 30, a wallet company with 40 that its clients own."""
    world = World()
    world.wallet("fund", entity="bitcoin-office")
    world.wallet("treasury", entity="treasury")
    world.wallet("clients", entity="wallet-company", lane=Lane.HELD_FOR_CLIENTS)
    world.wallet("custody", entity="treasury", lane=Lane.SEIZED)
    world.perimeter("public-sector", "fund", "treasury", "clients", "custody")
    for name, amount in (("fund", 50), ("treasury", 30), ("clients", 40)):
        paid = world.fund(script(name), amount * BTC)
        world.mine()
        reason = Reason.CLIENT_DEPOSIT if name == "clients" else Reason.RECEIPT
        world.document(f"opening-{name}", reason, name, amount * BTC, paid)
    return world


def declare_late(
    world: World, name: str, block: BlockRef, *, sealed: BlockRef | None = None
) -> None:
    """Let a wallet be declared only at this block, perhaps sealed before."""
    for position, wallet in enumerate(world.wallets):
        if wallet.id == name:
            seal = (
                Seal(seal_commitment(wallet.scripts, SALT), sealed, SALT.hex()) if sealed else None
            )
            world.wallets[position] = replace(wallet, declared=block, seal=seal)


def join_late(world: World, name: str, block: BlockRef, document: str) -> None:
    """Let a wallet be a member only from this block on."""
    (perimeter,) = world.perimeters
    members = tuple(
        Membership(name, since=block, document=document) if m.account == name else m
        for m in perimeter.members
    )
    world.perimeters[:] = [replace(perimeter, members=members)]


def books(world: World, after: BlockRef, until: BlockRef) -> Books:
    office = world.office()
    scripts = {s for w in office.wallets for s in w.scripts}
    return books_of(office, gather_period(world.chain, scripts, after=after, until=until))


def owed(block: BlockRef, btc: int | str, *, entered: datetime = ENTERED) -> ClientLiabilities:
    document = f"letter-{block.height}"
    return ClientLiabilities(
        perimeter="public-sector",
        block=block,
        amount=Sats(int(btc) * BTC),
        document=document,
        entered=entered,
        attested_by="Wallet company",
        file_sha256=hashlib.sha256(document.encode()).hexdigest(),
    )


def inputs(
    world: World,
    after: BlockRef,
    until: BlockRef,
    *,
    liabilities: Iterable[ClientLiabilities] = (),
    statistics: Iterable[Statistic] = (),
    closings: Mapping[date, BlockRef] | None = None,
    today: date = TODAY,
) -> Inputs:
    return Inputs(
        books=books(world, after, until),
        perimeters=tuple(world.perimeters),
        custody=frozenset((a.account, a.as_of) for a in world.attestations),
        figures=Figures(tuple(statistics), tuple(liabilities)),
        closings=closings or {},
        today=today,
    )
