"""Two invented sites over three months: an honest one, and one of which a month is missing."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from khazana.cli.mining_parts import MiningParts, series_for
from khazana.ledger.documents import Reason
from khazana.mining.figures import with_figures
from khazana.mining.parts import MiningBody
from khazana.mining.sites_file import SITES_FORMAT, read_sites
from khazana.reserve.gather import gather_period
from khazana.reserve.make import make
from khazana.statement.envelope import Statement
from tests.reserve.simulator import BTC, SEED, World, script

MONTHS = ("2026-01", "2026-02", "2026-03")
STARTS = ("2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01")
ENERGY_WH = 7_440_000_000
SHARES = {"site-1": (100, 100, 100), "site-2": (190, 100, 55)}
"""How many per cent of what is due arrived: a month to ask about, and a month that is missing."""
FIRST = dict.fromkeys(("meters", "readings", "seals"), "ab" * 32)


@dataclass(frozen=True)
class Mine:
    """The world, its statement with mining, and the sites in it."""

    world: World
    statement: Statement

    def publish(self, folder: Path) -> Path:
        (folder / "statements").mkdir(parents=True, exist_ok=True)
        raw = self.world.signed(self.statement)
        (folder / "statements" / "0001-first.json").write_bytes(raw)
        return folder


def site(name: str, arrivals: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    """As an office writes it: the honest site publishes everything, the other only what it must."""
    months = []
    for number, month in enumerate(MONTHS):
        row = {
            "month": month,
            "first": f"{STARTS[number]}T00:00:00Z",
            "until": f"{STARTS[number + 1]}T00:00:00Z",
            "meters": [f"{name}-main"],
            "low_wh": ENERGY_WH,
            "high_wh": ENERGY_WH + 1000,
            "payout": "fpps",
            "luck_percent": "0.2",
            "arrivals": arrivals.get(month, []),
        }
        if name == "site-1":
            row |= {
                "billed_wh": ENERGY_WH if number else ENERGY_WH + 50_000_000,
                "evidence": FIRST,
                "check": {"low_wh": ENERGY_WH - 1000, "high_wh": ENERGY_WH + 2000},
                "bills": "cd" * 32,
                "pool": {
                    "file": "ef" * 32,
                    "payouts": 1,
                    "amount_sat": sum(int(str(a["amount_sat"])) for a in row["arrivals"]),
                },
                "power": {
                    "currency": "PKR",
                    "source": "Regulator's tariff tables, invented",
                    "file": "12" * 32,
                    "paid": "167400000",
                    "due": "223200000",
                    "subsidy": "1240000.5",
                    "margin": "61380000",
                    "judged_wh": ENERGY_WH - 40_000_000,
                    "unknown_wh": 40_000_000,
                    "subsidised_hours": 31,
                },
                "outages": {
                    "source": "Distribution Company A's feeder log, invented",
                    "file": "34" * 32,
                    "seconds": 5400 if number == 1 else 0,
                    "feeders": 3 if number == 1 else 0,
                },
                "receipts": {
                    "file": "56" * 32,
                    "target": "00000000" + "ff" * 28,
                    "shares": 1045,
                    "hashes": str(1045 * 2**32),
                },
            }
        months.append(row)
    whole: dict[str, object] = {
        "site": name,
        "name": name.replace("-", " ").title(),
        "accounts": [f"wallet-{name}"],
        "simulated": True,
        "difficulty": {"shift_s": -31_536_000, "divisor": 1000},
        "fees": {"value": "0.01", "source": "assumed"},
        "j_per_th": {"value": "17.5", "source": "acceptance test"},
        "pue": {"value": "1.05", "source": "commissioning"},
        "budget": [
            {"name": "meter class", "percent": "0.2", "source": "plate"},
            {"name": "J/TH", "percent": "1.5", "source": "acceptance test"},
        ],
        "months": months,
    }
    if name == "site-1":
        whole |= {
            "company": "Distribution Company A",
            "power_mw": {"value": "12", "source": "allocation, invented"},
            "tco2_per_mwh": {"value": "0.43", "source": "national grid factor, invented"},
        }
    return whole


def bodies(*sites: dict[str, object]) -> tuple[MiningBody, ...]:
    text = json.dumps({"format": SITES_FORMAT, "sites": list(sites)})
    return read_sites("mining.json", text.encode())


def due_sat(name: str) -> tuple[int, ...]:
    """What the honest expectation of each month is."""
    (body,) = bodies(site(name, {}))
    return tuple(month.expected_sat for month in with_figures(body, series_for(None, body)).months)


@cache
def mine() -> Mine:
    """The statement, made once for all tests by the functions that an office uses."""
    world = World()
    for name in SHARES:
        world.wallet(f"wallet-{name}", entity="energy")
    world.wallet("fund", entity="office")
    world.perimeter("all", *(f"wallet-{name}" for name in SHARES), "fund")
    world.fund(script("fund"), BTC)
    opening = world.mine(2)
    found: dict[str, dict[str, list[dict[str, object]]]] = {name: {} for name in SHARES}
    for name, shares in SHARES.items():
        for month, share, due in zip(MONTHS, shares, due_sat(name), strict=True):
            amount = due * share // 100
            account = f"wallet-{name}"
            txid = world.fund(script(account), amount)
            world.mine()
            world.document(f"{name}-{month}", Reason.MINED, account, amount, txid)
            row = {"txid": txid, "account": account, "amount_sat": amount}
            found[name][month] = [row]
    end = world.mine(2)
    world.mine(8)
    office = world.office()
    made = make(
        office,
        gather_period(
            world.chain, {s for w in office.wallets for s in w.scripts}, after=opening, until=end
        ),
        salt_seed=SEED,
        fingerprint=world.identity.fingerprint,
        previous=None,
        more=[
            MiningParts(bodies(*(site(name, found[name]) for name in SHARES)), chain=world.chain)
        ],
    )
    return Mine(world, made.statement)
