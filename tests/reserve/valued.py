"""An office whose coins stand in every lane, with write-offs, priced by an invented table."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.ledger.accounts import CustodialAccount, Lane
from khazana.ledger.documents import Fiat, Reason
from khazana.ledger.entries import BookEntry, BookKind
from khazana.ledger.office import Attestation, CostMethod, ImpairmentRule, UnpaidCost
from khazana.ledger.valuation import read_prices
from khazana.reserve.block_times import block_times, blocks_of_flows
from khazana.reserve.case import Given
from khazana.reserve.gather import gather_period
from khazana.reserve.make import Made, make
from khazana.reserve.reading import ReserveStatement, typed
from khazana.reserve.valuation import valuation_of
from khazana.reserve.valuation_cost import CostInputs
from khazana.reserve.valuation_document import ValuationDocument
from khazana.reserve.valuation_prices import rules_for
from khazana.units import Sats
from tests.reserve.simulator import BTC, OUTSIDER, SEED, World, script

TABLE = Path(__file__).with_name("prices_for_tests.csv")
PRICES = read_prices(TABLE.name, TABLE.read_bytes())
PAID = {"invoice-1": (2 * BTC, 118_000_00, 500_00), "invoice-2": (1 * BTC, 62_000_00, 0)}
"""Document -> satoshis, cents paid, cents of fees."""


@dataclass(frozen=True)
class Valued:
    """A world with two periods: (start, middle] opens empty, (middle, end] goes on from it."""

    world: World
    start: BlockRef
    middle: BlockRef
    end: BlockRef
    book: tuple[BookEntry, ...]
    attestation: Attestation

    def made(
        self,
        after: BlockRef,
        until: BlockRef,
        previous: str | None = None,
        method: CostMethod = CostMethod.WEIGHTED_AVERAGE,
    ) -> Made:
        office = self.world.office()
        office = replace(
            office, book_entries=self.book, rules=replace(office.rules, cost_method=method)
        )
        scripts = {s for w in office.wallets for s in w.scripts}
        return make(
            office,
            gather_period(self.world.chain, scripts, after=after, until=until),
            salt_seed=SEED,
            fingerprint=self.world.identity.fingerprint,
            previous=previous,
        )

    def first(self, method: CostMethod = CostMethod.WEIGHTED_AVERAGE) -> Made:
        return self.made(self.start, self.middle, method=method)

    def second(self, method: CostMethod = CostMethod.WEIGHTED_AVERAGE) -> Made:
        return self.made(self.middle, self.end, self.first(method).statement.root, method)


@cache
def valued() -> Valued:
    """Bought 3, mined 4, seized 7, clients' 9; 0.5 lost, and 1 of the seized; 1 paid out."""
    world = World()
    world.wallet("fund", entity="office")
    world.wallet("mining", entity="office")
    world.wallet("pledge", entity="office", lane=Lane.PLEDGED)
    world.wallet("custody", entity="treasury", lane=Lane.SEIZED)
    world.wallet("clients", entity="wallet-company", lane=Lane.HELD_FOR_CLIENTS)
    world.accounts.append(
        CustodialAccount("exchange", "treasury", {"en": "exchange"}, "Exchange A", Lane.OWNED)
    )
    world.perimeter("fund-only", "fund")
    world.perimeter("public-sector", "fund", "mining", "pledge", "custody", "clients", "exchange")
    start = world.mine(2)
    for name, (amount, paid, fees) in PAID.items():
        txid = world.fund(script("fund"), amount)
        world.mine()
        world.document(name, Reason.ACQUISITION, "fund", amount, txid)
        world.documents[-1] = replace(world.documents[-1], fiat=Fiat("USD", paid, fees))
    for wallet, amount, reason in (
        ("custody", 7 * BTC, Reason.SEIZURE),
        ("clients", 9 * BTC, Reason.CLIENT_DEPOSIT),
        ("pledge", 2 * BTC, Reason.DONATION),
    ):
        txid = world.fund(script(wallet), amount)
        world.mine()
        world.document(f"paper-{wallet}", reason, wallet, amount, txid)
    mined = world.mine(coinbase=[(script("mining"), 4 * BTC)])
    coinbase = world.chain.blocks[-1].transactions[0].txid
    world.document("pool-1", Reason.MINED, "mining", 4 * BTC, coinbase)
    attestation = Attestation(
        account="exchange", as_of=world.mine(), amount=Sats(5 * BTC), document="letter-1"
    )
    world.attestations.append(attestation)
    middle = world.mine(4)
    paid = world.spend(script("fund"), [(OUTSIDER, 1 * BTC)])
    world.mine()
    world.document("order-1", Reason.DISBURSEMENT, "fund", 1 * BTC, paid)
    end = world.mine(20)
    world.mine(6)
    book = (
        BookEntry(BookKind.LOSS, mined, "fund", Sats(-BTC // 2), None, None, {"note": "lost"}),
        BookEntry(BookKind.LOSS, mined, "custody", Sats(-BTC), None, None, {"note": "lost"}),
    )
    return Valued(world, start, middle, end, book, attestation)


def given(made: Made) -> dict[str, Given]:
    return {document.id: Given(document, salt) for document, salt in made.documents}


def inputs(made: Made, *, chain: ChainView | None = None, **more: object) -> CostInputs:
    """Everything that the costs of a statement need."""
    statement = typed(made.statement)
    chain = chain or valued().world.chain
    base = CostInputs(
        currency="USD",
        unpaid=UnpaidCost.FAIR_VALUE,
        impairment=ImpairmentRule.NEVER_REVERSED,
        documents=given(made),
        instants=block_times(chain, blocks_of_flows(statement)),
    )
    return replace(base, **more)  # type: ignore[arg-type]


def valuation(
    statement: ReserveStatement,
    *currencies: str,
    cost: CostInputs | None = None,
    prices: tuple = PRICES,
) -> ValuationDocument:
    wanted = list(currencies or ("USD", "PKR"))
    return valuation_of(
        statement, prices=prices, rules=rules_for(prices, wanted), currencies=wanted, cost=cost
    )
