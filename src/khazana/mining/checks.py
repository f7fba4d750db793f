"""What `khazana verify` asks about mining: what follows is computed again, the rest is named."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from khazana.errors import KhazanaError
from khazana.ledger.findings import Finding
from khazana.mining.arrivals import MinedPosting, arrival_findings
from khazana.mining.difficulty import DifficultySeries
from khazana.mining.evidence.audit import audit_readings
from khazana.mining.evidence.energy import EnergyUnknown, energy_between
from khazana.mining.evidence.meters import MeterRole, Meters, read_meters
from khazana.mining.evidence.readings import ReadingsFile, read_readings
from khazana.mining.evidence.seals import DaySeal, read_seals
from khazana.mining.figures import FOLLOWING, month_figures, seconds_of
from khazana.mining.parts import KIND, SIMULATED_NOTICE, MiningBody, MonthBody

SeriesFor = Callable[[MiningBody], DifficultySeries]
"""The difficulty that a body's figures must follow from: the chain's own, or the shipped one."""


@dataclass(frozen=True, kw_only=True)
class Metering:
    """The files behind the energy, as the office gave them to a reader."""

    meters: Meters
    readings: ReadingsFile
    seals: tuple[DaySeal, ...]
    seals_file: str
    digests: Mapping[str, str]
    """SHA-256 of each file: what a part's `evidence` must name."""


def read_metering(
    *, meters: tuple[str, bytes], readings: tuple[str, bytes], seals: tuple[str, bytes]
) -> Metering:
    """The three files (name, content) of a site or a programme; each refused whole if malformed."""
    return Metering(
        meters=read_meters(*meters),
        readings=read_readings(*readings),
        seals=read_seals(*seals),
        seals_file=seals[0],
        digests={
            name: hashlib.sha256(raw).hexdigest()
            for name, (_, raw) in (("meters", meters), ("readings", readings), ("seals", seals))
        },
    )


def mining_findings(
    bodies: Sequence[MiningBody],
    *,
    postings: Iterable[MinedPosting],
    accounts: Iterable[str],
    test: bool,
    series_for: SeriesFor,
    metering: Sequence[Metering] = (),
) -> Iterator[Finding]:
    """Everything in mining parts that does not follow from chain, books and disclosed meters.

    postings: lines of the statement's books with the reason `mined`. accounts: that it declares.
    test: whether the statement is of a test network, the only place for a simulated difficulty.
    """
    known = frozenset(accounts)
    for body in bodies:
        where = f"part {KIND}/{body.site}"
        for account in body.accounts:
            if account not in known:
                yield Finding("E32", f"the statement has no account {account}", where)
        if body.simulated and not test:
            text = "a simulated difficulty in a statement that is not of a test network"
            yield Finding("E34", text, where)
            continue
        yield from _figures(body, series_for)
    yield from arrival_findings(
        [claim for body in bodies for claim in body.claims],
        postings,
        accounts={body.site: frozenset(body.accounts) for body in bodies},
    )
    for given in metering:
        yield from _metered(bodies, given)


def _figures(body: MiningBody, series_for: SeriesFor) -> Iterator[Finding]:
    """Rule E31: expectation, limits, sum of arrivals, detection limit and verdict follow."""
    try:
        series = series_for(body)
        if body.difficulty.source != series.source:
            text = f"its difficulty is said to be {body.difficulty.source}, not {series.source}"
            yield Finding("E34", text, f"part {KIND}/{body.site}")
        for month in body.months:
            due = month_figures(body, month, series)
            for field in FOLLOWING:
                said, follows = getattr(month, field), getattr(due, field)
                if said != follows:
                    text = f"{field} is stated as {said}; the rest gives {follows}"
                    yield Finding("E31", text, _where(body, month))
    except (KhazanaError, ValueError) as wrong:
        yield Finding("E34", f"its difficulty cannot be had: {wrong}", f"part {KIND}/{body.site}")


def _metered(bodies: Sequence[MiningBody], given: Metering) -> Iterator[Finding]:
    """Rule E33: the energy is what sealed counters show, in the files that the part names."""
    yield from audit_readings(
        given.readings, given.seals, given.meters, seals_file=given.seals_file
    ).findings
    behind = [
        (body, month)
        for body in bodies
        for month in body.months
        if _named(month) == dict(given.digests)
    ]
    for body, month in behind:
        yield from _energy(body, month, given)
    if not behind:
        text = "no month of the statement rests on these files, by their SHA-256"
        yield Finding("E33", text, given.readings.file)


def _energy(body: MiningBody, month: MonthBody, given: Metering) -> Iterator[Finding]:
    where = _where(body, month)
    declared = {m.id for m in given.meters.of_site(body.site, MeterRole.MAIN)}
    if set(month.meters) != declared or len(set(month.meters)) != len(month.meters):
        text = f"meters {', '.join(month.meters)}: declared are {', '.join(sorted(declared))}"
        yield Finding("E33", text, where)
        return
    first, until = seconds_of(month.first), seconds_of(month.until)
    try:
        each = [
            energy_between(m, given.readings.by_meter.get(m, ()), first=first, until=until)
            for m in month.meters
        ]
    except EnergyUnknown as wrong:
        yield Finding("E33", str(wrong), where)
        return
    for field in ("low_wh", "high_wh"):
        said, shown = getattr(month, field), sum(getattr(energy, field) for energy in each)
        if said != shown:
            yield Finding("E33", f"{field} is {said}; the counters give {shown}", where)


def mining_limits(
    bodies: Sequence[MiningBody], *, metering: Sequence[Metering] = ()
) -> tuple[str, ...]:
    """Whose word each figure is that no chain shows; printed whatever became of the check."""
    said = []
    simulated = [body.site for body in bodies if body.simulated]
    if simulated:
        said.append(f"{SIMULATED_NOTICE} ({', '.join(simulated)}).")
    given = [dict(each.digests) for each in metering]
    months = [month for body in bodies for month in body.months]
    shown = sum(1 for m in months if m.evidence is not None and _named(m) in given)
    if shown < len(months):
        said.append(
            f"The energy of {len(months) - shown} of {len(months)} months is the office's word: "
            "their readings and seals were not given (--metering FOLDER)."
        )
    if shown:
        said.append(
            f"The energy of {shown} months is the utility's word: its gateway signed the "
            "counters; nothing shows here that a meter counts all that flows."
        )
    said.append(
        "J/TH, PUE, fees and the error budget are the word of the sources named; a shortfall "
        "smaller than a month's detection limit cannot be seen."
    )
    return tuple(said)


def mining_summary(bodies: Sequence[MiningBody]) -> str:
    """What the parts say in a line, the worst detection limit beside every good word."""
    months = [month for body in bodies for month in body.months]
    counts = {
        word: sum(1 for month in months if month.verdict == word)
        for word in ("within", "below", "above")
    }
    worst = max((month.detection_percent for month in months), key=float, default="0")
    arrived = sum(month.arrived_sat for month in months)
    expected = sum(month.expected_sat for month in months)
    apart = [m.month for m in months if not _billed(m)]
    bills = f"; the bill differs from the counters in {', '.join(apart)}" if apart else ""
    mark = "SIMULATED; " if any(body.simulated for body in bodies) else ""
    return (
        f"{mark}{len(months)} months of {len(bodies)} sites computed again: {expected} sat "
        f"expected, {arrived} sat arrived; {counts['within']} within, {counts['below']} below, "
        f"{counts['above']} above the detection limit of at most {worst} %{bills}"
    )


def _billed(month: MonthBody) -> bool:
    """Whether the bill, if one is stated, is the counters' energy to a kilowatt-hour."""
    billed = month.billed_wh
    return billed is None or month.low_wh - 1000 <= billed <= month.high_wh + 1000


def _named(month: MonthBody) -> dict[str, str]:
    evidence = month.evidence
    if evidence is None:
        return {}
    return {
        "meters": evidence.meters,
        "readings": evidence.readings,
        "seals": evidence.seals,
    }


def _where(body: MiningBody, month: MonthBody) -> str:
    return f"part {KIND}/{body.site}, month {month.month}"
