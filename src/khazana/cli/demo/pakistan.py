"""Pakistan's office in the demo: purchases, a seizure that becomes forfeiture, mining sites.

Every amount is invented and divided by the scale; no real body has done any of this.
"""

from collections.abc import Sequence
from datetime import date, datetime

from khazana.cli.demo import directory as lies
from khazana.cli.demo.arrangements import NET_RESERVES_FLOOR_USD_M, pakistan_memorandum
from khazana.cli.demo.bodies import BODIES
from khazana.cli.demo.books import (
    AccountPlan,
    Books,
    DeclaredWallet,
    LaneChange,
    Member,
    PerimeterPlan,
)
from khazana.cli.demo.mining.programme import programme_on
from khazana.cli.demo.mining.scenario import sites
from khazana.cli.demo.mining.settlements import first_period
from khazana.cli.demo.names import (
    ACCOUNT_AT_EXCHANGE,
    CUSTOMS_CUSTODY,
    CUSTOMS_LATE,
    OUTSIDE_RESERVE,
    PAKISTAN_OFFICE,
    PUBLIC_SECTOR,
    RESERVE_COLD,
    RESERVE_OPERATIONS,
    STRATEGIC_RESERVE,
    site_names,
)
from khazana.cli.demo.officers import Officers, roles_of
from khazana.cli.demo.people import EXCHANGE_NAME, People
from khazana.cli.demo.prices import Prices, major
from khazana.cli.demo.signers import CHANGE, RECEIVE, SingleKey, Taproot, TwoOfThree
from khazana.cli.demo.stage import BTC, Stage, address
from khazana.cli.demo.timeline import YEAR

CAP = 10 * BTC
"""The most that an address of cold storage holds after the split: 100 BTC, scaled."""
PURCHASE = 8 * BTC
AT_OPENING = 60 * BTC
SEIZED = (1_420 * BTC // 100, 330 * BTC // 100)
TO_CUSTODIAN = 150 * BTC // 100
BOUGHT_AT_CUSTODIAN = 50 * BTC // 100
UNEXPLAINED = 21 * BTC // 100
DUST = 600
IN_LATE_WALLET = 125 * BTC // 100
DISBURSED = 75 * BTC // 100

_DECLARED = 123
_ACCOUNT = "account-at-exchange"


class Pakistan:
    """The office's wallets and books, and what happens to them each day."""

    def __init__(self, stage: Stage, people: People, prices: Prices, officers: Officers) -> None:
        self.stage, self.people, self.prices = stage, people, prices
        timeline = stage.timeline
        on, within, last = timeline.on, timeline.within, timeline.periods
        self.cold = stage.purse("pk-cold", TwoOfThree("pk-cold"))
        self.operations = stage.purse("pk-operations", SingleKey("pk-operations"))
        self.custody = stage.purse("pk-custody", Taproot("pk-custody"))
        self.mining = programme_on(
            stage,
            sites(),
            {site.id: (f"{site.id}-mining", f"pk-{site.id}") for site in sites()},
            since=first_period(timeline),
        )
        self.late = stage.purse("pk-customs-late", SingleKey("pk-customs-late"))
        self.late.new_script()
        self.purchase_days = [within(period, 30) for period in range(1, last + 1)]
        self.undocumented = within(timeline.corrected, 30)
        """The purchase whose paper is found after its quarter's statement was published."""
        self.seizure_days = (on(25), on(47))
        self.forfeiture_day = within(last - 1, 60)
        self.split_day = on(72)
        self.late_declared = within(last, 10)
        self.handover_day = within(last - 1, 75)
        """On which the sites' payouts go into the reserve."""
        self._in_custody = 0
        self._bought: dict[int, tuple[str, bytes]] = {}
        self.books = Books(
            id="pakistan",
            name=PAKISTAN_OFFICE,
            timezone="Asia/Karachi",
            currency="PKR",
            keys=officers.public,
            roles=roles_of(lies.PAKISTAN),
        )
        self._describe()

    def act(self, day: int) -> None:
        """What the office and its counterparties do before the block of a day is found."""
        timeline = self.stage.timeline
        on = timeline.on
        if day in (122, 123):
            self.stage.pay(self.people.exchange, (self.cold.new_script(), AT_OPENING // 2))
        if day == 123:
            self.stage.pay(self.people.exchange, (self.people.holder.script, 20 * BTC))
            self.stage.pay(self.people.exchange, (self.late.script, IN_LATE_WALLET))
        if day in self.purchase_days:
            self._buy(day)
            if day != self.undocumented:
                self._document_purchase(day)
        if day == timeline.correction - 1:
            self._document_purchase(
                self.undocumented, note=f"found in the archive at block {day}, entered then"
            )
        if day in self.seizure_days:
            self._seize(day)
        self.mining.settle(day, self.people.pool, self.books)
        if day == self.handover_day:
            self._hand_over()
        self._use_custodian(day)
        self._receive_strangers(day)
        if day == self.forfeiture_day:
            self._forfeit(day)
        if day == self.late_declared:
            self._declare_late(day)
        if day == self.late_declared + 2:
            self.stage.spread(self.late, [self.custody.new_script()])
        if day == self.split_day:
            count = -(-self.cold.balance() // CAP)
            self.stage.spread(self.cold, [self.cold.new_script() for _ in range(count)])
        if day == on(80):
            self._disburse(day)

    def _buy(self, day: int) -> None:
        script = self.cold.new_script()
        self._bought[day] = (
            self.stage.pay(self.people.exchange, (script, PURCHASE)),
            script,
        )

    def _document_purchase(self, day: int, **more: str) -> None:
        txid, script = self._bought[day]
        paid = self.prices.value(PURCHASE, day, "PKR").minor
        self.books.document(
            f"buy-{day:04d}",
            "acquisition",
            at=self.stage.timeline.instant(day),
            account="reserve-cold",
            amount=PURCHASE,
            attested_by=EXCHANGE_NAME,
            txid=txid,
            address=address(script),
            counterparty=EXCHANGE_NAME,
            currency="PKR",
            paid=major(paid, "PKR"),
            fees=major(paid // 500, "PKR"),
            authority=f"Cabinet decision {self.purchase_days.index(day) + 1} (invented)",
            budget_line="4100-2",
            **more,
        )

    def memorandum(self, period: int, closed: Sequence[date]) -> str | None:
        """The lender's conditions for a period's statement. closed: the day each period closes."""
        if period == 1:
            return None
        ahead = closed[period] + (closed[period] - closed[period - 1])
        return pakistan_memorandum(
            approved=closed[1],
            base=closed[period - 1],
            tested=[*closed[2 : period + 1], ahead],
        )

    def report(self, period: int, closed: Sequence[date], *, at: datetime) -> None:
        """The central bank's figure for a closing, invented: negative, and above its floor."""
        if period > 1:
            self.books.statistic(
                "net_international_reserves",
                perimeter="central-bank",
                day=closed[period],
                value=str(NET_RESERVES_FLOOR_USD_M + 400 + 150 * period),
                unit="USD m",
                source="Central bank (invented)",
                at=at,
            )

    def report_days(self, period: int, closed: Sequence[date]) -> Sequence[date]:
        """The base date, which is that of the arrangement, and the closings of the year since."""
        return () if period == 1 else (closed[1], *closed[2 : period + 1][-YEAR:])

    def _declare_late(self, day: int) -> None:
        """A wallet that customs held all along is found, declared with a paper, and cleared."""
        inventory = f"inventory-{day:04d}"
        content = {
            "wallet": "customs-evidence",
            "held": "by customs since before the first statement, as the inventory says (invented)",
        }
        self.books.paper(inventory, "Customs", content)
        self.books.declare(
            DeclaredWallet(
                "customs-evidence",
                "customs",
                CUSTOMS_LATE,
                self.late,
                "addresses",
                day,
                "Found in an inventory: nobody had declared or sealed it before.",
                "cold",
                lane="seized",
            )
        )
        outside = next(p for p in self.books.perimeters if p.id == "outside-reserve")
        outside.members.append(Member("wallet", "customs-evidence", since=day, document=inventory))

    def _seize(self, day: int) -> None:
        amount = SEIZED[self.seizure_days.index(day)]
        script = self.custody.new_script()
        txid = self.stage.pay(self.people.holder, (script, amount))
        self.books.document(
            f"seizure-{day:04d}",
            "seizure",
            at=self.stage.timeline.instant(day),
            account="customs-custody",
            amount=amount,
            attested_by="Customs",
            txid=txid,
            address=address(script),
            authority=f"Warrant {self.seizure_days.index(day) + 1} (invented)",
        )

    def _forfeit(self, day: int) -> None:
        """A court passes title: another lane, and the reserve's perimeter takes the wallet in."""
        order = f"court-order-{day:04d}"
        content = {
            "wallet": "customs-custody",
            "since": f"the end of block {day}",
            "decision": "title to the seized coins passes to the state (invented)",
        }
        self.books.paper(order, "Court", content)
        self.books.lane_changes.append(LaneChange("customs-custody", "forfeited", day, order))
        reserve = next(p for p in self.books.perimeters if p.id == "strategic-reserve")
        reserve.members.append(Member("wallet", "customs-custody", since=day, document=order))

    def _hand_over(self) -> None:
        script = self.cold.new_script()
        for working in self.mining.working:
            if working.purse.coins:
                self.stage.spread(working.purse, [script])

    def _use_custodian(self, day: int) -> None:
        timeline, at = self.stage.timeline, self.stage.timeline.instant(day)
        if day == timeline.within(1, 80):
            self.stage.pay(self.cold, (self.operations.script, 3 * BTC))
        if day == timeline.within(2, 20):
            self._in_custody = TO_CUSTODIAN
            target = self.people.exchange.script
            txid = self.stage.pay(self.operations, (target, TO_CUSTODIAN))
            self.books.document(
                f"deposit-{day:04d}",
                "to_custodian",
                at=at,
                account="reserve-operations",
                amount=TO_CUSTODIAN,
                attested_by=EXCHANGE_NAME,
                txid=txid,
                address=address(target),
                counterparty=EXCHANGE_NAME,
                counter_account=_ACCOUNT,
            )
            self.books.document(
                f"credit-{day:04d}",
                "receipt",
                at=at,
                account=_ACCOUNT,
                amount=TO_CUSTODIAN,
                attested_by=EXCHANGE_NAME,
                note=f"the account is credited with deposit-{day:04d}",
            )
        if day == timeline.within(timeline.periods - 1, 40):
            self._in_custody += BOUGHT_AT_CUSTODIAN
            paid = self.prices.value(BOUGHT_AT_CUSTODIAN, day, "PKR").minor
            self.books.document(
                f"buy-at-exchange-{day:04d}",
                "acquisition",
                at=at,
                account=_ACCOUNT,
                amount=BOUGHT_AT_CUSTODIAN,
                attested_by=EXCHANGE_NAME,
                counterparty=EXCHANGE_NAME,
                currency="PKR",
                paid=major(paid, "PKR"),
                fees=major(paid // 500, "PKR"),
                authority="Cabinet decision 10 (invented)",
                budget_line="4100-2",
            )
        if day in [timeline.close(period) for period in range(1, timeline.periods + 1)]:
            self.books.attestation(_ACCOUNT, as_of=day, amount=self._in_custody, by=EXCHANGE_NAME)

    def _receive_strangers(self, day: int) -> None:
        """What nobody asked for: one receipt that no document explains, and dust."""
        on, public = self.stage.timeline.on, self.people.public
        if day == on(57):
            self.stage.pay(public, (self.operations.script, UNEXPLAINED))
        if day == on(58):
            self.stage.pay(public, (self.cold.script, DUST))

    def _disburse(self, day: int) -> None:
        script = self.people.public.script
        txid = self.stage.pay(self.operations, (script, DISBURSED))
        self.books.document(
            f"payment-{day:04d}",
            "disbursement",
            at=self.stage.timeline.instant(day),
            account="reserve-operations",
            amount=DISBURSED,
            attested_by="Bitcoin Office cashier",
            txid=txid,
            address=address(script),
            counterparty="Supplier D (invented)",
            authority="Payment order 3 (invented)",
            budget_line="4100-7",
        )

    def _describe(self) -> None:
        books = self.books
        books.entities += BODIES[lies.PAKISTAN]
        for id_, entity, name, purse, form, storage, lane, comment in (
            ("reserve-cold", "bitcoin-office", RESERVE_COLD, self.cold, "descriptor", "cold",
             "owned", "Two of three devices sign."),
            ("reserve-operations", "bitcoin-office", RESERVE_OPERATIONS, self.operations, "raw",
             "hot", "owned", "One device; small amounts."),
            ("customs-custody", "customs", CUSTOMS_CUSTODY, self.custody, "addresses", "cold",
             "seized", "Coins taken into custody; title has not passed until a court says so."),
        ):  # fmt: skip
            for branch in (RECEIVE, CHANGE):
                purse.new_script(branch)
            books.declare(
                DeclaredWallet(id_, entity, name, purse, form, _DECLARED, comment, storage, lane)
            )
        for number, working in enumerate(self.mining.working, start=1):
            working.purse.new_script(CHANGE)
            books.declare(
                DeclaredWallet(
                    working.account,
                    "site-company",
                    site_names(number),
                    working.purse,
                    "addresses",
                    _DECLARED,
                    f"The one address that the pool was given for {working.site.name}, and change.",
                    "hot",
                )
            )
        books.accounts.append(
            AccountPlan(_ACCOUNT, "bitcoin-office", ACCOUNT_AT_EXCHANGE, EXCHANGE_NAME)
        )
        books.perimeters += [
            PerimeterPlan(
                "strategic-reserve", STRATEGIC_RESERVE, [Member("entity", "bitcoin-office")]
            ),
            PerimeterPlan(
                "outside-reserve",
                OUTSIDE_RESERVE,
                [Member("wallet", "customs-custody"), Member("entity", "site-company")],
            ),
            PerimeterPlan(
                "public-sector",
                PUBLIC_SECTOR,
                [Member("entity", entity.id) for entity in books.entities],
            ),
        ]
        books.exclusions.append(
            ("Provincial evidence rooms (invented)", "not reported to the office yet")
        )
