"""A site's month held against the utility's bill and against the check meter."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from khazana.ledger.findings import Finding
from khazana.ledger.tables import Row, read_table
from khazana.mining.evidence.energy import Energy, EnergyUnknown, energy_between
from khazana.mining.evidence.meters import Meter, MeterRole, Meters
from khazana.mining.evidence.problems import EvidenceProblems
from khazana.mining.evidence.readings import Reading, instant_text

BILL_COLUMNS = ("document", "meter", "from", "until", "energy_kwh", "file_sha256")
BILL_REQUIRED = ("document", "meter", "from", "until", "energy_kwh")
_KWH = re.compile(r"(0|[1-9][0-9]{0,12})(\.[0-9]{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What the utility charges for: energy through a meter in [first, until).

    step_wh: the bill's last digit; it is rounded to that. file_sha256: of the paper, if known.
    """

    document: str
    meter: str
    first: int
    until: int
    energy_wh: int
    step_wh: int
    file_sha256: str | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A meter's energy beside another word for it. allowed_wh: the difference that means nothing.

    against: the bill's id, or the check meter's.
    """

    meter: str
    against: str
    first: int
    until: int
    own: Energy
    low_wh: int
    high_wh: int
    allowed_wh: Decimal
    where: str

    @property
    def off_by_wh(self) -> int:
        """How far the two ranges lie apart; 0 where they touch."""
        return max(0, self.low_wh - self.own.high_wh, self.own.low_wh - self.high_wh)

    @property
    def agrees(self) -> bool:
        return self.off_by_wh <= self.allowed_wh


def read_bills(name: str, raw: bytes) -> tuple[Bill, ...]:
    """The bills in a CSV file; `EvidenceRefused` with every problem when one is malformed."""
    problems = EvidenceProblems()
    rows = read_table(name, raw, columns=BILL_COLUMNS, required=BILL_REQUIRED, problems=problems)
    bills = [_bill(row) for row in rows]
    seen: dict[str, int] = {}
    for row, bill in zip(rows, bills, strict=True):
        if bill.document in seen:
            row.wrong("document", f"{bill.document} stands in line {seen[bill.document]} already")
        seen.setdefault(bill.document, row.line)
    problems.refuse_if_any(name)
    return tuple(bills)


def _bill(row: Row) -> Bill:
    first, until = row.time("from"), row.time("until")
    if until <= first and row.cells["until"] and row.cells["from"]:
        row.wrong("until", "is not after the beginning")
    text = row.text("energy_kwh")
    wh, step = 0, 1
    if text and not _KWH.fullmatch(text):
        negative = text.startswith("-")
        what = "energy is not negative" if negative else "write kWh with up to three decimals"
        row.wrong("energy_kwh", f"{text[:40]!r}: {what}")
    elif text:
        amount = Decimal(text)
        wh = int(amount * 1000)
        step = 10 ** (3 + int(amount.as_tuple().exponent))
    return Bill(
        document=row.identifier("document"),
        meter=row.identifier("meter"),
        first=int(first.timestamp()) if first > datetime(1970, 1, 1, tzinfo=UTC) else 0,
        until=int(until.timestamp()) if until > datetime(1970, 1, 1, tzinfo=UTC) else 0,
        energy_wh=wh,
        step_wh=step,
        file_sha256=row.maybe_hash("file_sha256"),
        line=row.line,
    )


def reconcile_bills(
    bills: Sequence[Bill],
    readings: Mapping[str, Sequence[Reading]],
    meters: Meters,
    *,
    file: str,
) -> tuple[tuple[Compared, ...], tuple[Finding, ...]]:
    """Rule E13: a bill is the difference of the counter it bills, rounded to its last digit.

    Bills of one meter neither overlap nor leave time between them.
    """
    compared: list[Compared] = []
    findings: list[Finding] = []
    newest: dict[str, Bill] = {}
    for bill in sorted(bills, key=lambda b: (b.meter, b.first)):
        where = f"{file}, line {bill.line}, bill {bill.document}"
        if bill.meter not in meters.meters:
            findings.append(Finding("E13", f"bills meter {bill.meter}, not declared", where))
            continue
        before = newest.get(bill.meter)
        if before is not None and bill.first != before.until:
            what = "overlaps" if bill.first < before.until else "leaves time unbilled after"
            text = f"{what} bill {before.document}, which ends {instant_text(before.until)}"
            findings.append(Finding("E13", text, where))
        newest[bill.meter] = bill
        try:
            own = energy_between(
                bill.meter, readings.get(bill.meter, ()), first=bill.first, until=bill.until
            )
        except EnergyUnknown as wrong:
            findings.append(Finding("E13", str(wrong), where))
            continue
        one = Compared(
            meter=bill.meter,
            against=bill.document,
            first=bill.first,
            until=bill.until,
            own=own,
            low_wh=bill.energy_wh,
            high_wh=bill.energy_wh,
            allowed_wh=Decimal(bill.step_wh),
            where=where,
        )
        compared.append(one)
        findings += _disagreement("E13", one)
    return tuple(compared), tuple(findings)


def reconcile_check_meters(
    site: str,
    readings: Mapping[str, Sequence[Reading]],
    meters: Meters,
    *,
    first: int,
    until: int,
) -> tuple[tuple[Compared, ...], tuple[Finding, ...]]:
    """Rule E14: a main meter and the check meter beside it differ by at most both classes' errors.

    With several main meters at a site their sum is held to the sum of the check meters.
    """
    mains = meters.of_site(site, MeterRole.MAIN)
    checks = meters.of_site(site, MeterRole.CHECK)
    where = f"site {site}, {instant_text(first)} to {instant_text(until)}"
    if not mains or not checks:
        missing = "main" if not mains else "check"
        return (), (Finding("E14", f"no {missing} meter is declared", where),)
    try:
        own, own_error = _sum(mains, readings, first=first, until=until)
        other, other_error = _sum(checks, readings, first=first, until=until)
    except EnergyUnknown as wrong:
        return (), (Finding("E14", str(wrong), where),)
    one = Compared(
        meter=own.meter,
        against=other.meter,
        first=first,
        until=until,
        own=own,
        low_wh=other.low_wh,
        high_wh=other.high_wh,
        allowed_wh=own_error + other_error + len(mains) + len(checks),
        where=where,
    )
    return (one,), tuple(_disagreement("E14", one))


def _sum(
    chosen: Sequence[Meter], readings: Mapping[str, Sequence[Reading]], *, first: int, until: int
) -> tuple[Energy, Decimal]:
    """The energy through several meters and the most that they may err together, in Wh."""
    each = [
        (meter, energy_between(meter.id, readings.get(meter.id, ()), first=first, until=until))
        for meter in chosen
    ]
    total = Energy(
        meter="+".join(meter.id for meter in chosen),
        first=first,
        until=until,
        low_wh=sum(energy.low_wh for _, energy in each),
        high_wh=sum(energy.high_wh for _, energy in each),
    )
    error = sum(
        (energy.high_wh * meter.accuracy.percent / 100 for meter, energy in each), Decimal()
    )
    return total, error


def _disagreement(rule: str, one: Compared) -> Iterator[Finding]:
    if not one.agrees:
        low, high = one.own.low_wh, one.own.high_wh
        own = str(low) if low == high else f"{low} to {high}"
        text = (
            f"{one.against} says {one.low_wh} Wh, the counter of {one.meter} {own} Wh: "
            f"{one.off_by_wh} Wh apart, {one.allowed_wh.quantize(Decimal(1))} Wh are allowed"
        )
        yield Finding(rule, text, one.where)
