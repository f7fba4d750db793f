"""Two scenes at the spending desks: a batch that gets stuck, and purchases that are refused."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.descriptor import parse_descriptor
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import Transaction
from khazana.cli.demo.books import GAP
from khazana.cli.demo.cosigners import Cosigner
from khazana.cli.demo.people import EXCHANGE_NAME
from khazana.cli.demo.prices import Prices
from khazana.cli.demo.purses import Purse
from khazana.cli.demo.signers import CHANGE, RECEIVE
from khazana.cli.demo.spending_desk import SpendingDesk, quote_paper
from khazana.cli.demo.stage import BTC, Stage, address
from khazana.conditions.as_if_booked import LenderConditions
from khazana.custody.drafting.assemble import Ground
from khazana.custody.drafting.draft import Draft
from khazana.custody.drafting.make import draft_payment
from khazana.custody.drafting.payments import payment as drafted_payment
from khazana.custody.drafting.replace import replacement_of
from khazana.custody.drafting.rules import DraftRules
from khazana.custody.drafting.signing import finalize
from khazana.custody.drafting.wallet import (
    SpendingWallet,
    previous_of,
    spending_wallet,
)
from khazana.custody.orders.checks import CheckOutcome
from khazana.custody.orders.order import Money, Order, Purchase, Quote, payment
from khazana.custody.orders.transaction import facts_of
from khazana.devnet.view import DevnetView
from khazana.ledger.documents import Reason
from khazana.statement.checks import TEST_NOTICE
from khazana.units import Sats

BATCH = (15, 22, 8, 31, 12)
"""Hundredths of a bitcoin to each of five suppliers."""
BATCH_ID, PURCHASE_ID = "batch-1", "purchase-1"
STUCK, ENOUGH = Fraction(1), Fraction(9)
"""Fee rates in sat/vB: too low to be mined in this demo, and not."""
WANTED = 50 * BTC
"""What both offices would like to buy at the end."""

Conditions = Callable[[ChainView, datetime], LenderConditions]
"""The lender's conditions as they stand on a chain at an instant."""


@dataclass
class Batch:
    """A quorum's payment of several suppliers: sent too cheaply, replaced, confirmed and booked.

    sent: the transactions that were broadcast, in order.
    """

    desk: SpendingDesk
    purse: Purse
    wallet_id: str
    stage: Stage
    conditions: Conditions
    sent: tuple[Transaction, ...] = ()
    first: tuple[Draft, SpendingWallet] | None = None

    def send(self, day: int) -> None:
        """Draft, check, approve, sign and broadcast; the fee is too low for any block."""
        at, chain = self._at(day), DevnetView(self.stage.devnet)
        order = Order(
            id=BATCH_ID,
            office=self.desk.identity.fingerprint,
            network=REGTEST,
            drafted_at=at,
            drafter=self.desk.drafter,
            expires_at=at + timedelta(days=7),
            account=self.wallet_id,
            reason=Reason.DISBURSEMENT,
            purpose=f"Suppliers of the quarter ({TEST_NOTICE})",
            payments=tuple(
                payment(address(script), Sats(part * BTC // 100), REGTEST, label=f"invoice {n}")
                for n, (script, part) in enumerate(zip(self.desk.payees, BATCH, strict=True), 1)
            ),
            authority="Payment order 4 (invented)",
            budget_line="4100-7",
        )
        self.desk.draft(order, at=at)
        wallet = self._wallet()
        coins = chain.coins_at(frozenset(wallet.places), chain.tip())
        draft = draft_payment(
            wallet,
            [drafted_payment(p.address, p.sats, REGTEST, label=p.label) for p in order.payments],
            coins=coins,
            previous=previous_of(chain, coins),
            tip=chain.tip(),
            rules=DraftRules(feerate=STUCK, cap_per_address=Sats(self.desk.cap)),
            engine=best_engine(),
            change_index=self.purse.used(CHANGE),
        )
        self._release(draft, wallet, chain, at=at)
        self.first = (draft, wallet)

    def bump(self, day: int) -> None:
        """The same payments at a fee that a miner takes, approved anew; it goes into the block."""
        if self.first is None:
            raise ValueError("nothing was sent yet")
        stuck, wallet = self.first
        at, chain = self._at(day), DevnetView(self.stage.devnet)
        ground = Ground(
            wallet=wallet,
            engine=best_engine(),
            tip=chain.tip(),
            rules=DraftRules(feerate=ENOUGH, cap_per_address=Sats(self.desk.cap)),
            previous=stuck.previous,
        )
        draft = replacement_of(stuck, ground)
        self._release(draft, wallet, chain, at=at, replacement=True)
        for _ in draft.change:
            self.purse.new_script(CHANGE)
        self.stage.send(self.sent[-1])

    def book(self, day: int) -> None:
        """The day after: confirmed, and explained in the books."""
        tip = self.stage.devnet.tip()
        self.desk.book(BATCH_ID, self.sent[-1], tip, at=self._at(day))

    def _release(
        self,
        draft: Draft,
        wallet: SpendingWallet,
        chain: ChainView,
        *,
        at: datetime,
        replacement: bool = False,
    ) -> None:
        desk, minute = self.desk, timedelta(minutes=1)
        order = desk.log.order(BATCH_ID).order
        facts = facts_of(order, draft.psbt, wallet_scripts=frozenset(wallet.places))
        desk.attach(BATCH_ID, facts, at=at + minute, replacement=replacement)
        outcome = desk.check(BATCH_ID, self.conditions(chain, at), chain, at=at + 2 * minute)
        if not outcome.passed:
            said = "; ".join(result.why for result in outcome.refusals)
            raise ValueError(f"the batch of the story was refused: {said}")
        desk.approve(BATCH_ID, at=at + 3 * minute)
        signer = self.purse.signer
        files = [
            (f"{BATCH_ID}-{n}.psbt", Cosigner(f"{self.wallet_id}/{n}", key).sign(draft.psbt))
            for n, key in enumerate(signer.accounts[: signer.required])
        ]
        final = finalize(draft, wallet, files, engine=best_engine())
        desk.release(BATCH_ID, final, at=at + 5 * minute)
        self.stage.devnet.submit_transaction(final)
        self.sent += (final,)

    def _wallet(self) -> SpendingWallet:
        branches = [(b, self.purse.used(b) + GAP) for b in (RECEIVE, CHANGE)]
        descriptor = parse_descriptor(self.purse.signer.descriptor, REGTEST)
        return spending_wallet(self.wallet_id, descriptor, branches, best_engine())

    def _at(self, day: int) -> datetime:
        """Noon before the block of a day."""
        return self.stage.timeline.instant(day) - timedelta(hours=12)


@dataclass(frozen=True)
class Refused:
    """A purchase that was drafted and refused, and every rule's answer."""

    order: Order
    outcome: CheckOutcome


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
    cost = prices.value(WANTED, day, "USD").minor
    quotes = tuple(
        _quote(desk, name, dealer, cost * per_mille // 1000, at)
        for name, dealer, per_mille in (
            ("quote-1", EXCHANGE_NAME, 1000),
            ("quote-2", "Dealer E (invented)", 1004),
        )
    )
    order = Order(
        id=PURCHASE_ID,
        office=desk.identity.fingerprint,
        network=REGTEST,
        drafted_at=at,
        drafter=desk.drafter,
        expires_at=at + timedelta(days=7),
        account=wallet_id,
        reason=Reason.ACQUISITION,
        purpose=f"Purchase for the reserve ({TEST_NOTICE})",
        paid_from="central_bank",
        purchase=Purchase(
            address=address(script),
            script=script,
            sats=Sats(WANTED),
            quotes=quotes,
            chosen=quotes[0].id,
            why=None,
            deliver_by=(at + timedelta(days=2)).date(),
        ),
    )
    desk.draft(order, at=at)
    outcome = desk.check(order.id, conditions, chain, at=at + timedelta(minutes=1))
    return Refused(order, outcome)


def _quote(desk: SpendingDesk, name: str, dealer: str, minor: int, at: datetime) -> Quote:
    text, sha256 = quote_paper(dealer, WANTED, f"{minor // 100}.{minor % 100:02d} USD")
    desk.books.papers[f"{name}.txt"] = text
    return Quote(
        id=name,
        dealer=dealer,
        at=at - timedelta(hours=1),
        valid_until=at + timedelta(hours=23),
        price=Money("USD", minor),
        fees_minor=minor // 1_000,
        file_sha256=sha256,
    )
