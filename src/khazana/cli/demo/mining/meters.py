"""The sites' counters, and the utility's gateways that seal them: the files behind the energy."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.cli.demo.mining.scenario import DAY_S, HOUR_S, DemoSite, draw
from khazana.ledger.documents import utc_text
from khazana.mining.evidence.readings import Values, by_day, read_readings, write_readings
from khazana.mining.evidence.seals import seal_day, write_seals
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


def metered(counters: Sequence[Counter], *, first: int, until: int) -> Mapping[str, bytes]:
    """meters.toml, readings.csv and seals.csv over the whole days [first, until), by name."""
    rows = [
        (meter, values)
        for counter in counters
        for meter, listed in (
            (counter.main, counter.main_values(first, until)),
            (counter.check, counter.check_values(first, until)),
        )
        for values in listed
    ]
    readings = write_readings(rows)
    companies = {m: c.site.company for c in counters for m in (c.main, c.check)}
    keys = {company: gateway(company) for company in set(companies.values())}
    seals = [
        seal_day(meter, day, keys[companies[meter]])
        for meter, values in read_readings("readings.csv", readings).by_meter.items()
        for _, day in by_day(values)
    ]
    return {
        "meters.toml": meters_toml(counters),
        "readings.csv": readings,
        "seals.csv": write_seals(seals),
    }
