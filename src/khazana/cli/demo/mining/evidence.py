"""The folder behind a statement's mining: counters, tables, receipts, and mining.json."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from khazana.bitcoin.network import REGTEST
from khazana.cli.demo.mining.earning import DIVISOR, FEES, FEES_SOURCE, J_PER_TH, luck_percent
from khazana.cli.demo.mining.meters import company_name
from khazana.cli.demo.mining.programme import Programme, Working
from khazana.cli.demo.mining.settlements import Settlement
from khazana.cli.demo.mining.shares import RECEIPTS, SHARING, receipts_of
from khazana.cli.demo.mining.stamping import STAMPS
from khazana.cli.demo.mining.tables import (
    bills_csv,
    outages_csv,
    payouts_csv,
    payouts_of,
    tariffs_csv,
)
from khazana.cli.files import write_whole
from khazana.devnet.view import DevnetView
from khazana.mining.evidence.metering import (
    BILLS,
    NEEDED,
    OUTAGES,
    PAYOUTS,
    TARIFFS,
    read_metering,
)
from khazana.mining.figures import FOLLOWING
from khazana.mining.from_folder import from_folder, open_month
from khazana.mining.month_body import ArrivalBody, MonthBody
from khazana.mining.parts import BudgetBody, DifficultyBody, MiningBody, SourcedBody
from khazana.mining.sites_file import SITES_FORMAT

MINING = "mining"
"""The folder in an office's."""
SITES_FILE = "mining.json"

SCENARIO = "SYNTHETIC table of the demo"
POWER_SOURCE = "tariff order 1 and the plants' fuel cost (invented)"
OUTAGES_SOURCE = "load-shedding notices of the distribution company (invented)"

_BUDGET = (
    BudgetBody(name="meter", percent="0.2", source="class 0.2S", changing=False),
    BudgetBody(name="J/TH", percent="1", source="acceptance test (invented)", changing=False),
    BudgetBody(name="PUE", percent="0.5", source="sub-meters (invented)", changing=False),
    BudgetBody(name="uptime", percent="0.5", source="heat and age (assumed)", changing=True),
)


def write_evidence(programme: Programme, period: int, folder: Path) -> Path | None:
    """Write what stands behind a period's statement; returns mining.json, None without a row."""
    rows = programme.rows_of(period)
    if not rows:
        return None
    files = evidence_files(programme, rows)
    for name, content in files.items():
        write_whole(folder / name, content)
    return folder / SITES_FILE


def copy_evidence(folder: Path, into: Path) -> None:
    """The same files once more, under fixed names for whoever asks for the newest."""
    for name in (RECEIPTS, STAMPS):
        # Named by month: those of an earlier statement would stay beside the newest one's.
        shutil.rmtree(into / name, ignore_errors=True)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            write_whole(into / path.relative_to(folder), path.read_bytes())


def evidence_files(programme: Programme, rows: Sequence[Settlement]) -> Mapping[str, bytes]:
    """The files of the folder, by name. Counters stand over whole days, the last value's too."""
    needed = programme.record(rows[-1]).files()
    tables = {
        BILLS: bills_csv(programme, rows),
        PAYOUTS: payouts_csv(programme, rows),
        TARIFFS: tariffs_csv(programme, rows),
        OUTAGES: outages_csv(programme, rows),
    }
    receipts = receipts_of(programme, rows)
    meters, readings, seals = ((name, needed[name]) for name in NEEDED)
    given = read_metering(
        meters=meters,
        readings=readings,
        seals=seals,
        tables={name: (name, content) for name, content in tables.items()},
        receipts=list(receipts.items()),
    )
    bodies = [
        from_folder(
            site_body(programme, working, rows),
            given,
            network=REGTEST,
            power_source=POWER_SOURCE,
            outages_source=OUTAGES_SOURCE,
        )
        for working in programme.working
    ]
    stamps = programme.stamps(rows[0].period).files(DevnetView(programme.stage.devnet))
    return {**needed, **tables, **receipts, **stamps, SITES_FILE: sites_file(bodies)}


def sites_file(bodies: Sequence[MiningBody]) -> bytes:
    """mining.json, as an office gives it to `khazana statement make --mining`."""
    document = {"format": SITES_FORMAT, "sites": [_entered(body) for body in bodies]}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _entered(body: MiningBody) -> dict[str, Any]:
    """What an office enters about a site: everything but what follows from it."""
    site: dict[str, Any] = msgspec.to_builtins(body)
    for name in ("critical", "format", "years"):
        del site[name]
    del site["difficulty"]["source"]
    for month in site["months"]:
        for name in set(FOLLOWING) - {"luck_percent"}:
            del month[name]
    return site


def site_body(programme: Programme, working: Working, rows: Sequence[Settlement]) -> MiningBody:
    """A site as its operator enters it; its folder fills in what the evidence shows."""
    site = working.site
    return MiningBody(
        critical=False,
        format="khazana.mining/1",
        site=site.id,
        name=site.name,
        accounts=[working.account],
        company=company_name(site.company),
        simulated=True,
        difficulty=DifficultyBody(source="open", shift_s=programme.shift_s, divisor=DIVISOR),
        rewards="share",
        fees=SourcedBody(value=FEES, source=FEES_SOURCE),
        j_per_th=SourcedBody(value=J_PER_TH, source=f"acceptance test of {site.name} (invented)"),
        pue=SourcedBody(value=site.pue, source=f"sub-meters of {site.name} (invented)"),
        power_mw=SourcedBody(value=str(site.allocation_mw), source=SCENARIO),
        tco2_per_mwh=SourcedBody(value=site.tco2_per_mwh, source=SCENARIO),
        budget=list(_BUDGET),
        months=[_month(programme, working, row) for row in rows],
        years=[],
    )


def _month(programme: Programme, working: Working, row: Settlement) -> MonthBody:
    first, until = programme.span(row)
    shares = working.site.id == SHARING
    paid = [p for p in payouts_of(programme, [row]) if p.site == working.site.id]
    return msgspec.structs.replace(
        open_month(site_payout="pplns" if shares else "fpps", first=first, until=until),
        luck_percent=luck_percent(first, until, pplns=shares),
        arrivals=[
            ArrivalBody(txid=p.txid, account=working.account, amount_sat=p.amount) for p in paid
        ],
    )
