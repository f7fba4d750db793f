"""What is wrong with readings and their seals: everything named and located, nothing repaired.

Rules E1 to E12 of docs/spec/mining-evidence.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from khazana.ledger.findings import Finding
from khazana.mining.evidence.meters import Meter, Meters
from khazana.mining.evidence.readings import (
    DAY_S,
    STATUS_WORDS,
    Reading,
    ReadingsFile,
    by_day,
    day_text,
    first_head,
    instant_text,
    root_of_day,
)
from khazana.mining.evidence.seals import DaySeal

_NEARLY_NOTHING = 1000
"""A counter that falls below a thousandth of its value began anew; else it was turned back."""


@dataclass(frozen=True, kw_only=True)
class ReadingsAudit:
    """The findings, and what stands without one.

    sealed: readings in days whose seal holds. unsealed: readings no valid seal covers.
    """

    findings: tuple[Finding, ...]
    readings: int
    sealed: int
    seals: int
    used: frozenset[str] = frozenset()
    """Ids of the keys that made the seals."""

    @property
    def unsealed(self) -> int:
        return self.readings - self.sealed


def audit_readings(
    file: ReadingsFile, seals: Sequence[DaySeal], meters: Meters, *, seals_file: str = "seals"
) -> ReadingsAudit:
    """Every finding about a file of readings and the seals over it, in the order of meters.

    The chain is followed from each meter's first reading on, or from where the reader of the file
    said that it stood (see `read_readings`).
    """
    findings: list[Finding] = []
    sealed = 0
    by_meter: dict[str, list[DaySeal]] = {}
    for seal in seals:
        by_meter.setdefault(seal.meter, []).append(seal)
    for name, rows in file.by_meter.items():
        meter = meters.meters.get(name)
        if meter is None:
            text = f"{len(rows)} readings of meter {name}, which nobody declares"
            findings.append(Finding("E1", text, _at(file, rows[0])))
            continue
        findings += reading_findings(file, meter, rows)
        held, wrong = _sealed(file, meter, rows, by_meter.pop(name, []), meters, seals_file)
        findings += wrong
        sealed += held
    for name, left in by_meter.items():
        text = f"{len(left)} seals of meter {name}, of which there is no declared reading"
        findings.append(Finding("E11", text, f"{seals_file}, line {left[0].line}"))
    return ReadingsAudit(
        findings=tuple(findings),
        readings=file.count,
        sealed=sealed,
        seals=len(seals),
        used=frozenset(seal.key for seal in seals),
    )


def reading_findings(
    file: ReadingsFile, meter: Meter, rows: Sequence[Reading]
) -> Iterator[Finding]:
    """What a meter's readings say against themselves (rules E2 to E8)."""
    interval, most = meter.interval_s, meter.most_w
    seen: dict[int, int] = {}
    before: Reading | None = None
    for row in rows:
        if row.seq in seen or (before is not None and row.at == before.at):
            earlier = seen.get(row.seq, before.line if before is not None else 0)
            same = before is not None and row[:5] == before[:5]
            text = f"reading {row.seq} of {instant_text(row.at)} stands in line {earlier} already"
            text += "" if same else ", with other values"
            yield _finding("E2", text, file, meter, row)
            seen.setdefault(row.seq, row.line)
            continue
        seen[row.seq] = row.line
        if row.power_w is not None and (row.power_w < 0 or row.power_w > most):
            yield from _power(row.power_w, file, meter, row)
        if row.status:
            yield from _status(file, meter, row)
        if row.at % interval:
            off = row.at % interval
            text = f"its time is {off} s off the grid of {interval} s: the clock was changed"
            yield _finding("E5", text, file, meter, row)
        if before is not None:
            took, step = row.at - before.at, row.register_wh - before.register_wh
            if row.seq != before.seq + 1 or took > interval:
                yield from _gap(file, meter, before, row)
            if took < 0:
                text = f"the clock went back {-took} s, from {instant_text(before.at)}"
                yield _finding("E5", text, file, meter, row)
            if step < 0:
                yield from _fall(file, meter, before, row)
            # step/took > most, in whole numbers; a watt-hour is 3,600 watt-seconds.
            elif took > 0 and step * 3600 > most * took + 3600:
                power = step * 3600 // took
                text = f"the counter rose by {step} Wh in {took} s, {power} W; at most {most} W"
                yield _finding("E7", text + " can flow here", file, meter, row)
        before = row


def _power(watts: int, file: ReadingsFile, meter: Meter, row: Reading) -> Iterator[Finding]:
    if watts < 0:
        text = f"negative power {watts} W at a meter of consumption"
        yield _finding("E6", text, file, meter, row)
    else:
        text = f"power {watts} W; at most {meter.most_w} W can flow here"
        yield _finding("E7", text, file, meter, row)


def _status(file: ReadingsFile, meter: Meter, row: Reading) -> Iterator[Finding]:
    said = [words for bit, words in STATUS_WORDS.items() if row.status & bit]
    if said:
        yield _finding("E8", f"the meter itself reports {', '.join(said)}", file, meter, row)


def _gap(file: ReadingsFile, meter: Meter, before: Reading, row: Reading) -> Iterator[Finding]:
    missing = row.seq - before.seq - 1
    took = row.at - before.at
    if missing < 0:
        text = f"reading {row.seq} stands behind reading {before.seq}"
        yield _finding("E3", text, file, meter, row)
    elif missing or took > meter.interval_s:
        slots = max(0, -(-took // meter.interval_s) - 1)
        text = (
            f"a gap of {took} s after {instant_text(before.at)}: {slots} readings are due, "
            f"{missing} numbers are skipped"
        )
        yield _finding("E3", text, file, meter, row)


def _fall(file: ReadingsFile, meter: Meter, before: Reading, row: Reading) -> Iterator[Finding]:
    reset = row.register_wh * _NEARLY_NOTHING < before.register_wh
    what = "was reset" if reset else "stepped back"
    text = f"the counter {what}: from {before.register_wh} to {row.register_wh} Wh"
    yield _finding("E4", text, file, meter, row)


def _sealed(
    file: ReadingsFile,
    meter: Meter,
    rows: Sequence[Reading],
    seals: Sequence[DaySeal],
    meters: Meters,
    seals_file: str,
) -> tuple[int, list[Finding]]:
    """How many readings stand in days with a valid seal, and what is wrong (E9 to E12)."""
    findings: list[Finding] = []
    by_number: dict[int, DaySeal] = {}
    for seal in seals:
        if seal.day in by_number:
            text = f"the day {day_text(seal.day)} of {meter.id} is sealed twice"
            findings.append(Finding("E11", text, f"{seals_file}, line {seal.line}"))
        by_number.setdefault(seal.day, seal)
    held = 0
    done: set[int] = set()
    for day, run in by_day(rows):
        where = f"{_at(file, run[0])}, meter {meter.id}"
        sealing = by_number.get(day)
        if day in done:
            text = f"readings of {day_text(day)} stand behind those of a later day"
            findings.append(Finding("E11", text, where))
        elif sealing is None:
            text = f"no seal over the {len(run)} readings of {day_text(day)}"
            findings.append(Finding("E12", text, where))
        else:
            wrong = list(_seal_findings(sealing, run, meter, meters, seals_file))
            findings += wrong
            held += 0 if wrong else len(run)
        done.add(day)
    for day, seal in by_number.items():
        if day not in done:
            text = f"a seal over {seal.count} readings of {day_text(day)}, which are not here"
            findings.append(Finding("E11", text, f"{seals_file}, line {seal.line}"))
    return held, findings


def _seal_findings(
    seal: DaySeal, run: Sequence[Reading], meter: Meter, meters: Meters, seals_file: str
) -> Iterator[Finding]:
    where = f"{seals_file}, line {seal.line}, meter {meter.id}"
    day = day_text(seal.day)
    key = meters.keys.get(seal.key)
    if key is None or seal.key not in meter.keys:
        yield Finding("E9", f"{day} is sealed by key {seal.key}, not a key of this meter", where)
        return
    # A day is sealed when it is over: the key must have served through the whole of it.
    begin = datetime.fromtimestamp(seal.day * DAY_S, UTC)
    end = datetime.fromtimestamp((seal.day + 1) * DAY_S - 1, UTC)
    if not (key.in_force(begin) and key.in_force(end)):
        retired = key.until is not None and key.until <= end
        what = "was retired" if retired else "was not yet in force"
        yield Finding("E9", f"{day} is sealed by a key of {key.holder} that {what}", where)
    if not seal.fits(key.public):
        yield Finding("E10", f"the signature over {day} was not made by the key it names", where)
        return
    for what, said, found in (
        ("first reading", seal.first_seq, run[0].seq),
        ("number of readings", seal.count, len(run)),
        ("root", seal.root.hex(), root_of_day(run).hex()),
        ("chain", seal.head.hex(), run[-1].head.hex()),
    ):
        if said != found:
            text = f"{day}: the {what} is sealed as {said}; the readings give {found}"
            yield Finding("E11", text, where)
            return


def chain_before(meters: Mapping[str, Sequence[DaySeal]]) -> dict[str, bytes]:
    """Where each meter's chain stood after its newest seal, to read a file that goes on from it."""
    return {
        meter: max(seals, key=lambda seal: seal.day).head if seals else first_head(meter)
        for meter, seals in meters.items()
    }


def _finding(rule: str, text: str, file: ReadingsFile, meter: Meter, row: Reading) -> Finding:
    return Finding(rule, text, f"{_at(file, row)}, meter {meter.id}")


def _at(file: ReadingsFile, row: Reading) -> str:
    return f"{file.file}, line {row.line}"
