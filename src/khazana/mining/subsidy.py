"""The subsidy meter and the load-shedding line: what mining's power cost others."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

SECONDS_PER_HOUR = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedHour:
    """Energy that a site used in an hour, and what power was worth.

    starts_at: seconds UTC. tariff: what mining paid; marginal_cost: fuel and other cost of the
    last unit made; full_cost: with capacity and network. All per MWh, in one currency; None where
    nobody published it. source: of the costs.
    """

    site: str
    starts_at: int
    mwh: Fraction
    tariff: Fraction
    marginal_cost: Fraction | None
    full_cost: Fraction | None
    source: str

    def __post_init__(self) -> None:
        if self.mwh < 0 or self.tariff < 0:
            raise ValueError(f"{self.site}: energy and tariff are not negative")
        if not self.source:
            raise ValueError(f"{self.site}: a cost needs a source")


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsidyReading:
    """Hours summed. Energies in MWh, money in the currency of the hours.

    judged_mwh: with a known marginal cost; unknown_mwh: without. subsidised_mwh, subsidy: where
    the tariff was below it, and by how much money. margin: paid above marginal cost, which helps
    to pay for capacity. recovered: tariff over full cost, energy-weighted; None where unknown.
    """

    judged_mwh: Fraction
    unknown_mwh: Fraction
    subsidised_hours: int
    subsidised_mwh: Fraction
    subsidy: Fraction
    margin: Fraction
    recovered: Fraction | None


def subsidy_reading(hours: Iterable[PricedHour]) -> SubsidyReading:
    """Rule MI17: a tariff below the marginal cost of its hour is a subsidy; hours do not net out.

    An hour sold above cost does not pay for one sold below it: both sums are shown.
    """
    judged = unknown = below = subsidy = margin = paid = due = Fraction(0)
    count = 0
    seen: set[tuple[str, int]] = set()
    for hour in hours:
        if (hour.site, hour.starts_at) in seen:
            raise ValueError(f"{hour.site}: the hour from {hour.starts_at} is there twice")
        seen.add((hour.site, hour.starts_at))
        if hour.full_cost is not None:
            paid += hour.tariff * hour.mwh
            due += hour.full_cost * hour.mwh
        if hour.marginal_cost is None:
            unknown += hour.mwh
            continue
        judged += hour.mwh
        gap = (hour.tariff - hour.marginal_cost) * hour.mwh
        if gap < 0:
            count += 1
            below += hour.mwh
            subsidy -= gap
        else:
            margin += gap
    return SubsidyReading(
        judged_mwh=judged,
        unknown_mwh=unknown,
        subsidised_hours=count,
        subsidised_mwh=below,
        subsidy=subsidy,
        margin=margin,
        recovered=paid / due if due else None,
    )


@dataclass(frozen=True, slots=True)
class Running:
    """A time in which a site drew power for mining, and which company's network it is on."""

    site: str
    company: str
    first: int
    until: int

    def __post_init__(self) -> None:
        _check(self.first, self.until)


@dataclass(frozen=True, slots=True)
class FeederOff:
    """A time in which a feeder was off because power was short. source: who says so."""

    feeder: str
    company: str
    first: int
    until: int
    source: str

    def __post_init__(self) -> None:
        _check(self.first, self.until)
        if not self.source:
            raise ValueError(f"feeder {self.feeder}: an outage needs a source")


@dataclass(frozen=True, slots=True)
class LoadShedding:
    """Seconds in which a site mined while feeders of its own company were off; the target is 0.

    sources: of the outages that count; empty with 0 seconds. known: whether anybody published
    outages of the company at all: without them 0 says nothing.
    """

    site: str
    company: str
    seconds: int
    feeders: tuple[str, ...]
    sources: tuple[str, ...]
    known: bool

    @property
    def hours(self) -> Fraction:
        return Fraction(self.seconds, SECONDS_PER_HOUR)


def load_shedding(
    running: Sequence[Running], off: Sequence[FeederOff], *, reporting: Iterable[str]
) -> tuple[LoadShedding, ...]:
    """Rule MI18: by site, the time in which it ran while at least one feeder was off.

    Several feeders off at once count once. reporting: companies that publish their outages.
    """
    publishes = set(reporting)
    if strangers := sorted({one.company for one in off} - publishes):
        raise ValueError(f"outages of {', '.join(strangers)}, which is not said to publish any")
    outages = defaultdict(list)
    for one in off:
        outages[one.company].append(one)
    places: dict[tuple[str, str], list[Running]] = defaultdict(list)
    for run in running:
        places[run.site, run.company].append(run)
    lines = []
    for (site, company), runs in sorted(places.items()):
        dark = _merged((one.first, one.until) for one in outages[company])
        ran = _merged((run.first, run.until) for run in runs)
        shared = [(max(a, c), min(b, d)) for a, b in ran for c, d in dark if max(a, c) < min(b, d)]
        counted = [
            one
            for one in outages[company]
            if any(max(a, one.first) < min(b, one.until) for a, b in ran)
        ]
        lines.append(
            LoadShedding(
                site=site,
                company=company,
                seconds=sum(end - start for start, end in shared),
                feeders=tuple(sorted({one.feeder for one in counted})),
                sources=tuple(sorted({one.source for one in counted})),
                known=company in publishes,
            )
        )
    return tuple(lines)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, until in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(until, merged[-1][1]))
        else:
            merged.append((first, until))
    return merged


def _check(first: int, until: int) -> None:
    if until <= first:
        raise ValueError(f"from {first} to {until} is no time")
