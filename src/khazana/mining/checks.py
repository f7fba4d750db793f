"""What `khazana verify` asks about mining: what follows is computed again, the rest is named."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction

from khazana.bitcoin.coinbases import CoinbasesNotGiven
from khazana.errors import KhazanaError
from khazana.ledger.findings import Finding
from khazana.mining.arrivals import MinedPosting, arrival_findings
from khazana.mining.block_rewards import MonthRewards
from khazana.mining.difficulty import DifficultySeries
from khazana.mining.figures import FOLLOWING, month_figures, seconds_of
from khazana.mining.machines import NAMEPLATE_TOLERANCE, shipped_machines, worst_at
from khazana.mining.month_body import MonthBody
from khazana.mining.parts import KIND, SIMULATED_NOTICE, MiningBody, YearBody, exact
from khazana.mining.years import year_sentence, years_agree, years_of

SeriesFor = Callable[[MiningBody], DifficultySeries]
"""The difficulty that a body's figures must follow from: the chain's own, or the shipped one."""
RewardsOf = Callable[[MonthBody], MonthRewards]
"""What the real blocks of a month paid, as the reader's chain shows them."""
MOST_PUE = Fraction(6, 5)
"""Air-cooled sites have 1.03 to 1.08 (facts); above 1.2 somebody should be asked."""
_LATEST_S = 253_370_764_800
_QUESTION = "more arrived than machines of the time make of the energy, which is to be asked about"


def mining_findings(
    bodies: Sequence[MiningBody],
    *,
    postings: Iterable[MinedPosting],
    accounts: Iterable[str],
    test: bool,
    series_for: SeriesFor,
    rewards_for: RewardsOf | None = None,
) -> Iterator[Finding]:
    """Everything in mining parts that does not follow from chain and books.

    postings: lines of the statement's books with the reason `mined`. accounts: that it declares.
    test: whether the statement is of a test network, the only place for a simulated difficulty.
    """
    known = frozenset(accounts)
    series: dict[str, DifficultySeries] = {}
    for body in bodies:
        where = f"part {KIND}/{body.site}"
        for account in body.accounts:
            if account not in known:
                yield Finding("E32", f"the statement has no account {account}", where)
        if body.simulated and not test:
            text = "a simulated difficulty in a statement that is not of a test network"
            yield Finding("E34", text, where)
            continue
        yield from _figures(body, series_for, rewards_for, series)
    if len(series) == len(bodies):
        yield from _years(bodies, series)
    yield from arrival_findings(
        [claim for body in bodies for claim in body.claims],
        postings,
        accounts={body.site: frozenset(body.accounts) for body in bodies},
    )


def _figures(
    body: MiningBody,
    series_for: SeriesFor,
    rewards_for: RewardsOf | None,
    known: dict[str, DifficultySeries],
) -> Iterator[Finding]:
    """Rule E31: what follows for a month, follows. known: takes up the site's difficulty."""
    try:
        series = series_for(body)
        if body.difficulty.source != series.source:
            text = f"its difficulty is said to be {body.difficulty.source}, not {series.source}"
            yield Finding("E34", text, f"part {KIND}/{body.site}")
        for month in body.months:
            rewards = None
            if body.rewards == "blocks" and rewards_for is not None:
                rewards = rewards_for(month)
            due = month_figures(body, month, series, rewards)
            for field in FOLLOWING:
                said, follows = getattr(month, field), getattr(due, field)
                if said != follows:
                    text = f"{field} is stated as {said}; the rest gives {follows}"
                    yield Finding("E31", text, _where(body, month))
        known[body.site] = series
    except CoinbasesNotGiven:
        raise
    except (KhazanaError, ValueError) as wrong:
        yield Finding("E34", f"its difficulty cannot be had: {wrong}", f"part {KIND}/{body.site}")


def _years(
    bodies: Sequence[MiningBody], series: Mapping[str, DifficultySeries]
) -> Iterator[Finding]:
    """Rule E31: what the sequential test over all sites finds (E45), is stated."""
    due = years_of(bodies, series)
    for body in bodies:
        said, follows = tuple(body.years), due.get(body.site, ())
        where = f"part {KIND}/{body.site}"
        if [year.year for year in said] != [year.year for year in follows]:
            listed = ", ".join(str(year.year) for year in follows) or "none"
            yield Finding("E31", f"the test of its months covers the years: {listed}", where)
            continue
        for one, other in zip(said, follows, strict=True):
            if not years_agree(one, other):
                text = f"{_year(one)} is stated of {one.year}; the months give {_year(other)}"
                yield Finding("E31", text, where)


def _year(year: YearBody) -> str:
    if year.finding == "alarm":
        return f"an alarm in {year.alarm_month} ({year.alarm_chart}, {year.sites} sites)"
    return (
        f"no alarm among {year.sites} sites, limits {year.level_percent} and "
        f"{year.change_percent or 'no'} %"
    )


def mining_limits(bodies: Sequence[MiningBody], *, shown: int = 0) -> tuple[str, ...]:
    """Whose word each figure is that no chain shows; printed whatever became of the check.

    shown: months whose readings and seals the reader was given.
    """
    said = []
    months = sum(len(body.months) for body in bodies)
    if shown < months:
        said.append(
            f"The energy of {months - shown} of {months} months is the office's word: their "
            "readings and seals were not given (--metering FOLDER)."
        )
    said += [asked for body in bodies for asked in _asked(body)]
    simulated = [body.site for body in bodies if body.simulated]
    if simulated:
        said.append(f"{SIMULATED_NOTICE} ({', '.join(simulated)}).")
    for body in bodies:
        said += [year_sentence(body, year) for year in body.years if year.finding == "ok"]
    shared = [body for body in bodies if body.rewards == "share"]
    if shared:
        told = ", ".join(dict.fromkeys(f"{b.fees.value} ({b.fees.source})" for b in shared))
        said.append(f"Fees over the subsidy are entered, not taken from real blocks: {told}.")
    said.append(
        "J/TH, PUE and the error budget are the word of the sources named; a shortfall smaller "
        "than a month's detection limit cannot be seen."
    )
    return tuple(said)


def _asked(body: MiningBody) -> Iterator[str]:
    """Rule MI9 from the other side: an efficiency worse than any machine of the time hides what
    it makes seem lost."""
    at = datetime.fromtimestamp(
        min(max(seconds_of(body.months[-1].until) - 1 + body.difficulty.shift_s, 0), _LATEST_S), UTC
    )
    worst = worst_at(shipped_machines(), at.date())
    if worst is None:
        return
    most = worst.efficiency_j_per_th * (1 + NAMEPLATE_TOLERANCE)
    if exact(body.j_per_th.value) > most:
        yield (
            f"Question: {body.site} states {body.j_per_th.value} J/TH; the worst machine of the "
            f"time, {worst.model}, has {float(worst.efficiency_j_per_th):.1f}. Who measured it?"
        )
    if exact(body.pue.value) > MOST_PUE:
        yield (
            f"Question: {body.site} states a PUE of {body.pue.value}; more than {float(MOST_PUE)} "
            "is unusual. What else does its meter feed?"
        )


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
    apart = [m.month for m in months if not bill_agrees(m)]
    bills = f"; the bill differs from the counters in {', '.join(apart)}" if apart else ""
    alarms = [f"{b.site} in {y.alarm_month}" for b in bodies for y in b.years if y.alarm_month]
    asked = [f"{b.site} in {m.month}" for b in bodies for m in b.months if m.questioned]
    test = f"; the test over all sites alarms for {', '.join(alarms)}" if alarms else ""
    asks = f"; {_QUESTION}: {', '.join(asked)}" if asked else ""
    mark = "SIMULATED; " if any(body.simulated for body in bodies) else ""
    return (
        f"{mark}{len(months)} months of {len(bodies)} sites computed again: {expected} sat "
        f"expected, {arrived} sat arrived; {counts['within']} within, {counts['below']} below, "
        f"{counts['above']} above the detection limit of at most {worst} %{test}{asks}{bills}"
    )


def bill_agrees(month: MonthBody) -> bool:
    """Whether the bill, if one is stated, is the counters' energy to a kilowatt-hour."""
    billed = month.billed_wh
    return billed is None or month.low_wh - 1000 <= billed <= month.high_wh + 1000


def _where(body: MiningBody, month: MonthBody) -> str:
    return f"part {KIND}/{body.site}, month {month.month}"
