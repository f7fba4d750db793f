"""Purchases at the spending desks: refused, carried out to the books, or let pass by ministers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.network import REGTEST
from khazana.cli.demo.people import EXCHANGE_NAME
from khazana.cli.demo.prices import Prices, major
from khazana.cli.demo.purses import Purse
from khazana.cli.demo.spending_desk import SpendingDesk, quote_paper
from khazana.cli.demo.stage import BTC, Stage, address
from khazana.conditions.as_if_booked import LenderConditions
from khazana.custody.orders.checks import CheckOutcome
from khazana.custody.orders.order import Money, Order, Purchase, Quote
from khazana.devnet.view import DevnetView
from khazana.ledger.documents import Reason
from khazana.statement.checks import TEST_NOTICE
from khazana.units import Sats

REFUSED_ID, BOUGHT_ID, OVERRIDDEN_ID = "purchase-1", "purchase-in-the-ceiling", "purchase-against"
WANTED = 50 * BTC
"""What both offices would like to buy at the end."""
BOUGHT = BTC
"""What Pakistan buys by an order, beneath its ceiling."""
OVERRIDE_REASON = "A drill: the ministers wish to see an override played out (invented)"
GAZETTE = "Drill Gazette 1 (invented)"
_OTHER_DEALER = "Dealer E (invented)"

Conditions = Callable[[ChainView, datetime], LenderConditions]
"""The lender's conditions as they stand on a chain at an instant."""


@dataclass(frozen=True)
class Refused:
    """A purchase that was drafted and refused, and every rule's answer."""

    order: Order
    outcome: CheckOutcome


@dataclass
class Bought:
    """A purchase from its two quotes to the books. override: let it pass against what refuses it.

    The coins come in the block of the day on which the money left; the day after they are
    confirmed, the receipt is filed and the purchase is booked.
    """

    id: str
    desk: SpendingDesk
    purse: Purse
    wallet_id: str
    sats: int
    currency: str
    stage: Stage
    prices: Prices
    conditions: Conditions
    override: bool = False
    outcome: CheckOutcome | None = None
    txid: str = ""

    def order(self, day: int, exchange: Purse) -> None:
        """Draft, check, let pass if need be, approve, pay; the dealer sends."""
        desk, at = self.desk, noon_before(self.stage, day)
        script, chain = self.purse.new_script(), DevnetView(self.stage.devnet)
        order = purchase_order(
            desk,
            script,
            self.wallet_id,
            self.prices,
            id_=self.id,
            sats=self.sats,
            currency=self.currency,
            paid_from="budget",
            day=day,
            at=at,
        )
        desk.draft(order, at=at)
        minute = timedelta(minutes=1)
        self.outcome = desk.check(self.id, self.conditions(chain, at), chain, at=at + minute)
        if self.outcome.passed == self.override:
            said = "; ".join(result.why for result in self.outcome.refusals)
            raise ValueError(f"{self.id} of the story came out otherwise: {said or 'it passed'}")
        if self.override:
            desk.override(self.id, OVERRIDE_REASON, at=at + 2 * minute)
        desk.approve(self.id, at=at + 3 * minute)
        desk.pay(self.id, f"transfer {day:04d} (invented)", at=at + 6 * minute)
        self.txid = self.stage.pay(exchange, (script, self.sats))

    def receive(self, day: int) -> None:
        """The day after: the coins are there, and the receipt; then it is booked."""
        devnet, at = self.stage.devnet, noon_before(self.stage, day)
        tip = devnet.tip()
        block = devnet.block(tip.hash)
        if block is None:
            raise ValueError(f"block {tip} is not there")
        (came,) = [each for each in block.transactions if each.txid == self.txid]
        self.desk.deliver(self.id, came, tip, at=at)
        receipt = (
            f"{EXCHANGE_NAME}: receipt for {self.id}, transaction {self.txid}\n{TEST_NOTICE}\n"
        )
        self.desk.receipt(self.id, receipt, at=at + timedelta(minutes=1))
        self.desk.book(
            self.id, at=at + timedelta(minutes=2), moved=self.stage.timeline.instant(day - 1)
        )

    def publish(self, day: int) -> None:
        """The public is told that ministers let it pass."""
        self.desk.publish(self.id, GAZETTE, at=noon_before(self.stage, day))


def refused_purchase(
    desk: SpendingDesk,
    script: bytes,
    wallet_id: str,
    prices: Prices,
    chain: ChainView,
    *,
    day: int,
    at: datetime,
    conditions: LenderConditions,
) -> Refused:
    """An order for 50 BTC with two quotes, held against the lender's conditions before anybody
    approves it.
    """
    order = purchase_order(
        desk,
        script,
        wallet_id,
        prices,
        id_=REFUSED_ID,
        sats=WANTED,
        currency="USD",
        paid_from="central_bank",
        day=day,
        at=at,
    )
    desk.draft(order, at=at)
    outcome = desk.check(order.id, conditions, chain, at=at + timedelta(minutes=1))
    return Refused(order, outcome)


def purchase_order(
    desk: SpendingDesk,
    script: bytes,
    wallet_id: str,
    prices: Prices,
    *,
    id_: str,
    sats: int,
    currency: str,
    paid_from: str,
    day: int,
    at: datetime,
) -> Order:
    """The order for a purchase at the cheaper of two quotes."""
    cost = prices.value(sats, day, currency).minor
    quotes = tuple(
        _quote(desk, f"{prefix_of(id_)}quote-{n}", dealer, sats, Money(currency, price), at)
        for n, (dealer, price) in enumerate(
            ((EXCHANGE_NAME, cost), (_OTHER_DEALER, cost * 1004 // 1000)), 1
        )
    )
    return Order(
        id=id_,
        office=desk.identity.fingerprint,
        network=REGTEST,
        drafted_at=at,
        drafter=desk.drafter,
        expires_at=at + timedelta(days=7),
        account=wallet_id,
        reason=Reason.ACQUISITION,
        purpose=f"Purchase for the reserve ({TEST_NOTICE})",
        paid_from=paid_from,
        authority="Cabinet decision on purchases (invented)",
        purchase=Purchase(
            address=address(script),
            script=script,
            sats=Sats(sats),
            quotes=quotes,
            chosen=quotes[0].id,
            why=None,
            deliver_by=(at + timedelta(days=2)).date(),
        ),
    )


def prefix_of(id_: str) -> str:
    """What the papers of an order's quotes begin with."""
    return "" if id_ == REFUSED_ID else f"{id_}-"


def noon_before(stage: Stage, day: int) -> datetime:
    """Noon before the block of a day."""
    return stage.timeline.instant(day) - timedelta(hours=12)


def _quote(
    desk: SpendingDesk, name: str, dealer: str, sats: int, price: Money, at: datetime
) -> Quote:
    text, sha256 = quote_paper(
        dealer, sats, f"{major(price.minor, price.currency)} {price.currency}"
    )
    desk.books.papers[f"{name}.txt"] = text
    return Quote(
        id=name,
        dealer=dealer,
        at=at - timedelta(hours=1),
        valid_until=at + timedelta(hours=23),
        price=price,
        fees_minor=price.minor // 1_000,
        file_sha256=sha256,
    )
