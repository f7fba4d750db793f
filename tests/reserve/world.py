"""The story that the tests of statements share: three entities, two periods, every kind of flow."""

from dataclasses import dataclass
from functools import cache

from khazana.bitcoin.chain import BlockRef
from khazana.ledger.accounts import CustodialAccount, Lane
from khazana.ledger.documents import Reason
from khazana.ledger.office import Attestation
from khazana.units import Sats, Txid
from tests.reserve.simulator import BTC, OUTSIDER, World, script


@dataclass(frozen=True)
class Story:
    """A world with two honest statements. `transfer` is the case that defines the product."""

    world: World
    start: BlockRef
    middle: BlockRef
    end: BlockRef
    first: bytes
    second: bytes
    purchase: Txid
    transfer: Txid
    payment: Txid
    receipt: Txid
    unexplained: Txid


@cache
def story() -> Story:
    """Bought, mined, moved, paid, seized, received without a word; made once for all tests."""
    world = World()
    world.wallet("fund", entity="bitcoin-office")
    world.wallet("treasury", entity="treasury")
    world.wallet("mining", entity="energy-company")
    world.wallet("custody", entity="treasury", lane=Lane.SEIZED)
    world.accounts.append(
        CustodialAccount("exchange", "treasury", {"en": "exchange"}, "Exchange A", Lane.OWNED)
    )
    world.perimeter("fund-only", "fund")
    world.perimeter("public-sector", "fund", "treasury", "mining", "custody", "exchange")

    start = world.mine(2)
    bought = world.fund(script("fund"), 50 * BTC)
    world.fund(script("treasury"), 30 * BTC)
    world.mine()
    world.document("invoice-1", Reason.ACQUISITION, "fund", 50 * BTC, bought)
    seized = world.fund(script("custody"), 7 * BTC)
    world.mine()
    world.document("warrant-1", Reason.SEIZURE, "custody", 7 * BTC, seized)
    world.mine(coinbase=[(script("mining"), 40 * BTC)])
    middle = world.mine(104)

    purchase = world.fund(script("fund", 1), 3 * BTC)
    world.mine()
    world.document("invoice-2", Reason.ACQUISITION, "fund", 3 * BTC, purchase)
    # The fund's page rises by 20 BTC in a day; the public sector's stock does not.
    transfer = world.spend(script("treasury"), [(script("fund"), 20 * BTC)])
    world.mine(coinbase=[(script("mining"), 25 * BTC), (OUTSIDER, 1)])
    payment = world.spend(script("fund"), [(OUTSIDER, 2 * BTC)])
    world.mine()
    world.document("order-1", Reason.DISBURSEMENT, "fund", 2 * BTC, payment)
    receipt = world.fund(script("treasury", 1), BTC // 2)
    unexplained = world.fund(script("treasury", 1), 12_345)
    world.fund(script("mining", 1), 600)
    world.mine()
    world.document("tax-1", Reason.RECEIPT, "treasury", BTC // 2, receipt)
    attested = world.mine()
    world.attestations.append(
        Attestation(
            account="exchange",
            as_of=attested,
            amount=Sats(4 * BTC),
            document="letter-1",
            attested_by="Exchange A",
            file_sha256="ab" * 32,
        )
    )
    end = world.mine(3)
    world.mine(5)

    first = world.made(start, middle).statement
    second = world.made(middle, end, previous=first.root).statement
    return Story(
        world=world,
        start=start,
        middle=middle,
        end=end,
        first=world.signed(first),
        second=world.signed(second),
        purchase=purchase,
        transfer=transfer,
        payment=payment,
        receipt=receipt,
        unexplained=unexplained,
    )
