"""A site's months filled in from the files behind them, for whoever prepares a statement."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from khazana.bitcoin.block import Header
from khazana.bitcoin.network import Network
from khazana.mining.evidence.metering import BILLS, OUTAGES, PAYOUTS, TARIFFS, Metering
from khazana.mining.evidence.meters import MeterRole
from khazana.mining.evidence.pools import PoolPayout, read_payouts
from khazana.mining.evidence.power_body import outages_body, power_body
from khazana.mining.figures import seconds_of
from khazana.mining.month_body import (
    CheckMeterBody,
    EvidenceBody,
    MonthBody,
    PoolBody,
    ReceiptsBody,
)
from khazana.mining.parts import MiningBody
from khazana.mining.receipts.receipt import ReceiptsFile, work_of_target


def from_folder(
    body: MiningBody,
    given: Metering,
    *,
    network: Network,
    power_source: str = "tariffs.csv",
    outages_source: str = "outages.csv",
) -> MiningBody:
    """The body with energy, check meter, bills, pools, receipts, cost and load-shedding of each
    month as the folder has them; what the folder does not have stays as it was.

    `EnergyUnknown` or `TariffsDoNotFit` where the files do not give a month. What follows from all
    this (`figures.with_figures`, `years.with_years`) is filled in afterwards.
    """
    payouts: Sequence[PoolPayout] = ()
    if PAYOUTS in given.files:
        payouts = read_payouts(*given.files[PAYOUTS], network=network)
    months = []
    for month in body.months:
        first, until = seconds_of(month.first), seconds_of(month.until)
        mains = given.of_site(body.site, MeterRole.MAIN)
        checks = given.of_site(body.site, MeterRole.CHECK)
        low, high = given.energy(mains, first=first, until=until)
        month = msgspec.structs.replace(
            month,
            meters=list(mains),
            low_wh=low,
            high_wh=high,
            evidence=EvidenceBody(**given.digests),
        )
        if checks:
            low, high = given.energy(checks, first=first, until=until)
            month = msgspec.structs.replace(month, check=CheckMeterBody(low_wh=low, high_wh=high))
        billed = [
            bill
            for bill in given.bills or ()
            if bill.meter in mains and first <= bill.first < until
        ]
        if billed:
            month = msgspec.structs.replace(
                month, billed_wh=sum(bill.energy_wh for bill in billed), bills=given.digest(BILLS)
            )
        own = [p for p in payouts if p.site == body.site and first <= p.first < until]
        if own:
            pool = PoolBody(
                file=given.digest(PAYOUTS) or "",
                payouts=len(own),
                amount_sat=sum(payout.amount for payout in own),
            )
            month = msgspec.structs.replace(month, pool=pool)
        receipts = _receipts(body.site, given, first=first, until=until)
        if receipts is not None:
            month = msgspec.structs.replace(month, receipts=receipts)
        if TARIFFS in given.files:
            power = power_body(body, month, given, source=power_source)
            month = msgspec.structs.replace(month, power=power)
        if OUTAGES in given.files and body.company is not None:
            outages = outages_body(body, month, given, source=outages_source)
            month = msgspec.structs.replace(month, outages=outages)
        months.append(month)
    return msgspec.structs.replace(body, months=months)


def _receipts(site: str, given: Metering, *, first: int, until: int) -> ReceiptsBody | None:
    """What a file of receipts claims for a month: the one whose first share was made in it."""
    for digest, file in given.receipts.items():
        made = _first_made(file)
        if file.site == site and made is not None and first <= made < until:
            shares = len(file)
            return ReceiptsBody(
                file=digest,
                target=f"{file.target:064x}",
                shares=shares,
                hashes=str(shares * work_of_target(file.target)),
            )
    return None


def _first_made(file: ReceiptsFile) -> int | None:
    for receipt in file.receipts:
        return Header.parse(receipt.header).time
    return None


def open_month(site_payout: str, *, first: int, until: int, luck_percent: str = "0") -> MonthBody:
    """A month of which nothing is known yet but its time: [first, until), seconds UTC."""
    middle = datetime.fromtimestamp((first + until) // 2, UTC)
    return msgspec.convert(
        {
            "month": f"{middle:%Y-%m}",
            "first": _instant(first),
            "until": _instant(until),
            "meters": ["open"],
            "low_wh": 0,
            "high_wh": 0,
            **dict.fromkeys(
                ("billed_wh", "check", "evidence", "bills", "pool", "receipts", "power", "outages")
            ),
            "payout": site_payout,
            "luck_percent": luck_percent,
            "blocks": None,
            "expected_sat": 0,
            "low_sat": 0,
            "high_sat": 0,
            "arrivals": [],
            "arrived_sat": 0,
            "detection_percent": "0",
            "verdict": "within",
            "implied_j_per_th": None,
            "best_j_per_th": None,
            "questioned": False,
        },
        MonthBody,
    )


def _instant(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
