"""Everything that stands behind a site's months, as one folder gives it to a reader.

meters.toml readings.csv seals.csv     the utility's counters, always there
bills.csv                              what the utility charges for
payouts.csv                            what pools say they paid
tariffs.csv outages.csv                what power cost, and when feeders were off
receipts/*.kzr                         work that could only have paid the reserve
stamps/YYYY-MM.ots                     when a month's seals existed
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from khazana.mining.evidence.audit import ReadingsAudit, audit_readings
from khazana.mining.evidence.energy import Energy, energy_between
from khazana.mining.evidence.meters import MeterRole, Meters, read_meters
from khazana.mining.evidence.readings import ReadingsFile, read_readings
from khazana.mining.evidence.reconcile import Bill, read_bills
from khazana.mining.evidence.seals import DaySeal, read_seals
from khazana.mining.evidence.tariffs import Outage, Tariff, read_outages, read_tariffs
from khazana.mining.receipts.receipt import ReceiptsFile, read_receipts

NEEDED = ("meters.toml", "readings.csv", "seals.csv")
BILLS, PAYOUTS, TARIFFS, OUTAGES = "bills.csv", "payouts.csv", "tariffs.csv", "outages.csv"
OPTIONAL = (BILLS, PAYOUTS, TARIFFS, OUTAGES)
RECEIPTS, STAMPS = "receipts", "stamps"

File = tuple[str, bytes]
"""A file's name, for messages, and its content."""


@dataclass(frozen=True, kw_only=True)
class Metering:
    """The files behind some sites' months, read. Pools' lines stay bytes: their addresses need a
    network. receipts, stamps: (file, content) by SHA-256 and by month.
    """

    meters: Meters
    readings: ReadingsFile
    seals: tuple[DaySeal, ...]
    seals_file: str
    digests: Mapping[str, str]
    """SHA-256 of each needed file, by the name that a part's `evidence` has for it."""
    bills: Sequence[Bill] | None = None
    tariffs: Sequence[Tariff] | None = None
    outages: Sequence[Outage] | None = None
    files: Mapping[str, File] = field(default_factory=dict)
    """The optional tables, by the names above."""
    receipts: Mapping[str, ReceiptsFile] = field(default_factory=dict)
    stamps: Mapping[str, File] = field(default_factory=dict)

    @cached_property
    def audit(self) -> ReadingsAudit:
        """Everything that is wrong with readings and seals, found once."""
        return audit_readings(self.readings, self.seals, self.meters, seals_file=self.seals_file)

    def digest(self, table: str) -> str | None:
        """SHA-256 of an optional table; None where the folder has none."""
        given = self.files.get(table)
        return None if given is None else hashlib.sha256(given[1]).hexdigest()

    def energy(self, meters: Sequence[str], *, first: int, until: int) -> tuple[int, int]:
        """Bounds of the energy through several meters, in Wh; `EnergyUnknown` where one is."""
        each: list[Energy] = [
            energy_between(m, self.readings.by_meter.get(m, ()), first=first, until=until)
            for m in meters
        ]
        return sum(e.low_wh for e in each), sum(e.high_wh for e in each)

    def of_site(self, site: str, role: MeterRole) -> tuple[str, ...]:
        return tuple(meter.id for meter in self.meters.of_site(site, role))


def read_metering(
    *,
    meters: File,
    readings: File,
    seals: File,
    tables: Mapping[str, File] | None = None,
    receipts: Sequence[File] = (),
    stamps: Mapping[str, File] | None = None,
) -> Metering:
    """The files of a site or a programme; each refused whole if malformed.

    tables: the optional ones, by name. stamps: by month.
    """
    tables = tables or {}
    if strangers := sorted(set(tables) - set(OPTIONAL)):
        raise ValueError(f"no table of metering is called {strangers[0]}")
    return Metering(
        meters=read_meters(*meters),
        readings=read_readings(*readings),
        seals=read_seals(*seals),
        seals_file=seals[0],
        digests={
            name: _sha256(raw)
            for name, (_, raw) in (("meters", meters), ("readings", readings), ("seals", seals))
        },
        bills=read_bills(*tables[BILLS]) if BILLS in tables else None,
        tariffs=read_tariffs(*tables[TARIFFS]) if TARIFFS in tables else None,
        outages=read_outages(*tables[OUTAGES]) if OUTAGES in tables else None,
        files=dict(tables),
        receipts={_sha256(raw): read_receipts(name, raw) for name, raw in receipts},
        stamps=dict(stamps or {}),
    )


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
