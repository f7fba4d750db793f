"""A site's January with everything behind it: counters, bills, pool, receipts, cost and stamps."""

import hashlib
import json
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from khazana.bitcoin.address import address_of
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import REGTEST
from khazana.cli.mining_checks import MiningChecks
from khazana.cli.mining_folder import metering_in
from khazana.cli.mining_parts import MiningParts, series_for
from khazana.ledger.documents import Reason
from khazana.mining.day_stamps import month_document
from khazana.mining.evidence.metering import NEEDED, Metering
from khazana.mining.evidence.readings import read_readings, write_readings
from khazana.mining.evidence.seals import read_seals, write_seals
from khazana.mining.figures import with_figures
from khazana.mining.from_folder import from_folder
from khazana.mining.receipts.make import Template, paying, work_shares
from khazana.mining.receipts.receipt import write_receipts
from khazana.mining.receipts.terms import slots_of
from khazana.mining.sites_file import SITES_FORMAT, read_sites
from khazana.reserve.gather import gather_period
from khazana.reserve.make import make
from khazana.reserve.verify import Request, verify
from khazana.statement.checks import Profile, Report
from khazana.statement.envelope import Statement
from khazana.statement.office_file import Pin
from khazana.statement.timestamps.format import write_proof
from khazana.statement.timestamps.make import in_block
from khazana.units import Height, Sats
from tests.mining.metering import METERS, honest, seals_of
from tests.reserve.simulator import BTC, NOW, SEED, World, script

PART = "x-mining/site-1"
COMPANY = "North Electric"
YEAR_S = 31_536_000
SHARE_TARGET = (1 << 250) - 1
BILLS = (
    "document,meter,from,until,energy_kwh,file_sha256\n"
    f"bill-1,main-1,2026-01-01T00:00:00Z,2026-02-01T00:00:00Z,7440000,{'ab' * 32}\n"
)
TARIFFS = (
    "site,from,until,currency,tariff,marginal_cost,full_cost,source\n"
    "site-1,2026-01-01T00:00:00Z,2026-01-11T00:00:00Z,USD,60,54,120,order 7\n"
    "site-1,2026-01-11T00:00:00Z,2026-01-21T00:00:00Z,USD,50,54,120,order 7\n"
    "site-1,2026-01-21T00:00:00Z,2026-02-01T00:00:00Z,USD,60,,120,order 7\n"
)
OUTAGES = (
    "feeder,company,from,until,source\n"
    f"feeder-7,{COMPANY},2026-01-05T10:00:00Z,2026-01-05T12:00:00Z,bulletin 5\n"
    "feeder-9,South Electric,2026-01-05T10:00:00Z,2026-01-05T16:00:00Z,bulletin 5\n"
)


def metered(main_w: int = 10_000_000, check_w: int = 10_000_000) -> tuple[bytes, bytes]:
    """Readings of both meters and the seals of every day of them."""
    rows = [("main-1", v) for v in honest(31, mean_w=main_w)]
    rows += [("check-1", v) for v in honest(31, mean_w=check_w)]
    readings = write_readings(rows)
    return readings, write_seals(seals_of(read_readings("readings.csv", readings)))


READINGS, SEALS = metered()
FILES = dict(zip(NEEDED, (METERS.encode(), READINGS, SEALS), strict=True))


def site(*arrivals, **fields) -> dict:
    """A site as an office writes it, without what its folder and its difficulty give."""
    meters, readings, seals = (hashlib.sha256(FILES[name]).hexdigest() for name in NEEDED)
    month = {
        "month": "2026-01",
        "first": "2026-01-01T00:00:00Z",
        "until": "2026-02-01T00:00:00Z",
        "meters": ["main-1"],
        "low_wh": 7_440_000_000,
        "high_wh": 7_440_000_000,
        "check": {"low_wh": 7_440_000_000, "high_wh": 7_440_000_000},
        "evidence": {"meters": meters, "readings": readings, "seals": seals},
        "payout": "fpps",
        "luck_percent": "0.2",
        "arrivals": list(arrivals),
    }
    return {
        "site": "site-1",
        "name": "Site 1",
        "company": COMPANY,
        "accounts": ["mine"],
        "simulated": True,
        "difficulty": {"shift_s": -YEAR_S, "divisor": 1000},
        "fees": {"value": "0.01", "source": "assumed"},
        "j_per_th": {"value": "17.5", "source": "acceptance test"},
        "pue": {"value": "1.05", "source": "commissioning"},
        "power_mw": {"value": "12", "source": "allocation"},
        "tco2_per_mwh": {"value": "0.4", "source": "entered"},
        "budget": [
            {"name": "meter class", "percent": "0.2", "source": "plate"},
            {"name": "J/TH", "percent": "1.5", "source": "acceptance test"},
        ],
        "months": [month],
    } | fields


def sites(*listed) -> bytes:
    return json.dumps({"format": SITES_FORMAT, "sites": list(listed)}).encode()


def expected_sat() -> int:
    (body,) = read_sites("m", sites(site()))
    return with_figures(body, series_for(None, body)).months[0].expected_sat


class Story:
    """January 2026 in daily blocks: a pool pays twice, and every payout has its document."""

    def __init__(self, *, diverted_percent: int = 0) -> None:
        self.world = world = World()
        world.wallet("mine", entity="energy")
        world.wallet("fund", entity="office")
        world.perimeter("all", "mine", "fund")
        world.chain.add_block(time=int(datetime(2025, 12, 20, tzinfo=UTC).timestamp()))
        world.fund(script("fund"), BTC)
        self.opening = world.mine(11)
        due = expected_sat() * (100 - diverted_percent) // 100
        self.arrivals = []
        for number, amount in enumerate((due // 2, due - due // 2)):
            txid = world.fund(script("mine"), amount)
            world.mine(15)
            world.document(f"payout-{number}", Reason.MINED, "mine", amount, txid)
            self.arrivals.append({"txid": txid, "account": "mine", "amount_sat": amount})
        self.end = world.mine(4)
        world.mine(8)

    # What stands behind the month

    def payouts(self) -> bytes:
        rows = ["pool,document,site,from,until,txid,vout,address,amount_btc"]
        address = address_of(script("mine"), REGTEST)
        for number, arrival in enumerate(self.arrivals):
            amount = f"{arrival['amount_sat'] / 10**8:.8f}"
            rows.append(
                f"pool-a,d{number},site-1,2026-01-{1 + 15 * number:02d}T00:00:00Z,"
                f"2026-01-{15 + 15 * number:02d}T00:00:00Z,{arrival['txid']},0,{address},{amount}"
            )
        return "".join(f"{row}\n" for row in rows).encode()

    def receipts(self, count: int = 5, *, target: bytes = script("mine")) -> bytes:
        """Shares on the block of about 15 January."""
        chain = self.world.chain
        last = chain.block_at(Height(40))
        headers = chain.headers(Height(0), last)
        slot = slots_of(headers, first=Height(0), network=REGTEST)[headers[27].hash_le]
        template = Template(
            site="site-1",
            below=headers[27].hash_le,
            slot=slot,
            outputs=paying(Sats(slot.subsidy + 1), target),
            branch=tuple(bytes([n]) * 32 for n in range(1, 4)),
            time=headers[27].time + 600,
        )
        made = islice(work_shares(template, target=SHARE_TARGET), count)
        return write_receipts("site-1", SHARE_TARGET, made)

    def stamp(self, seals: bytes = SEALS) -> bytes:
        """The stamp over January's seals, in a block on top of the chain as it stands."""
        document = month_document(read_seals("seals.csv", seals), "2026-01")
        digest = hashlib.sha256(document).digest()
        txid = self.world.send([], [(b"\x6a\x20" + digest, 0)])
        block = self.world.mine()
        confirmed = self.world.chain.transaction(txid, block)
        return write_proof(in_block(digest, confirmed, REGTEST))

    def write(self, folder: Path, **changed: bytes | None) -> Path:
        """The whole folder; a name in `changed` (with _ for . and /) replaces or leaves out."""
        files: dict[str, bytes] = {
            **FILES,
            "bills.csv": BILLS.encode(),
            "payouts.csv": self.payouts(),
            "tariffs.csv": TARIFFS.encode(),
            "outages.csv": OUTAGES.encode(),
            "receipts/january.kzr": self.receipts(),
        }
        given = {name.replace(".", "_").replace("/", "_"): name for name in files}
        given["stamps_2026-01_ots"] = "stamps/2026-01.ots"
        for key, raw in changed.items():
            name = given[key.replace("__", "-")]
            files.pop(name, None)
            if raw is not None:
                files[name] = raw
        for name, raw in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(raw)
        return folder

    # The statement

    def bodies(self, *listed):
        return read_sites("m.json", sites(*(listed or (site(*self.arrivals),))))

    def behind(self, metering: Metering, **fields):
        """The bodies with everything that the folder gives."""
        (body,) = self.bodies(site(*self.arrivals, **fields))
        return (from_folder(body, metering, network=REGTEST),)

    def made(self, *listed, bodies=None) -> Statement:
        office = self.world.office()
        scripts = {s for w in office.wallets for s in w.scripts}
        facts = gather_period(self.world.chain, scripts, after=self.opening, until=self.end)
        return make(
            office,
            facts,
            salt_seed=SEED,
            fingerprint=self.world.identity.fingerprint,
            previous=None,
            more=[MiningParts(bodies or self.bodies(*listed), chain=self.world.chain)],
        ).statement

    def check(self, statement: Statement, metering=(), gateways=()) -> Report:
        return verify(
            Request(
                raw=self.world.signed(statement),
                chain=self.world.chain,
                engine=best_engine(),
                profile=Profile.FULL,
                now=NOW,
                pin=Pin(self.world.identity.fingerprint),
            ),
            more=[MiningChecks(metering, gateways=gateways)],
        )


def read(folder: Path) -> Metering:
    return metering_in(folder)
