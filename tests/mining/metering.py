"""A small metered site for tests: two meters, a gateway key, months of readings."""

import tomllib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.mining.evidence.meters import Meters, read_meters
from khazana.mining.evidence.readings import (
    ReadingsFile,
    Values,
    by_day,
    read_readings,
    write_readings,
)
from khazana.mining.evidence.seals import DaySeal, seal_day
from khazana.statement.keys import public_bytes

GATEWAY = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
MINER = Ed25519PrivateKey.from_private_bytes(bytes([8]) * 32)
OLD = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32)
STEP = 1800
START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
DAY = 86_400

METERS = f"""
format = "khazana.meters/1"
[[key]]
id = "gateway"
public = "{public_bytes(GATEWAY).hex()}"
holder = "Utility"
since = 2026-01-01T00:00:00Z
[[key]]
id = "old"
public = "{public_bytes(OLD).hex()}"
holder = "Utility"
since = 2025-01-01T00:00:00Z
until = 2026-01-02T12:00:00Z
[[meter]]
id = "main-1"
site = "site-1"
role = "main"
class = "0.2S"
interval_s = {STEP}
most_kw = 12_000
keys = ["gateway", "old"]
[[meter]]
id = "check-1"
site = "site-1"
role = "check"
class = "0.5S"
interval_s = {STEP}
most_kw = 12_000
keys = ["gateway"]
"""
tomllib.loads(METERS)


def meters(text: str = METERS) -> Meters:
    return read_meters("meters.toml", text.encode())


def honest(days: int = 3, *, mean_w: int = 10_000_000, start: int = START) -> list[Values]:
    """Half-hourly values over whole days and one at the end."""
    step = mean_w * STEP // 3600
    count = days * DAY // STEP + 1
    return [Values(n + 1, start + n * STEP, 5_000_000_000 + n * step, mean_w) for n in range(count)]


def file_of(values: Iterable[Values], meter: str = "main-1") -> ReadingsFile:
    return read_readings("readings.csv", write_readings((meter, each) for each in values))


def seals_of(file: ReadingsFile, private: Ed25519PrivateKey = GATEWAY) -> tuple[DaySeal, ...]:
    made: Sequence[DaySeal] = [
        seal_day(meter, run, private)
        for meter, rows in file.by_meter.items()
        for _, run in by_day(rows)
    ]
    return tuple(made)
