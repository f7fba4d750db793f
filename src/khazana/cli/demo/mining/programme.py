"""An office's mining in the demo: sites at work, the pool that pays them, and what is booked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from khazana.cli.demo.books import Books
from khazana.cli.demo.mining.earning import earned
from khazana.cli.demo.mining.meters import Counter, Record
from khazana.cli.demo.mining.scenario import DAY_S, DemoSite
from khazana.cli.demo.mining.settlements import Settlement, settlements
from khazana.cli.demo.mining.stamping import Stamps
from khazana.cli.demo.people import POOL_NAME
from khazana.cli.demo.purses import Purse
from khazana.cli.demo.signers import Taproot
from khazana.cli.demo.stage import Stage, address
from khazana.units import Sats, Txid

REPLAYED_UNTIL = 1_780_272_000
"""2026-06-01 UTC: the demo's last day, by the shipped difficulty epochs that are replayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """What the pool paid a site for a row, in an output of a transaction."""

    row: Settlement
    site: str
    document: str
    txid: Txid
    vout: int
    address: str
    amount: Sats


@dataclass(frozen=True, kw_only=True)
class Working:
    """A site at work: its counter, and the declared wallet into which the pool pays.

    account: the wallet's id in the books. script: of its one address, which the pool was given.
    """

    site: DemoSite
    purse: Purse
    account: str
    script: bytes
    counter: Counter


@dataclass(frozen=True, kw_only=True)
class Diversion:
    """So many per cent of a site's row are paid to somebody else, and nobody says so."""

    site: str
    row: Settlement
    percent: int
    to: Purse


@dataclass
class Programme:
    """All sites of an office, and what was settled so far."""

    stage: Stage
    working: Sequence[Working]
    rows: Sequence[Settlement]
    diversion: Diversion | None = None
    payouts: list[Payout] = field(default_factory=list)
    _records: dict[int, Record] = field(default_factory=dict)
    _stamps: dict[int, Stamps] = field(default_factory=dict)

    @property
    def shift_s(self) -> int:
        """Added to the demo's times to look up mainnet's difficulty."""
        return REPLAYED_UNTIL - self.second(self.stage.timeline.days)

    def settle(self, day: int, pool: Purse, books: Books) -> None:
        """On the day of a payout the pool pays all sites in one transaction; each is booked.

        What the gateways have sealed by then is stamped: the last value's day is over as well.
        """
        for row in self.rows:
            if row.paid == day:
                self._pay(row, pool, books)
                self.stamps(row.period).stamp(self.record(row), self.stage, pool)

    def record(self, row: Settlement) -> Record:
        """The counters of a row's period, sealed up to the day of the row's last value."""
        first = self.rows_of(row.period)[0]
        if row.period not in self._records:
            counters = [working.counter for working in self.working]
            self._records[row.period] = Record(counters, first=self.second(first.first))
        record = self._records[row.period]
        record.extend(self.second(row.until) + DAY_S)
        return record

    def stamps(self, period: int) -> Stamps:
        """When the seals of a period's folder existed."""
        return self._stamps.setdefault(period, Stamps())

    def rows_of(self, period: int) -> tuple[Settlement, ...]:
        """The rows that stand in the statement of a period."""
        return tuple(row for row in self.rows if row.period == period)

    def second(self, day: int) -> int:
        """The time of a day's block, in seconds UTC."""
        return int(self.stage.timeline.instant(day).timestamp())

    def span(self, row: Settlement) -> tuple[int, int]:
        """[first, until) of a row, in seconds UTC."""
        return self.second(row.first), self.second(row.until)

    def _pay(self, row: Settlement, pool: Purse, books: Books) -> None:
        span = self.span(row)
        owed = {w.site.id: earned(w.site, w.counter, span, self.shift_s) for w in self.working}
        plan, outputs = self.diversion, list[tuple[bytes, int]]()
        if plan is not None and plan.row == row:
            lost = owed[plan.site] * plan.percent // 100
            owed[plan.site] -= lost
            outputs = [(plan.to.script, lost)]
        # A site without power earns nothing, and no output can be empty.
        paid = [working for working in self.working if owed[working.site.id]]
        if not paid:
            return
        txid = self.stage.pay(pool, *((w.script, owed[w.site.id]) for w in paid), *outputs)
        for vout, working in enumerate(paid):
            payout = Payout(
                row=row,
                site=working.site.id,
                document=f"payout-{row.paid:04d}-{working.site.id}",
                txid=txid,
                vout=vout,
                address=address(working.script),
                amount=Sats(owed[working.site.id]),
            )
            self.payouts.append(payout)
            self._book(payout, working.account, books)

    def _book(self, payout: Payout, account: str, books: Books) -> None:
        books.document(
            payout.document,
            "mined",
            at=self.stage.timeline.instant(payout.row.paid),
            account=account,
            amount=payout.amount,
            attested_by=POOL_NAME,
            txid=payout.txid,
            address=payout.address,
            counterparty=POOL_NAME,
            note="SIMULATED: mainnet's difficulty replayed, payouts scaled",
        )


def programme_on(
    stage: Stage, sites: Sequence[DemoSite], wallets: Mapping[str, tuple[str, str]], *, since: int
) -> Programme:
    """The programme of these sites from a period on; their wallets are made.

    wallets: site -> the wallet's id in the books, and the label of its keys.
    """
    rows = settlements(stage.timeline, since=since)
    begins = int(stage.timeline.instant(rows[0].first).timestamp())
    working = []
    for site in sites:
        account, label = wallets[site.id]
        purse = stage.purse(label, Taproot(label))
        counter = Counter(site, begins=begins)
        working.append(
            Working(site=site, purse=purse, account=account, script=purse.script, counter=counter)
        )
    return Programme(stage, working, rows)
