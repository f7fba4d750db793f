"""Meters and the gateway keys that sign for them, as the utility declares them (meters.toml)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum

from khazana.bitcoin.secrets import refuse_secrets_in, refuse_secrets_in_values
from khazana.ledger.problems import suggestion
from khazana.ledger.sections import Section, read_toml
from khazana.mining.evidence.problems import EvidenceProblems
from khazana.statement.errors import SignatureRefused
from khazana.statement.keys import key_id, require_public_key
from khazana.statement.times import read_instant

METERS_FORMAT = "khazana.meters/1"
_MOST_KW = 10_000_000
_DAY_S = 86_400


class MeterClass(Enum):
    """Accuracy classes of meters for active energy; the value is the name on the plate."""

    CLASS_0_2S = "0.2S"
    CLASS_0_5S = "0.5S"
    CLASS_1 = "1"
    CLASS_2 = "2"

    @property
    def percent(self) -> Decimal:
        """The largest error in per cent, at a power factor of one and above a twentieth of the
        rated current (IEC 62053-21 and -22). At lower currents it may be twice as much.
        """
        return Decimal(self.value.removesuffix("S"))


class MeterRole(Enum):
    """What a meter is there for."""

    MAIN = "main"
    """At the point of interconnection; what the site is held to."""
    CHECK = "check"
    """Beside a main meter, of another owner or make; what the main meter is held to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayKey:
    """A key of the utility's gateway at a site: it signs the days of meters, never for the miner.

    since, until: [since, until) in UTC; until is None while the key is in use.
    """

    id: str
    public: bytes
    holder: str
    since: datetime
    until: datetime | None

    def in_force(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A meter with a counter of energy.

    interval_s: seconds between readings, a divisor of a day; readings stand on its grid.
    most_w: power above which a reading is impossible (transformer or contract).
    keys: ids of the gateway keys that may sign its days.
    """

    id: str
    site: str
    role: MeterRole
    accuracy: MeterClass
    interval_s: int
    most_w: int
    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.interval_s < 1 or _DAY_S % self.interval_s:
            raise ValueError(f"{self.interval_s} s does not divide a day")
        if self.most_w < 1:
            raise ValueError("a meter's largest power is positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meters:
    """All meters of a programme and the keys of their gateways, by id."""

    meters: Mapping[str, Meter]
    keys: Mapping[str, GatewayKey]

    def of_site(self, site: str, role: MeterRole) -> tuple[Meter, ...]:
        return tuple(m for m in self.meters.values() if m.site == site and m.role is role)


def read_meters(name: str, raw: bytes) -> Meters:
    """The meters and keys in the bytes of a TOML file; `EvidenceRefused` with every problem."""
    refuse_secrets_in(raw.decode("utf-8", errors="replace"), where=name)
    problems = EvidenceProblems()
    top = read_toml(name, raw, problems)
    refuse_secrets_in_values(top.values, where=name)
    if top.text("format") not in ("", METERS_FORMAT):
        top.wrong(f'this program reads format = "{METERS_FORMAT}"', "format")
    keys: dict[str, GatewayKey] = {}
    names: dict[str, str] = {}
    for section in top.sections("key"):
        label, key = _key(section)
        if label in names:
            section.wrong(f"two keys are called {label}", "id")
        elif key is not None and key.id in keys:
            section.wrong("this key stands here already under another name", "public")
        elif key is not None:
            keys[key.id], names[label] = key, key.id
    meters: dict[str, Meter] = {}
    for section in top.sections("meter"):
        meter = _meter(section, names)
        if meter is not None and meter.id in meters:
            section.wrong(f"two meters are called {meter.id}", "id")
        elif meter is not None:
            meters[meter.id] = meter
    if not top.values.get("meter"):
        top.wrong("lists no meter: [[meter]]", "meter")
    top.finish()
    problems.refuse_if_any(name)
    return Meters(meters=meters, keys=keys)


def _key(section: Section) -> tuple[str, GatewayKey | None]:
    label, public = section.identifier("id"), section.hash("public")
    holder = section.text("holder")
    since = _instant(section, "since")
    until = _instant(section, "until") if section.has("until") else None
    section.finish()
    if not public or since is None:
        return label, None
    if until is not None and until <= since:
        section.wrong("ends before it begins", "until")
    raw = bytes.fromhex(public)
    try:
        require_public_key(raw)
    except SignatureRefused as wrong:
        section.wrong(str(wrong), "public")
        return label, None
    return label, GatewayKey(id=key_id(raw), public=raw, holder=holder, since=since, until=until)


def _meter(section: Section, names: Mapping[str, str]) -> Meter | None:
    before = len(section.problems.found)
    id_, site = section.identifier("id"), section.identifier("site")
    role = section.choice("role", MeterRole)
    accuracy = section.choice("class", MeterClass)
    interval_s = section.integer("interval_s", least=1, most=_DAY_S)
    most_kw = section.integer("most_kw", least=1, most=_MOST_KW)
    labels = section.texts("keys", required=True)
    for label, position in labels:
        if label not in names:
            section.wrong(f"no key is called {label!r}{suggestion(label, names)}", "keys", position)
    if not labels and section.has("keys"):
        section.wrong("nobody signs for this meter: name a [[key]]", "keys")
    if _DAY_S % interval_s:
        section.wrong(f"{interval_s} s does not divide a day of {_DAY_S} s", "interval_s")
    section.finish()
    if len(section.problems.found) > before:
        return None
    return Meter(
        id=id_,
        site=site,
        role=role,
        accuracy=accuracy,
        interval_s=interval_s,
        most_w=most_kw * 1000,
        keys=tuple(names[label] for label, _ in labels),
    )


def _instant(section: Section, key: str) -> datetime | None:
    if not section.has(key):
        section.wrong("is missing: write a time such as 2026-01-31T00:00:00Z", key)
        return None
    value = section.values[key]
    if isinstance(value, datetime) and value.tzinfo is not None and not value.microsecond:
        return value.astimezone(UTC)
    try:
        return read_instant(value if isinstance(value, str) else "")
    except ValueError:
        section.wrong("should be a time in UTC such as 2026-01-31T00:00:00Z", key)
        return None
