"""The sites' counters, and the utility's gateways that seal them: the files behind the energy."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.cli.demo.mining.scenario import DAY_S, HOUR_S, DemoSite, draw
from khazana.ledger.documents import utc_text
from khazana.mining.evidence.readings import (
    READINGS_HEADER,
    Values,
    by_day,
    read_readings,
    write_readings,
)
from khazana.mining.evidence.seals import DaySeal, seal_day, write_seals
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.keys import public_bytes

_BASE_WH = 5_000_000_000
"""What a counter shows when its site begins: a meter is older than its programme."""


class Counter:
    """A site's main meter and its check meter, from the hour in which the site begins.

    begins: seconds UTC, the start of a day.
    """

    def __init__(self, site: DemoSite, *, begins: int) -> None:
        self.site, self.begins = site, begins
        self._registers = [_BASE_WH]

    @property
    def main(self) -> str:
        return f"{self.site.id}-main"

    @property
    def check(self) -> str:
        return f"{self.site.id}-check"

    def register(self, at: int) -> int:
        """The main counter in watt-hours at a full hour."""
        hour, off = divmod(at - self.begins, HOUR_S)
        if hour < 0 or off:
            raise ValueError(f"{self.main} has no value at {at}")
        known = self._registers
        while len(known) <= hour:
            known.append(known[-1] + self.site.watts(self.begins + (len(known) - 1) * HOUR_S))
        return known[hour]

    def energy_wh(self, first: int, until: int) -> int:
        return self.register(until) - self.register(first)

    def main_values(self, first: int, until: int) -> Iterator[Values]:
        """Every hour from `first` up to, and without, `until`."""
        for at in range(first, until, HOUR_S):
            value = self.register(at)
            power = value - self.register(at - HOUR_S) if at > self.begins else None
            yield Values((at - self.begins) // HOUR_S + 1, at, value, power)

    def check_values(self, first: int, until: int) -> Iterator[Values]:
        """Once a day; another make, which counts up to 0.04 % more or less."""
        drift = draw(-4, 4, self.check)
        for at in range(first, until, DAY_S):
            counted = (self.register(at) - _BASE_WH) * (10_000 + drift) // 10_000
            yield Values((at - self.begins) // DAY_S + 1, at, _BASE_WH // 2 + counted)


def gateway(company: str) -> Ed25519PrivateKey:
    """A distribution company's gateway. In earnest its key never leaves the company."""
    seed = hashlib.sha256(f"khazana demo gateway {company}".encode()).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


def meters_toml(counters: Sequence[Counter]) -> bytes:
    """The utility's declaration of its meters and its gateways' keys."""
    lines = [f"# {TEST_NOTICE}. SYNTHETIC: no such meter exists.", 'format = "khazana.meters/1"']
    since = utc_text(datetime.fromtimestamp(min(c.begins for c in counters), UTC))
    for company in sorted({counter.site.company for counter in counters}):
        lines += ["", "[[key]]", f'id = "gateway-{company}"']
        lines += [f'public = "{public_bytes(gateway(company)).hex()}"']
        lines += [f'holder = "{company_name(company)}"', f"since = {since}"]
    for counter in counters:
        for id_, role, class_, interval in (
            (counter.main, "main", "0.2S", HOUR_S),
            (counter.check, "check", "0.5S", DAY_S),
        ):
            lines += ["", "[[meter]]", f'id = "{id_}"', f'site = "{counter.site.id}"']
            lines += [f'role = "{role}"', f'class = "{class_}"', f"interval_s = {interval}"]
            lines += [f"most_kw = {counter.site.allocation_mw * 1_000}"]
            lines += [f'keys = ["gateway-{counter.site.company}"]']
    return "".join(f"{line}\n" for line in lines).encode()


def company_name(company: str) -> str:
    """How an invented distribution company is called.

    >>> company_name("distribution-a")
    'Distribution Company A (invented)'
    """
    return f"Distribution Company {company.rpartition('-')[2].upper()} (invented)"


class Record:
    """What the gateways have sealed since a day: readings in a chain, and a seal for each day.

    first: seconds UTC, the start of a day. until: up to where, without it.
    """

    def __init__(self, counters: Sequence[Counter], *, first: int) -> None:
        self.counters, self.first, self.until = tuple(counters), first, first
        self.seals: list[DaySeal] = []
        self._lines: dict[str, bytes] = {}
        self._heads: dict[str, bytes] = {}

    def extend(self, until: int) -> None:
        """Seal the whole days up to `until`; those that are sealed stay as they are."""
        if until <= self.until:
            return
        for counter in self.counters:
            key = gateway(counter.site.company)
            for meter, listed in (
                (counter.main, counter.main_values(self.until, until)),
                (counter.check, counter.check_values(self.until, until)),
            ):
                raw = write_readings((meter, values) for values in listed)
                file = read_readings("readings.csv", raw, heads=self._heads)
                readings = file.by_meter[meter]
                self._heads[meter] = readings[-1].head
                self._lines[meter] = self._lines.get(meter, b"") + raw.partition(b"\n")[2]
                self.seals += [seal_day(meter, day, key) for _, day in by_day(readings)]
        self.until = until

    def files(self) -> Mapping[str, bytes]:
        """meters.toml, readings.csv and seals.csv, by name."""
        header = f"{READINGS_HEADER}\n".encode()
        return {
            "meters.toml": meters_toml(self.counters),
            "readings.csv": header + b"".join(self._lines.values()),
            "seals.csv": write_seals(self.seals),
        }
