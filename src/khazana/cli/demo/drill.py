"""The Drill Office: fictional, small, and the only office in the demo that ever lies."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from khazana.cli.demo import directory as lies
from khazana.cli.demo.arrangements import drill_memorandum
from khazana.cli.demo.bodies import BODIES
from khazana.cli.demo.books import Books, DeclaredWallet, Member, PerimeterPlan
from khazana.cli.demo.mining.diversion import drill_programme, hidden
from khazana.cli.demo.names import (
    DRILL_MEMBERS,
    DRILL_OFFICE,
    DRILL_SITE_MINING,
    DRILL_VAULT,
)
from khazana.cli.demo.officers import Officers, roles_of
from khazana.cli.demo.people import EXCHANGE_NAME, People
from khazana.cli.demo.prices import Prices, major
from khazana.cli.demo.signers import CHANGE, RECEIVE, SingleKey
from khazana.cli.demo.stage import BTC, Stage, address
from khazana.mining.parts import MiningBody
from khazana.reserve.gather import ChainFacts
from khazana.units import Txid

BOUGHT = 5 * BTC
SPENT = 150 * BTC // 100

_DECLARED = 123


class Drill:
    """An honest small office, until somebody takes a payment out of its chain."""

    def __init__(self, stage: Stage, people: People, prices: Prices, officers: Officers) -> None:
        self.stage, self.people, self.prices = stage, people, prices
        self.vault = stage.purse("drill-vault", SingleKey("drill-vault"))
        within, last = stage.timeline.within, stage.timeline.periods
        self.purchase_days = (within(last, 10), within(last, 40))
        self.payment_day = within(last, 70)
        self.mining = drill_programme(stage, people.public)
        """One site; a part of one month's payout goes to somebody else."""
        self.hidden: Txid | None = None
        """The payment that the tampered statement leaves out."""
        self.books = Books(
            id="drill-office",
            name=DRILL_OFFICE,
            timezone="Etc/UTC",
            currency="USD",
            keys=officers.public,
            roles=roles_of(lies.DRILL),
        )
        self._describe()

    def act(self, day: int) -> None:
        """What the office and its counterparties do before the block of a day is found.

        The second purchase is an order's: see `purchases`.
        """
        at = self.stage.timeline.instant(day)
        self.mining.settle(day, self.people.pool, self.books)
        if day == self.purchase_days[0]:
            script = self.vault.new_script()
            txid = self.stage.pay(self.people.exchange, (script, BOUGHT))
            paid = self.prices.value(BOUGHT, day, "USD").minor
            self.books.document(
                f"buy-{day:04d}",
                "acquisition",
                at=at,
                account="vault",
                amount=BOUGHT,
                attested_by=EXCHANGE_NAME,
                txid=txid,
                address=address(script),
                counterparty=EXCHANGE_NAME,
                currency="USD",
                paid=major(paid, "USD"),
                fees="0.00",
            )
        if day == self.payment_day:
            script = self.people.public.script
            self.hidden = self.stage.pay(self.vault, (script, SPENT))
            self.books.document(
                f"payment-{day:04d}",
                "disbursement",
                at=at,
                account="vault",
                amount=SPENT,
                attested_by="Drill cashier",
                txid=self.hidden,
                address=address(script),
            )

    def memorandum(self, period: int, closed: Sequence[date]) -> str:
        """What it promised its lender before it bought. closed: the day each period closes."""
        return drill_memorandum(base=closed[period - 1])

    def report(self, period: int, closed: Sequence[date], *, at: datetime) -> None:
        """It tells its lender nothing."""

    def report_days(self, period: int, closed: Sequence[date]) -> Sequence[date]:
        """None: it reports to nobody."""
        return ()

    def tampered(self, facts: ChainFacts) -> ChainFacts:
        """The chain as the dishonest office tells it: one payment never happened.

        Everything made from it agrees with itself: no entry, no document, the coin still there.
        """
        kept = [confirmed for confirmed in facts.history if confirmed.txid != self.hidden]
        if len(kept) != len(facts.history) - 1:
            raise ValueError("the payment to hide is not in the period")
        return replace(facts, history=kept)

    def hiding(self, bodies: tuple[MiningBody, ...]) -> tuple[MiningBody, ...]:
        """Its site as the dishonest office tells it: less energy, so that nothing is missing."""
        return tuple(hidden(self.mining, body) for body in bodies)

    def _describe(self) -> None:
        books = self.books
        for branch in (RECEIVE, CHANGE):
            self.vault.new_script(branch)
        books.entities += BODIES[lies.DRILL]
        books.declare(
            DeclaredWallet(
                "vault",
                "drill",
                DRILL_VAULT,
                self.vault,
                "descriptor",
                _DECLARED,
                "One device; nothing here is anybody's.",
                "hot",
            )
        )
        (working,) = self.mining.working
        working.purse.new_script(CHANGE)
        books.declare(
            DeclaredWallet(
                working.account,
                "drill-works",
                DRILL_SITE_MINING,
                working.purse,
                "addresses",
                _DECLARED,
                "The one address that the pool was given, and change.",
                "hot",
            )
        )
        books.perimeters.append(PerimeterPlan("all", DRILL_MEMBERS, [Member("entity", "drill")]))
