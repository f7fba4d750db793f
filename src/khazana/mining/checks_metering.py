"""What the folders behind mining sites show of their energy: counters, bills, check meters, cost.

Each function asks one question and takes what the others ask as given, so that one lie is found in
one place. They yield findings for months that rest on the files given, and for nothing else.
"""

from collections.abc import Iterator, Sequence

from khazana.errors import KhazanaError
from khazana.ledger.findings import Finding
from khazana.mining.evidence.energy import EnergyUnknown
from khazana.mining.evidence.metering import BILLS, OUTAGES, TARIFFS, Metering
from khazana.mining.evidence.meters import MeterRole
from khazana.mining.evidence.power_body import outages_body, power_body
from khazana.mining.evidence.reconcile import reconcile_bills, reconcile_check_meters
from khazana.mining.figures import seconds_of
from khazana.mining.month_body import MonthBody
from khazana.mining.parts import KIND, MiningBody

Shown = tuple[MiningBody, MonthBody, Metering]
"""A month, and the folder it rests on."""


def shown_months(bodies: Sequence[MiningBody], metering: Sequence[Metering]) -> tuple[Shown, ...]:
    """The months whose meters, readings and seals are among the folders given, by SHA-256."""
    return tuple(
        (body, month, given)
        for body in bodies
        for month in body.months
        for given in metering
        if month.evidence is not None and _named(month) == dict(given.digests)
    )


def energy_findings(
    bodies: Sequence[MiningBody], metering: Sequence[Metering]
) -> Iterator[Finding]:
    """Rules E1 to E12 and E33: the energy is what sealed counters show, in the files named."""
    for given in metering:
        yield from given.audit.findings
        behind = shown_months(bodies, [given])
        for body, month, _ in behind:
            yield from _energy(body, month, given)
        if not behind:
            text = "no month of the statement rests on these files, by their SHA-256"
            yield Finding("E33", text, given.readings.file)
            continue
        stated = {body.site for body, _, _ in behind}
        for site in sorted({m.site for m in given.meters.meters.values()} - stated):
            text = f"meters of {site} are declared, and no month of it rests on these files"
            yield Finding("E33", text, given.readings.file)


def unstated_wh(bodies: Sequence[MiningBody], given: Metering) -> int:
    """What the main meters of the sites counted before the first and after the last month that
    rests on these files."""
    total = 0
    for body in bodies:
        months = [m for b, m, _ in shown_months([body], [given])]
        if not months:
            continue
        first, until = _first(months[0]), _until(months[-1])
        for meter in given.of_site(body.site, MeterRole.MAIN):
            rows = given.readings.by_meter.get(meter, ())
            before = [row.register_wh for row in rows if row.at <= first]
            after = [row.register_wh for row in rows if row.at >= until]
            total += max(0, before[-1] - before[0]) if before else 0
            total += max(0, after[-1] - after[0]) if after else 0
    return total


def _energy(body: MiningBody, month: MonthBody, given: Metering) -> Iterator[Finding]:
    where = place(body, month)
    declared = set(given.of_site(body.site, MeterRole.MAIN))
    if set(month.meters) != declared or len(set(month.meters)) != len(month.meters):
        text = f"meters {', '.join(month.meters)}: declared are {', '.join(sorted(declared))}"
        yield Finding("E33", text, where)
        return
    try:
        low, high = given.energy(month.meters, first=_first(month), until=_until(month))
    except EnergyUnknown as wrong:
        yield Finding("E33", str(wrong), where)
        return
    for field, shown in (("low_wh", low), ("high_wh", high)):
        if (said := getattr(month, field)) != shown:
            yield Finding("E33", f"{field} is {said}; the counters give {shown}", where)


def bill_findings(bodies: Sequence[MiningBody], metering: Sequence[Metering]) -> Iterator[Finding]:
    """Rules E13 and E35: bills are the counters' energy, and the month states them."""
    for given in metering:
        if given.bills is not None:
            _, wrong = reconcile_bills(
                given.bills, given.readings.by_meter, given.meters, file=given.files[BILLS][0]
            )
            yield from wrong
            yield from _billed_checks(given)
    for body, month, given in shown_months(bodies, metering):
        if month.billed_wh is None or given.bills is None:
            continue
        where = place(body, month)
        if month.bills is not None and month.bills != given.digest(BILLS):
            yield Finding("E35", f"its bills are another file than {given.files[BILLS][0]}", where)
            continue
        yield from _billed(month, given, where)


def _billed_checks(given: Metering) -> Iterator[Finding]:
    """A meter that is billed carries energy of its own: it is no check of another."""
    for bill in given.bills or ():
        meter = given.meters.meters.get(bill.meter)
        if meter is not None and meter.role is MeterRole.CHECK:
            text = f"meter {meter.id} is declared as a check meter, and its energy is billed"
            where = f"{given.files[BILLS][0]}, line {bill.line}, bill {bill.document}"
            yield Finding("E35", text, where)


def _billed(month: MonthBody, given: Metering, where: str) -> Iterator[Finding]:
    first, until = _first(month), _until(month)
    total = 0
    for meter in month.meters:
        bills = sorted(
            (b for b in given.bills or () if b.meter == meter and first <= b.first < until),
            key=lambda b: b.first,
        )
        ends = [first, *(b.until for b in bills)]
        if not bills or [b.first for b in bills] != ends[:-1] or ends[-1] != until:
            yield Finding("E35", f"no bills of meter {meter} cover exactly this month", where)
            return
        total += sum(b.energy_wh for b in bills)
    if month.billed_wh != total:
        yield Finding("E35", f"billed_wh is {month.billed_wh}; the bills come to {total}", where)


def check_meter_findings(
    bodies: Sequence[MiningBody], metering: Sequence[Metering]
) -> Iterator[Finding]:
    """Rules E14 and E35: main and check meters agree, and the month states the check meters."""
    for body, month, given in shown_months(bodies, metering):
        checks = given.of_site(body.site, MeterRole.CHECK)
        if not checks and month.check is None:
            continue
        where = place(body, month)
        if not checks:
            yield Finding("E35", "it states a check meter, and none is declared", where)
            continue
        first, until = _first(month), _until(month)
        _, wrong = reconcile_check_meters(
            body.site, given.readings.by_meter, given.meters, first=first, until=until
        )
        yield from wrong
        if month.check is None:
            yield Finding("E35", f"it does not state its check meter {', '.join(checks)}", where)
            continue
        try:
            low, high = given.energy(checks, first=first, until=until)
        except EnergyUnknown:
            continue  # said above, by E14
        if (month.check.low_wh, month.check.high_wh) != (low, high):
            text = (
                f"its check meter is stated as {month.check.low_wh} to {month.check.high_wh} Wh; "
                f"the counters give {low} to {high}"
            )
            yield Finding("E35", text, where)


def power_findings(bodies: Sequence[MiningBody], metering: Sequence[Metering]) -> Iterator[Finding]:
    """Rules E38 and E39: cost, subsidy and load-shedding follow from tables and counters."""
    for body, month, given in shown_months(bodies, metering):
        where = place(body, month)
        for name, rule, stated, due in (
            (TARIFFS, "E38", month.power, power_body),
            (OUTAGES, "E39", month.outages, outages_body),
        ):
            if name not in given.files:
                continue
            if stated is None:
                if rule == "E38" or body.company is None or _has_outages(body, month, given):
                    yield Finding(rule, f"{given.files[name][0]} is there, and not stated", where)
                continue
            if stated.file is None:
                yield Finding(rule, f"it does not rest on {given.files[name][0]}", where)
                continue
            if stated.file != given.digest(name):
                text = f"it rests on another file than {given.files[name][0]}"
                yield Finding(rule, text, where)
                continue
            try:
                follows = due(body, month, given, source=stated.source)
            except KhazanaError as wrong:
                yield Finding(rule, str(wrong), where)
                continue
            for field in stated.__struct_fields__:
                said, shown = getattr(stated, field), getattr(follows, field)
                if said != shown:
                    text = f"{field} is stated as {said}; table and counters give {shown}"
                    yield Finding(rule, text, where)


def _has_outages(body: MiningBody, month: MonthBody, given: Metering) -> bool:
    return any(one.off.company == body.company for one in given.outages or ())


def place(body: MiningBody, month: MonthBody) -> str:
    return f"part {KIND}/{body.site}, month {month.month}"


def _first(month: MonthBody) -> int:
    return seconds_of(month.first)


def _until(month: MonthBody) -> int:
    return seconds_of(month.until)


def _named(month: MonthBody) -> dict[str, str]:
    evidence = month.evidence
    if evidence is None:
        return {}
    return {"meters": evidence.meters, "readings": evidence.readings, "seals": evidence.seals}
