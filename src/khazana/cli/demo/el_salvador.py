"""El Salvador's office in the demo: a fund whose page rises while the public sector's stock rests.

The real office's public figures, divided by the scale, are the model; every amount is invented.
"""

from collections.abc import Sequence
from datetime import date, datetime

from khazana.cli.demo import directory as lies
from khazana.cli.demo.arrangements import el_salvador_memorandum
from khazana.cli.demo.bodies import BODIES
from khazana.cli.demo.books import (
    Books,
    DeclaredWallet,
    Member,
    PerimeterPlan,
    RotationPlan,
)
from khazana.cli.demo.mining.programme import Programme
from khazana.cli.demo.names import (
    CLIENT_DEPOSITS,
    COMPANY_OWN,
    EL_SALVADOR_OFFICE,
    ENERGY_MINED,
    FUND,
    FUND_PAGE,
    GENERAL_GOVERNMENT,
    LENDERS_PUBLIC_SECTOR,
    TREASURY_RESERVE,
    TREASURY_ROTATED,
    TREASURY_SECOND,
)
from khazana.cli.demo.officers import Officers, roles_of
from khazana.cli.demo.people import EXCHANGE_NAME, People
from khazana.cli.demo.prices import Prices, major
from khazana.cli.demo.purses import Purse
from khazana.cli.demo.quorums import RECOVERY_AFTER, ThreeOfFiveWithRecovery
from khazana.cli.demo.signers import CHANGE, RECEIVE, SingleKey, Taproot, TwoOfThree
from khazana.cli.demo.stage import BTC, Stage, address
from khazana.cli.demo.timeline import OPENING, YEAR

FUND_AT_OPENING = 597 * BTC
DAILY_PURCHASE = BTC // 10
"""One a day in a stated span: the real office's 1 BTC a day, scaled."""
CAP = 50 * BTC
"""The most that an address of the fund holds after the split: 500 BTC, scaled."""
SPLIT_ADDRESSES = 14
RISE = 109 * BTC
"""What the fund's page rises by in one day, out of other state wallets."""

FROM_TREASURY, FROM_SECOND = 55 * BTC, 24 * BTC
FROM_ENERGY = RISE - FROM_TREASURY - FROM_SECOND

_BUILD_UP = range(102, 122)
_DECLARED = 123
_SEALED = 123
_DEPOSIT_EVERY, _WITHDRAWAL_EVERY = 9, 14


class ElSalvador:
    """The office's wallets and books, and what happens to them each day."""

    def __init__(self, stage: Stage, people: People, prices: Prices, officers: Officers) -> None:
        self.stage, self.people, self.prices = stage, people, prices
        timeline = stage.timeline
        on, last = timeline.on, timeline.periods
        self.fund = stage.purse("sv-fund", ThreeOfFiveWithRecovery("sv-fund"))
        self.treasury = stage.purse("sv-treasury", TwoOfThree("sv-treasury"))
        self.second = stage.purse("sv-second", Taproot("sv-second"))
        self.energy = stage.purse("sv-energy", SingleKey("sv-energy"))
        self.clients = stage.purse("sv-clients", SingleKey("sv-clients"))
        self.company = stage.purse("sv-company", SingleKey("sv-company"))
        # A promise covers scripts that must not change afterwards.
        self.second_scripts = [self.second.new_script() for _ in range(3)]
        self.second.new_script(CHANGE)
        # Buying and mining end before the arrangement with the lender begins.
        self.purchases = range(on(2), timeline.close(timeline.approved) - 3)
        self.split_day = on(33)
        self.rotation_day = timeline.within(timeline.approved + 1, 20)
        self.second_declared = timeline.within(last, 0)
        self.rise_day = timeline.within(last, 60)
        self.recovery_day = timeline.within(last, 90)
        self.daily_moves = range(on(50), on(90))
        # The second coinbase is younger than 100 blocks at the close: mined, held, not spendable.
        self.mined_days = (3, timeline.within(timeline.approved, 50))
        self.mining: Programme | None = None
        self._owed: dict[int, int] = {}  # by closing block
        self.books = Books(
            id="el-salvador",
            name=EL_SALVADOR_OFFICE,
            timezone="America/El_Salvador",
            currency="USD",
            keys=officers.public,
            roles=roles_of(lies.EL_SALVADOR),
        )
        self._salt = b""
        self._describe()

    def mines(self, day: int) -> Purse | None:
        """The State Energy Company's miner, on the days when it finds the block."""
        return self.energy if day in self.mined_days else None

    def act(self, day: int) -> None:
        """What the office and its counterparties do before the block of a day is found."""
        self._begin(day)
        self._buy(day)
        self._mine(day)
        self._serve_clients(day)
        within, approved = self.stage.timeline.within, self.stage.timeline.approved
        self._write_to_the_lender(day)
        if day == self.split_day:
            scripts = [self.fund.new_script() for _ in range(SPLIT_ADDRESSES)]
            self.stage.spread(self.fund, scripts)
            self.fund.new_script()
        if day == self.second_declared:
            self._declare_second()
        if day == self.rise_day:
            self._rise()
        if day == self.recovery_day:
            # An exercise: as if three of five devices were lost, the others move what has waited.
            self.stage.recover(self.fund, self.fund.new_script(), older_than=RECOVERY_AFTER)
        if day in self.daily_moves and day not in (self.rise_day, self.rotation_day):
            self.stage.pay(self.treasury, (self.fund.script, DAILY_PURCHASE))
        if day == self.rotation_day:
            self._rotate(day)
        # In one quarter, so that what is paid out makes up for what comes in.
        if day == within(approved + 1, 60):
            self._receive_taxes(day)
        if day == within(approved + 1, 80):
            self._disburse(day)

    def _begin(self, day: int) -> None:
        """Before the first period: holdings that the opening states without retelling them."""
        exchange = self.people.exchange
        if day in _BUILD_UP:
            part = FUND_AT_OPENING // len(_BUILD_UP)
            if (day - _BUILD_UP.start) % 4 == 0:
                self.fund.new_script()
            self.stage.pay(exchange, (self.fund.script, part))
        if day in (119, 120, 121):
            self.stage.pay(exchange, (self.treasury.new_script(), 30 * BTC))
        if day == 122:
            parts = [(script, 11 * BTC) for script in self.second_scripts]
            self.stage.pay(exchange, *parts)
        if day == 123:
            self.stage.pay(exchange, (self.people.public.script, 60 * BTC))
            self.stage.pay(exchange, (self.company.new_script(), 2 * BTC))
        if day == _SEALED:
            self._salt = self.books.promise(self.second, block=_SEALED)

    def _buy(self, day: int) -> None:
        if day not in self.purchases:
            return
        if (day - self.purchases.start) % 30 == 0:
            self.fund.new_script()
        txid = self.stage.pay(self.people.exchange, (self.fund.script, DAILY_PURCHASE))
        paid = self.prices.value(DAILY_PURCHASE, day, "USD").minor
        self.books.document(
            f"buy-{day:04d}",
            "acquisition",
            at=self.stage.timeline.instant(day),
            account="fund",
            amount=DAILY_PURCHASE,
            attested_by=EXCHANGE_NAME,
            txid=txid,
            address=address(self.fund.script),
            counterparty=EXCHANGE_NAME,
            currency="USD",
            paid=major(paid, "USD"),
            fees=major(paid // 1_000, "USD"),
            authority="Decree on daily purchases (invented)",
            budget_line="BO-1",
        )

    def _mine(self, day: int) -> None:
        """A document for each coinbase, once its block is there to be named."""
        if day - 1 not in self.mined_days or day - 1 <= OPENING:
            return
        coin = max(self.energy.coins.values(), key=lambda c: c.mature_at)
        self.books.document(
            f"mined-{day - 1:04d}",
            "mined",
            at=self.stage.timeline.instant(day - 1),
            account="energy-mined",
            amount=coin.output.amount,
            attested_by="State Energy Company",
            txid=coin.outpoint.txid,
            note="coinbase of a block found by the company's own machines",
        )

    def _serve_clients(self, day: int) -> None:
        if not OPENING < day <= self.stage.timeline.last_close or day == self.rise_day:
            return  # on the day of the rise clients rest, so that nothing else moves
        if day % _DEPOSIT_EVERY == 0:
            amount = (20 + day * 37 % 41) * BTC // 100
            txid = self.stage.pay(self.people.public, (self.clients.new_script(), amount))
            self._client_document("deposit", "client_deposit", day, amount, txid)
        if day % _WITHDRAWAL_EVERY == 0 and self.clients.balance() > BTC // 2:
            amount = 15 * BTC // 100
            txid = self.stage.pay(self.clients, (self.people.public.script, amount))
            self._client_document("withdrawal", "client_withdrawal", day, amount, txid)
        if day in (self.stage.timeline.on(10), self.stage.timeline.on(30)):
            # The company's fees leave the clients' wallet for its own: a change of title inside.
            self.stage.pay(self.clients, (self.company.script, BTC // 50))

    def _client_document(self, name: str, reason: str, day: int, amount: int, txid: str) -> None:
        self.books.document(
            f"{name}-{day:04d}",
            reason,
            at=self.stage.timeline.instant(day),
            account="client-deposits",
            amount=amount,
            attested_by="Public Wallet Company",
            txid=txid,
            note="sum of clients' orders; their names stay with the company",
        )

    def _write_to_the_lender(self, day: int) -> None:
        """What the company owes at each closing since the arrangement, three days later.

        One letter comes after its statement was signed: that quarter could not be assessed then.
        """
        timeline = self.stage.timeline
        for period in range(timeline.approved, timeline.periods + 1):
            close = timeline.close(period)
            if day == close + 1:
                self._owed[close] = self.clients.balance()
            late = period == timeline.periods - 1
            if day == (timeline.within(period + 1, 30) if late else close + 3):
                self.books.owed(
                    "public-sector",
                    as_of=close,
                    amount=self._owed[close],
                    by="Public Wallet Company",
                    at=timeline.instant(day),
                )

    def memorandum(self, period: int, closed: Sequence[date]) -> str | None:
        """The lender's conditions for a period's statement. closed: the day each period closes."""
        timeline = self.stage.timeline
        if period <= timeline.approved:
            return None
        return el_salvador_memorandum(
            approved=closed[timeline.approved],
            base=closed[period - 1],
            tested=closed[timeline.approved + 1 : period + 1],
        )

    def report(self, period: int, closed: Sequence[date], *, at: datetime) -> None:
        """What the office tells the lender beside its figures."""
        if period > self.stage.timeline.approved:
            self.books.statistic(
                "wallet-statement",
                perimeter="public-sector",
                day=closed[period],
                value="1",
                unit="done",
                source="El Salvador Bitcoin Office (demo)",
                at=at,
            )

    def report_days(self, period: int, closed: Sequence[date]) -> Sequence[date]:
        """The base date, which is that of the arrangement, and the closings of the year since."""
        approved = self.stage.timeline.approved
        if period <= approved:
            return ()
        return (closed[approved], *closed[approved + 1 : period + 1][-YEAR:])

    def _rotate(self, day: int) -> None:
        """One of the treasury's three devices is given up: a new quorum, and every coin moves."""
        new = self.stage.purse("sv-treasury-2", TwoOfThree("sv-treasury", devices=(0, 1, 3)))
        for branch in (RECEIVE, CHANGE):
            new.new_script(branch)
        self.books.declare(
            DeclaredWallet(
                "treasury-renewed",
                "treasury",
                TREASURY_ROTATED,
                new,
                "descriptor",
                day - 1,
                "Two of three devices sign; one of them is new.",
                "cold",
            )
        )
        self.books.rotations.append(
            RotationPlan(
                old="treasury-reserve",
                new="treasury-renewed",
                since=day - 1,
                reason="One device was withdrawn by its maker (invented).",
            )
        )
        self.stage.spread(self.treasury, [new.script])
        self.treasury = new

    def _declare_second(self) -> None:
        self.books.declare(
            DeclaredWallet(
                "treasury-second",
                "treasury",
                TREASURY_SECOND,
                self.second,
                "addresses",
                self.second_declared,
                "Sealed first, declared later: its hash was published before its addresses.",
                "cold",
                sealed=(_SEALED, self._salt),
            )
        )

    def _rise(self) -> None:
        """The defining case: the page rises by 109 BTC, the public sector holds what it held."""
        half = FROM_TREASURY // 2
        # Two addresses where one would hold more than the cap.
        first, last = self.fund.new_script(), self.fund.new_script()
        self.stage.pay(self.treasury, (first, half), (last, FROM_TREASURY - half))
        self.stage.pay(self.second, (self.fund.new_script(), FROM_SECOND))
        self.stage.pay(self.energy, (self.fund.new_script(), FROM_ENERGY))
        self.fund.new_script()

    def _receive_taxes(self, day: int) -> None:
        amount = 80 * BTC // 100
        txid = self.stage.pay(self.people.public, (self.treasury.new_script(), amount))
        self.books.document(
            f"tax-{day:04d}",
            "receipt",
            at=self.stage.timeline.instant(day),
            account="treasury-renewed",
            amount=amount,
            attested_by="Treasury cashier",
            txid=txid,
            authority="Tax code (invented)",
        )

    def _disburse(self, day: int) -> None:
        amount = BTC
        txid = self.stage.pay(self.treasury, (self.people.public.script, amount))
        self.books.document(
            f"payment-{day:04d}",
            "disbursement",
            at=self.stage.timeline.instant(day),
            account="treasury-renewed",
            amount=amount,
            attested_by="Treasury cashier",
            txid=txid,
            address=address(self.people.public.script),
            authority="Payment order 12 (invented)",
            budget_line="TR-4",
        )

    def _describe(self) -> None:
        books = self.books
        books.entities += BODIES[lies.EL_SALVADOR]
        for id_, entity, name, purse, form, storage, lane, comment in (
            ("fund", "bitcoin-office", FUND, self.fund, "descriptor", "cold", "owned",
             "Three of five devices sign; two of three others after four weeks' rest. What the "
             "fund's public page shows."),
            ("treasury-reserve", "treasury", TREASURY_RESERVE, self.treasury, "descriptor", "cold",
             "owned", "Two of three devices sign."),
            ("energy-mined", "energy-company", ENERGY_MINED, self.energy, "addresses", "hot",
             "owned", "Blocks that the company finds pay this wallet directly."),
            ("client-deposits", "wallet-company", CLIENT_DEPOSITS, self.clients, "descriptor",
             "hot", "held_for_clients",
             "Belongs to clients: held by a public body, owned by none."),
            ("company-own", "wallet-company", COMPANY_OWN, self.company, "raw", "hot", "owned",
             "The company's own coins, apart from its clients'."),
        ):  # fmt: skip
            for branch in (RECEIVE, CHANGE):
                purse.new_script(branch)
            books.declare(
                DeclaredWallet(id_, entity, name, purse, form, _DECLARED, comment, storage, lane)
            )
        books.perimeters += [
            PerimeterPlan("fund", FUND_PAGE, [Member("wallet", "fund")]),
            PerimeterPlan(
                "general-government",
                GENERAL_GOVERNMENT,
                [Member("entity", "bitcoin-office"), Member("entity", "treasury")],
            ),
            PerimeterPlan(
                "public-sector",
                LENDERS_PUBLIC_SECTOR,
                [Member("entity", entity.id) for entity in books.entities],
            ),
        ]
        books.exclusions.append(
            ("Municipal wallets (invented)", "municipalities have not reported any to the office")
        )
