"""The folder behind a statement's mining: counters, tables, receipts, and mining.json."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from khazana.cli.demo.mining.earning import (
    DIVISOR,
    FEES,
    FEES_SOURCE,
    J_PER_TH,
    luck_percent,
)
from khazana.cli.demo.mining.meters import metered
from khazana.cli.demo.mining.programme import Programme, Working
from khazana.cli.demo.mining.scenario import DAY_S, month_of
from khazana.cli.demo.mining.settlements import Settlement
from khazana.cli.demo.mining.tables import (
    bills_csv,
    outages_csv,
    payouts_csv,
    payouts_of,
    tariffs_csv,
    utc_of,
)
from khazana.cli.files import write_whole
from khazana.ledger.documents import utc_text
from khazana.mining.sites_file import SITES_FORMAT

MINING = "mining"
"""The folder in an office's."""
SITES_FILE = "mining.json"

_BUDGET = (
    ("meter", "0.2", "class 0.2S"),
    ("J/TH", "1", "acceptance test (invented)"),
    ("PUE", "0.5", "sub-meters (invented)"),
    ("uptime", "0.5", "heat and age (assumed)"),
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
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            write_whole(into / path.relative_to(folder), path.read_bytes())


def evidence_files(programme: Programme, rows: Sequence[Settlement]) -> Mapping[str, bytes]:
    """The files of the folder, by name. Counters stand over whole days, the last value's too."""
    first, until = programme.span(rows[0])[0], programme.span(rows[-1])[1]
    counters = [working.counter for working in programme.working]
    files = dict(metered(counters, first=first, until=until + DAY_S))
    hashes = {
        name: hashlib.sha256(files[file]).hexdigest()
        for name, file in (
            ("meters", "meters.toml"),
            ("readings", "readings.csv"),
            ("seals", "seals.csv"),
        )
    }
    files["bills.csv"] = bills_csv(programme, rows)
    files["payouts.csv"] = payouts_csv(programme, rows)
    files["tariffs.csv"] = tariffs_csv(programme, rows)
    files["outages.csv"] = outages_csv(programme, rows)
    files[SITES_FILE] = sites_file(programme, rows, hashes)
    return files


def sites_file(
    programme: Programme, rows: Sequence[Settlement], evidence: Mapping[str, str]
) -> bytes:
    """mining.json, as an office gives it to `khazana statement make --mining`."""
    listed = [_site(programme, working, rows, evidence) for working in programme.working]
    document = {"format": SITES_FORMAT, "sites": listed}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _site(
    programme: Programme,
    working: Working,
    rows: Sequence[Settlement],
    evidence: Mapping[str, str],
) -> dict[str, Any]:
    site = working.site
    return {
        "site": site.id,
        "name": site.name,
        "accounts": [working.account],
        "simulated": True,
        "difficulty": {"shift_s": programme.shift_s, "divisor": DIVISOR},
        "fees": {"value": FEES, "source": FEES_SOURCE},
        "j_per_th": {"value": J_PER_TH, "source": f"acceptance test of {site.name} (invented)"},
        "pue": {"value": site.pue, "source": f"sub-meters of {site.name} (invented)"},
        "budget": [{"name": n, "percent": p, "source": s} for n, p, s in _BUDGET],
        "months": [_month(programme, working, row, evidence) for row in rows],
    }


def _month(
    programme: Programme, working: Working, row: Settlement, evidence: Mapping[str, str]
) -> dict[str, Any]:
    first, until = programme.span(row)
    energy = working.counter.energy_wh(first, until)
    return {
        "month": month_of((first + until) // 2),
        "first": utc_text(utc_of(first)),
        "until": utc_text(utc_of(until)),
        "meters": [working.counter.main],
        "low_wh": energy,
        "high_wh": energy,
        "billed_wh": energy // 1_000 * 1_000,
        "evidence": dict(evidence),
        "payout": "fpps",
        "luck_percent": luck_percent(first, until),
        "arrivals": [
            {"txid": p.txid, "account": working.account, "amount_sat": p.amount}
            for p in payouts_of(programme, [row])
            if p.site == working.site.id
        ],
    }
