"""What power cost and when feeders were off: tables, and what follows with a site's counters.

Rules E38 and E39 of docs/spec/mining-evidence.md; MI17 and MI18 of docs/methods/mining.md.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import pairwise

from khazana.errors import KhazanaError
from khazana.ledger.tables import Row, read_table
from khazana.mining.evidence.problems import EvidenceProblems
from khazana.mining.evidence.readings import Reading, instant_text
from khazana.mining.subsidy import (
    FeederOff,
    LoadShedding,
    PricedHour,
    Running,
    SubsidyReading,
    load_shedding,
    subsidy_reading,
)

TARIFF_COLUMNS = (
    *("site", "from", "until", "currency", "tariff", "marginal_cost", "full_cost", "source"),
)
_TARIFF_REQUIRED = ("site", "from", "until", "currency", "tariff", "source")
OUTAGE_COLUMNS = ("feeder", "company", "from", "until", "source")
IDLE = 100
"""A meter runs when it draws more than a hundredth of the most it drew in the month. Not of the
most that may flow: a declaration too large would make every hour idle."""
_MONEY = re.compile(r"(0|[1-9][0-9]{0,9})(\.[0-9]{1,6})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What a site's power costs per MWh in [first, until), and what it costs those who make it.

    marginal_cost, full_cost: None where nobody published them.
    """

    site: str
    first: int
    until: int
    currency: str
    tariff: Fraction
    marginal_cost: Fraction | None
    full_cost: Fraction | None
    source: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A feeder that was off for want of power."""

    off: FeederOff
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerSums:
    """A month's power. seconds: in which the tariff was below the marginal cost."""

    currency: str
    paid: Fraction
    due: Fraction | None
    reading: SubsidyReading
    seconds: int


@dataclass(eq=False, kw_only=True)
class TariffsDoNotFit(KhazanaError):
    """Rows of tariffs do not cover a site's month, or not on the grid of its meters."""

    site: str
    problem: str
    code = "tariffs_do_not_fit"
    words = "The tariffs of {site} do not give its month: {problem}."


def read_tariffs(name: str, raw: bytes) -> tuple[Tariff, ...]:
    """The rows of a CSV file; `EvidenceRefused` with every problem when one is malformed."""
    problems = EvidenceProblems()
    rows = read_table(
        name, raw, columns=TARIFF_COLUMNS, required=_TARIFF_REQUIRED, problems=problems
    )
    tariffs = [_tariff(row) for row in rows]
    latest: dict[str, Tariff] = {}
    for row, one in sorted(zip(rows, tariffs, strict=True), key=lambda p: (p[1].site, p[1].first)):
        before = latest.get(one.site)
        if before is not None and one.first < before.until:
            row.wrong("from", f"overlaps line {before.line}, which lasts longer")
        latest[one.site] = one
    problems.refuse_if_any(name)
    return tuple(tariffs)


def _tariff(row: Row) -> Tariff:
    first, until = _span(row)
    currency = row.text("currency")
    row.text("tariff")  # an empty one is not nothing
    if currency and not _CURRENCY.fullmatch(currency):
        row.wrong("currency", f"{currency[:20]!r} is not a currency such as PKR")
    return Tariff(
        site=row.identifier("site"),
        first=first,
        until=until,
        currency=currency,
        tariff=_money(row, "tariff") or Fraction(),
        marginal_cost=_money(row, "marginal_cost"),
        full_cost=_money(row, "full_cost"),
        source=row.text("source"),
        line=row.line,
    )


def read_outages(name: str, raw: bytes) -> tuple[Outage, ...]:
    """The rows of a CSV file; `EvidenceRefused` with every problem when one is malformed."""
    problems = EvidenceProblems()
    rows = read_table(name, raw, columns=OUTAGE_COLUMNS, required=OUTAGE_COLUMNS, problems=problems)
    read = [(row, row.identifier("feeder"), row.text("company"), *_span(row)) for row in rows]
    sources = [row.text("source") for row in rows]
    problems.refuse_if_any(name)
    return tuple(
        Outage(off=FeederOff(feeder, company, first, until, source), line=row.line)
        for (row, feeder, company, first, until), source in zip(read, sources, strict=True)
    )


def _span(row: Row) -> tuple[int, int]:
    first, until = row.time("from"), row.time("until")
    if row.cells["from"] and row.cells["until"] and until <= first:
        row.wrong("until", "is not after the beginning")
    return _seconds(first), _seconds(until)


def _seconds(at: datetime) -> int:
    return max(0, int(at.timestamp())) if at.year >= 1970 else 0


def _money(row: Row, column: str) -> Fraction | None:
    text = row.cells[column]
    if not text:
        return None
    if not _MONEY.fullmatch(text):
        negative = text.startswith("-")
        what = "a price is not negative" if negative else "write a price per MWh such as 79.92"
        row.wrong(column, f"{text[:40]!r}: {what}")
        return None
    return Fraction(text)


def power_sums(
    site: str,
    tariffs: Sequence[Tariff],
    readings: Sequence[Sequence[Reading]],
    *,
    first: int,
    until: int,
) -> PowerSums:
    """Rule E38: each row's energy by the counters, at its tariff and costs.

    readings: of each main meter of the site. Rows must cover [first, until) without a gap, in one
    currency, and begin and end where a reading stands: `TariffsDoNotFit` else.
    """
    rows = sorted(
        (t for t in tariffs if t.site == site and first < t.until and t.first < until),
        key=lambda t: t.first,
    )
    at = first
    for row in rows:
        if row.first != at:
            problem = f"line {row.line} begins {instant_text(row.first)}, not {instant_text(at)}"
            raise TariffsDoNotFit(site=site, problem=problem)
        at = row.until
    if at != until:
        problem = f"they end {instant_text(at)}, before {instant_text(until)}"
        raise TariffsDoNotFit(site=site, problem=problem)
    currencies = {row.currency for row in rows}
    if len(currencies) != 1:
        raise TariffsDoNotFit(site=site, problem=f"two currencies: {', '.join(currencies)}")
    counters = [{reading.at: reading.register_wh for reading in meter} for meter in readings]
    hours = [
        PricedHour(
            site=site,
            starts_at=row.first,
            mwh=Fraction(_energy_wh(site, row, counters), 10**6),
            tariff=row.tariff,
            marginal_cost=row.marginal_cost,
            full_cost=row.full_cost,
            source=row.source,
        )
        for row in rows
    ]
    below = [r for r in rows if r.marginal_cost is not None and r.tariff < r.marginal_cost]
    known = all(hour.full_cost is not None for hour in hours)
    return PowerSums(
        currency=rows[0].currency,
        paid=sum((h.tariff * h.mwh for h in hours), Fraction()),
        due=sum(((h.full_cost or 0) * h.mwh for h in hours), Fraction()) if known else None,
        reading=subsidy_reading(hours),
        seconds=sum(row.until - row.first for row in below),
    )


def _energy_wh(site: str, row: Tariff, counters: Sequence[Mapping[int, int]]) -> int:
    total = 0
    for counter in counters:
        for at in (row.first, row.until):
            if at not in counter:
                problem = f"line {row.line}: no reading stands at {instant_text(at)}"
                raise TariffsDoNotFit(site=site, problem=problem)
        step = counter[row.until] - counter[row.first]
        if step < 0:
            problem = f"line {row.line}: the counter fell before {instant_text(row.until)}"
            raise TariffsDoNotFit(site=site, problem=problem)
        total += step
    return total


def shed(
    site: str,
    company: str,
    outages: Sequence[Outage],
    meters: Sequence[Sequence[Reading]],
    *,
    first: int,
    until: int,
) -> LoadShedding:
    """Rule E39: the time of [first, until) in which the site ran while a feeder was off.

    meters: the readings of each main meter.
    """
    spans = [span for rows in meters for span in _ran(rows, first, until)]
    running = [Running(site, company, begin, end) for begin, end in spans]
    off = [
        one.off
        for one in outages
        if one.off.company == company and one.off.first < until and first < one.off.until
    ]
    if not running:
        return LoadShedding(site, company, 0, (), (), known=True)
    (line,) = load_shedding(running, off, reporting=[company])
    return line


def _ran(rows: Sequence[Reading], first: int, until: int) -> Iterator[tuple[int, int]]:
    """Times between readings in which more flowed than an idle meter shows, joined where they
    touch. Between two readings nobody knows when: the whole of it counts."""
    steps = [
        (before.at, row.at, row.register_wh - before.register_wh)
        for before, row in pairwise(rows)
        if before.at < row.at and before.at < until and row.at > first
    ]
    most = max((Fraction(wh, end - begin) for begin, end, wh in steps), default=Fraction())
    begin = end = None
    for start, stop, wh in steps:
        if wh <= 0 or wh * IDLE <= most * (stop - start):
            continue
        low, high = max(first, start), min(until, stop)
        if end == low:
            end = high
            continue
        if begin is not None and end is not None:
            yield begin, end
        begin, end = low, high
    if begin is not None and end is not None:
        yield begin, end
