"""Mining in a statement: the extension part `x-mining/SITE`, made and read.

Amounts are satoshis, energy is watt-hours; what is neither is a plain decimal in quotes.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal, Protocol

import msgspec

from khazana.mining.arrivals import Claim, MinedPosting
from khazana.mining.month_body import ArrivalBody, Body, Ident, Month, MonthBody, Number, Text
from khazana.statement.errors import StatementMalformed
from khazana.statement.parts import Part
from khazana.statement.times import read_instant
from khazana.units import Sats, Txid

KIND = "x-mining"
FORMAT = "khazana.mining/1"
SIMULATED_NOTICE = "SIMULATED: mainnet's difficulty is replayed and payouts are scaled"
_MOST_S = 2**40
_MOST_MONTH_S = 32 * 86_400
MOST_BUDGET_PERCENT = 50


class DifficultyBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which difficulty the expectation rests on.

    shift_s: added to the months' times to look it up; 0 unless it is replayed.
    divisor: payouts are the expectation divided by this; 1 unless it is replayed.
    """

    source: Text
    shift_s: Annotated[int, msgspec.Meta(ge=-_MOST_S, le=_MOST_S)]
    divisor: Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]


class SourcedBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A figure that no chain shows, with whose word it is."""

    value: Number
    source: Text


class BudgetBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One term of the error budget: by how many per cent the expectation may be off.

    changing: whether it may differ from month to month, as uptime and heat do.
    """

    name: Text
    percent: Number
    source: Text
    changing: bool


class YearBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the sequential test finds in a calendar year, all sites of the statement together.

    sites: among how many the false alarms are shared. alarm_month, alarm_chart: of the first
    alarm. level_percent: missing in every month it would have been found; change_percent: missing
    in the newest month alone, null where it has no earlier one.
    """

    year: Annotated[int, msgspec.Meta(ge=2009, le=9999)]
    sites: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    finding: Literal["ok", "alarm"]
    alarm_month: Month | None
    alarm_chart: Literal["level", "change"] | None
    level_percent: Number
    change_percent: Number | None


class MiningBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a statement says about a mining site: energy in, bitcoin expected, bitcoin arrived.

    accounts: into which the site's bitcoin arrives. company: that distributes its power.
    rewards: whether the expectation takes the real blocks' rewards, or the subsidy and `fees`,
    the share of fees over it. j_per_th, pue: of the fleet, at the point where the meters stand.
    power_mw: allocated. tco2_per_mwh: as entered.
    """

    critical: Literal[False]
    format: Literal["khazana.mining/1"]
    site: Ident
    name: Text
    accounts: Annotated[list[Ident], msgspec.Meta(min_length=1, max_length=100)]
    company: Text | None
    simulated: bool
    difficulty: DifficultyBody
    rewards: Literal["share", "blocks"]
    fees: SourcedBody
    j_per_th: SourcedBody
    pue: SourcedBody
    power_mw: SourcedBody | None
    tco2_per_mwh: SourcedBody | None
    budget: Annotated[list[BudgetBody], msgspec.Meta(max_length=100)]
    months: Annotated[list[MonthBody], msgspec.Meta(min_length=1, max_length=1200)]
    years: Annotated[list[YearBody], msgspec.Meta(max_length=101)]

    @property
    def claims(self) -> tuple[Claim, ...]:
        return tuple(
            Claim(self.site, month.month, posting_of(arrival))
            for month in self.months
            for arrival in month.arrivals
        )


class MiningRule(Protocol):
    """Where the sites' figures of a period come from; the office's tools have one."""

    def __call__(self, postings: Sequence[MinedPosting]) -> Iterable[MiningBody]: ...


def mining_part(body: MiningBody) -> tuple[str, Mapping[str, Any]]:
    """The part of one site: its name, and its body as plain JSON values."""
    content: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(body))
    return f"{KIND}/{body.site}", content


def mining_bodies(parts: Iterable[Part]) -> tuple[MiningBody, ...]:
    """The mining parts that a statement discloses; one that is malformed is refused."""
    found = []
    for part in parts:
        if part.kind != KIND:
            continue
        try:
            body = msgspec.convert(dict(part.body), MiningBody, strict=True)
        except msgspec.ValidationError as error:
            problem, _, place = str(error).partition(" - at ")
            path = f"part {part.name}{place.strip('`').lstrip('$')}"
            raise StatementMalformed(path=path, problem=problem) from error
        path = f"part {part.name}"
        if part.id != body.site:
            raise StatementMalformed(path=path, problem=f"its body is about {body.site}")
        _refuse_disorder(path, body)
        found.append(body)
    return tuple(found)


def _refuse_disorder(path: str, body: MiningBody) -> None:
    """Months that follow one another, limits in order, divisors that mean something."""
    before: MonthBody | None = None
    for number, month in enumerate(body.months):
        where = f"{path}.months[{number}]"
        _refuse_span(where, month, before)
        before = month
        if month.low_wh > month.high_wh:
            raise StatementMalformed(path=where, problem="its energy is bounded from no side")
        check = month.check
        if check is not None and check.low_wh > check.high_wh:
            problem = "its check meter's energy is bounded from no side"
            raise StatementMalformed(path=where, problem=problem)
    for name in ("j_per_th", "pue"):
        sourced: SourcedBody = getattr(body, name)
        if not Decimal(sourced.value):
            raise StatementMalformed(path=f"{path}.{name}", problem="it is zero")
    if sum(Decimal(term.percent) for term in body.budget) >= MOST_BUDGET_PERCENT:
        problem = f"an error budget of {MOST_BUDGET_PERCENT} % or more says nothing"
        raise StatementMalformed(path=f"{path}.budget", problem=problem)
    plain = body.difficulty.shift_s == 0 and body.difficulty.divisor == 1
    if not body.simulated and not plain:
        problem = "only a simulated difficulty is shifted, and only simulated payouts are scaled"
        raise StatementMalformed(path=f"{path}.difficulty", problem=problem)
    if body.simulated and body.rewards == "blocks":
        problem = "a replayed difficulty has no blocks of its own"
        raise StatementMalformed(path=f"{path}.rewards", problem=problem)


def _refuse_span(where: str, month: MonthBody, before: MonthBody | None) -> None:
    """A month is one, bears its own name, and leaves no time out after the one before it."""
    try:
        first, until = read_instant(month.first), read_instant(month.until)
    except ValueError as error:
        raise StatementMalformed(path=where, problem=str(error)) from error
    seconds = int((until - first).total_seconds())
    if seconds <= 0:
        raise StatementMalformed(path=where, problem="it ends before it begins")
    if seconds > _MOST_MONTH_S:
        raise StatementMalformed(path=where, problem="it is longer than a month")
    if (middle := f"{first + (until - first) / 2:%Y-%m}") != month.month:
        problem = f"it is called {month.month}, and its middle lies in {middle}"
        raise StatementMalformed(path=where, problem=problem)
    if before is None:
        return
    if month.first < before.until:
        raise StatementMalformed(path=where, problem="it begins before the month before ends")
    if month.first > before.until:
        # A month that is left out is where a diversion would be.
        problem = f"the time from {before.until} to {month.first} is left out"
        raise StatementMalformed(path=where, problem=problem)
    if month.month == before.month:
        raise StatementMalformed(path=where, problem=f"{month.month} stands here twice")


def posting_of(arrival: ArrivalBody) -> MinedPosting:
    return MinedPosting(Txid(arrival.txid), arrival.account, Sats(arrival.amount_sat))


def exact(number: str) -> Fraction:
    """A decimal of a part, exactly."""
    return Fraction(number)


def parts_json_schema() -> dict[str, Any]:
    """The schema of the body, from the types: docs/spec/mining-part.schema.json."""
    return msgspec.json.schema(MiningBody)
