"""Readings of meters: values of the counter, each chained to the one before it.

    head(0) = SHA-256("khazana.readings/1" ‖ 0x00 ‖ meter)
    head(n) = SHA-256(head(n-1) ‖ line n)              line = the reading as it stands in the file
    root of a day = the tree of RFC 6962 over the day's lines, in order

The chain shows that no reading was put in or taken out later; the tree lets one reading be shown
without the others.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from khazana.ledger.office import Place
from khazana.mining.evidence.problems import MOST_PROBLEMS, EvidenceProblems
from khazana.statement.tree import leaf_hash, root_of

READINGS_HEADER = "meter,seq,at,register_wh,power_w,status"
CHAIN_DOMAIN = b"khazana.readings/1\x00"
DAY_S = 86_400

CRITICAL_ERROR, CLOCK_INVALID, DATA_INVALID = 0x01, 0x02, 0x04
SUMMER_TIME, CLOCK_ADJUSTED, POWER_DOWN = 0x08, 0x20, 0x80
STATUS_WORDS = {
    CRITICAL_ERROR: "a critical error",
    CLOCK_INVALID: "an invalid clock",
    DATA_INVALID: "invalid data",
    CLOCK_ADJUSTED: "that its clock was set",
}
"""Bits of a load profile's status, in the order DLMS meters use; what each says of itself."""

_LINE = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]{0,63}),(0|[1-9][0-9]{0,11}),"
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z,"
    r"(0|[1-9][0-9]{0,15}),(-?[1-9][0-9]{0,11}|0|),(0|[1-9][0-9]{0,2})",
    re.ASCII,
)
_EPOCH = date(1970, 1, 1).toordinal()


class Reading(NamedTuple):
    """One value of a meter's counter.

    seq: number of the reading, counted by the meter. at: seconds since 1970 (UTC) by its clock.
    register_wh: the counter in watt-hours. power_w: mean power since the reading before, as the
    meter says; None where it does not. status: bits, see above. line: in the file, from 1.
    """

    seq: int
    at: int
    register_wh: int
    power_w: int | None
    status: int
    line: int
    head: bytes
    """The chain's value after this reading."""
    leaf: bytes
    """The reading's leaf in the tree of its day."""

    @property
    def day(self) -> int:
        """Days since 1970-01-01 (UTC)."""
        return self.at // DAY_S


@dataclass(frozen=True, slots=True)
class ReadingsFile:
    """The readings of a file, by meter, in the order of the file."""

    file: str
    by_meter: Mapping[str, tuple[Reading, ...]]

    @property
    def count(self) -> int:
        return sum(map(len, self.by_meter.values()))


def first_head(meter: str) -> bytes:
    """The chain's value before a meter's first reading."""
    return hashlib.sha256(CHAIN_DOMAIN + meter.encode()).digest()


def read_readings(
    name: str, raw: bytes, *, heads: Mapping[str, bytes] | None = None
) -> ReadingsFile:
    """The readings in a file; `EvidenceRefused` when a line is not one, with its number.

    What a well-formed reading says may still be wrong: `audit_readings` looks at that.
    heads: where the chains stood before this file, for files that continue others.
    """
    problems = EvidenceProblems()
    text = _text(name, raw, problems)
    found = _read(name, text, problems, heads or {})
    problems.refuse_if_any(name)
    return ReadingsFile(name, {meter: tuple(rows) for meter, rows in found.items()})


def _read(
    name: str, text: str, problems: EvidenceProblems, heads: Mapping[str, bytes]
) -> dict[str, list[Reading]]:
    lines = text.split("\n")
    if lines[-1]:
        problems.add(Place(name, len(lines), "(row)"), "the last line is cut off: no line end")
    if lines[0] != READINGS_HEADER:
        problems.add(Place(name, 1, "(header)"), f"write exactly {READINGS_HEADER}")
        return {}
    rows: dict[str, list[Reading]] = {}
    at_head: dict[str, bytes] = {}
    days: dict[str, int | None] = {}
    match, sha256, leaf = _LINE.fullmatch, hashlib.sha256, leaf_hash
    for number, line in enumerate(lines[1:-1], start=2):
        found = match(line)
        if found is None:
            column, wanted = _what_is_wrong(line)
            problems.add(Place(name, number, column), wanted)
            if len(problems.found) >= MOST_PROBLEMS:
                break
            continue
        meter, seq, day_text, hour, minute, second, register, power, status = found.groups()
        if day_text not in days:
            days[day_text] = _day_start(day_text)
        start = days[day_text]
        hours, minutes, seconds = int(hour), int(minute), int(second)
        flags = int(status)
        if start is None or hours > 23 or minutes > 59 or seconds > 59:
            problems.add(Place(name, number, "at"), "is no time of the calendar")
            continue
        if flags > 255:
            problems.add(Place(name, number, "status"), f"{flags} is not between 0 and 255")
            continue
        own = rows.get(meter)
        if own is None:
            own = rows[meter] = []
            at_head[meter] = heads.get(meter) or first_head(meter)
        raw = line.encode()
        head = at_head[meter] = sha256(at_head[meter] + raw).digest()
        at = start + hours * 3600 + minutes * 60 + seconds
        watts = int(power) if power else None
        own.append(Reading(int(seq), at, int(register), watts, flags, number, head, leaf(raw)))
    return rows


def reading_line(meter: str, reading: "Reading | Values") -> str:
    """A reading as it stands in a file, without the line end."""
    power = "" if reading.power_w is None else str(reading.power_w)
    at = datetime.fromtimestamp(reading.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{meter},{reading.seq},{at},{reading.register_wh},{power},{reading.status}"


class Values(NamedTuple):
    """What a meter measured, before it is chained: for whoever writes a file of readings."""

    seq: int
    at: int
    register_wh: int
    power_w: int | None = None
    status: int = 0


def write_readings(rows: Iterable[tuple[str, Values]]) -> bytes:
    """A file of readings (meter, values) in the order given."""
    lines = (reading_line(meter, values) for meter, values in rows)
    return "".join(f"{line}\n" for line in (READINGS_HEADER, *lines)).encode()


def by_day(readings: Sequence[Reading]) -> Iterator[tuple[int, Sequence[Reading]]]:
    """Runs of readings of one day (days since 1970), in the order given."""
    start = 0
    for position in range(1, len(readings) + 1):
        if position == len(readings) or readings[position].day != readings[start].day:
            yield readings[start].day, readings[start:position]
            start = position


def root_of_day(readings: Sequence[Reading]) -> bytes:
    """The root over a day's readings, in order."""
    return root_of([reading.leaf for reading in readings])


def day_text(day: int) -> str:
    """A day since 1970 as people write it.

    >>> day_text(20_000)
    '2024-10-04'
    """
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def instant_text(at: int) -> str:
    """Seconds since 1970 as an instant.

    >>> instant_text(0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _day_start(text: str) -> int | None:
    try:
        return (date.fromisoformat(text).toordinal() - _EPOCH) * DAY_S
    except ValueError:
        return None


def _text(name: str, raw: bytes, problems: EvidenceProblems) -> str:
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        problems.add(Place(name, line, "(text)"), f"byte {raw[wrong.start]:#04x} is not ASCII")
    problems.refuse_if_any(name)
    raise RuntimeError("a file without a problem was to be refused")


_CELLS = {
    "meter": (r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "letters, digits, '.', '_' or '-'"),
    "seq": (r"0|[1-9][0-9]{0,11}", "a whole number without zeros before it"),
    "at": (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "a time such as 2026-01-31T00:30:00Z"),
    "register_wh": (r"0|[1-9][0-9]{0,15}", "the counter in whole watt-hours"),
    "power_w": (r"-?[1-9][0-9]{0,11}|0|", "whole watts, or nothing"),
    "status": (r"0|[1-9][0-9]{0,2}", "a number from 0 to 255"),
}


def _what_is_wrong(line: str) -> tuple[str, str]:
    """The column of a bad line and what should stand there."""
    cells = line.split(",")
    if len(cells) != len(_CELLS):
        return "(row)", f"has {len(cells)} cells where {len(_CELLS)} should be"
    for cell, (column, (pattern, wanted)) in zip(cells, _CELLS.items(), strict=True):
        if not re.fullmatch(pattern, cell, re.ASCII):
            return column, f"{cell[:40]!r} is not {wanted}"
    return "(row)", "is not a reading"
