"""A scene at a spending desk: a batch of payments that gets stuck and is replaced."""

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
from khazana.cli.demo.purchases import Conditions, noon_before
from khazana.cli.demo.purses import Purse
from khazana.cli.demo.signers import CHANGE, RECEIVE
from khazana.cli.demo.spending_desk import SpendingDesk
from khazana.cli.demo.stage import BTC, Stage, address
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
from khazana.custody.orders.order import Order, payment
from khazana.custody.orders.transaction import facts_of
from khazana.devnet.view import DevnetView
from khazana.ledger.documents import Reason
from khazana.statement.checks import TEST_NOTICE
from khazana.units import Sats

BATCH = (15, 22, 8, 31, 12)
"""Hundredths of a bitcoin to each of five suppliers."""
BATCH_ID = "batch-1"
STUCK, ENOUGH = Fraction(1), Fraction(9)
"""Fee rates in sat/vB: too low to be mined in this demo, and not."""


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
        at, chain = noon_before(self.stage, day), DevnetView(self.stage.devnet)
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
        at, chain = noon_before(self.stage, day), DevnetView(self.stage.devnet)
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
        at = noon_before(self.stage, day)
        self.desk.confirm(BATCH_ID, self.sent[-1], tip, at=at)
        moved = self.stage.timeline.instant(day - 1)
        self.desk.book(BATCH_ID, at=at + timedelta(minutes=1), moved=moved)

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
