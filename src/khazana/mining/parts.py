"""Mining in a statement: the extension part `x-mining/SITE`, made and read.

Amounts are satoshis, energy is watt-hours; what is neither is a plain decimal in quotes.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal, Protocol

import msgspec

from khazana.mining.arrivals import Claim, MinedPosting
from khazana.statement import patterns
from khazana.statement.errors import StatementMalformed
from khazana.statement.parts import Part
from khazana.statement.patterns import END
from khazana.units import Sats, Txid

KIND = "x-mining"
FORMAT = "khazana.mining/1"
SIMULATED_NOTICE = "SIMULATED: mainnet's difficulty is replayed and payouts are scaled"

_MOST = 2**53 - 1
Count = Annotated[int, msgspec.Meta(ge=0, le=_MOST)]
Number = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,12})(\.[0-9]{0,11}[1-9])?" + END)]
"""A decimal in its one spelling: no sign, no exponent, no zero at the end."""
Ident = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}" + END)]
Hash = Annotated[str, msgspec.Meta(pattern=patterns.HASH256)]
Instant = Annotated[str, msgspec.Meta(pattern=patterns.INSTANT)]
Month = Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-(0[1-9]|1[0-2])" + END)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every field is needed; an unknown one is refused."""


class DifficultyBody(_Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which difficulty the expectation rests on.

    shift_s: added to the months' times to look it up; 0 unless it is replayed.
    divisor: payouts are the expectation divided by this; 1 unless it is replayed.
    """

    source: Text
    shift_s: Annotated[int, msgspec.Meta(ge=-_MOST, le=_MOST)]
    divisor: Annotated[int, msgspec.Meta(ge=1, le=_MOST)]


class SourcedBody(_Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A figure that no chain shows, with whose word it is."""

    value: Number
    source: Text


class BudgetBody(_Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One term of the error budget: by how many per cent the expectation may be off."""

    name: Text
    percent: Number
    source: Text


class EvidenceBody(_Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """SHA-256 of the files behind the energy: whoever is given them can check it."""

    meters: Hash
    readings: Hash
    seals: Hash


class ArrivalBody(_Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A payout: a line of the books with the reason `mined`."""

    txid: Hash
    account: Ident
    amount_sat: Annotated[int, msgspec.Meta(ge=1, le=2_100_000_000_000_000)]


class MonthBody(_Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One month of a site.

    first, until: [first, until). meters: whose counters are added up. low_wh, high_wh: bounds by
    the counters. billed_wh: the utility's bill. luck_percent: standard deviation of payouts by
    luck. detection_percent: the smallest shortfall that would be seen, luck and budget together.
    expected_sat, low_sat, high_sat, luck_percent (solo), detection_percent and verdict follow from
    the rest.
    """

    month: Month
    first: Instant
    until: Instant
    meters: Annotated[list[Ident], msgspec.Meta(min_length=1, max_length=100)]
    low_wh: Count
    high_wh: Count
    billed_wh: Count | None
    evidence: EvidenceBody | None
    payout: Literal["solo", "fpps", "pps+", "pplns", "receipts"]
    luck_percent: Number
    expected_sat: Count
    low_sat: Count
    high_sat: Count
    arrivals: list[ArrivalBody]
    arrived_sat: Count
    detection_percent: Number
    verdict: Literal["within", "below", "above"]


class MiningBody(_Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a statement says about a mining site: energy in, bitcoin expected, bitcoin arrived.

    accounts: into which the site's bitcoin arrives. fees: fees of blocks over their subsidy.
    j_per_th, pue: of the fleet, at the point where the meters stand.
    """

    critical: Literal[False]
    format: Literal["khazana.mining/1"]
    site: Ident
    name: Text
    accounts: Annotated[list[Ident], msgspec.Meta(min_length=1, max_length=100)]
    simulated: bool
    difficulty: DifficultyBody
    fees: SourcedBody
    j_per_th: SourcedBody
    pue: SourcedBody
    budget: list[BudgetBody]
    months: Annotated[list[MonthBody], msgspec.Meta(min_length=1, max_length=1200)]

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
    """Months in order without overlap, limits in order, divisors that mean something."""
    before = ""
    for number, month in enumerate(body.months):
        where = f"{path}.months[{number}]"
        if not month.first < month.until:
            raise StatementMalformed(path=where, problem="it ends before it begins")
        if month.first < before:
            raise StatementMalformed(path=where, problem="it begins before the month before ends")
        before = month.until
        if month.low_wh > month.high_wh:
            raise StatementMalformed(path=where, problem="its energy is bounded from no side")
    for name in ("j_per_th", "pue"):
        sourced: SourcedBody = getattr(body, name)
        if not Decimal(sourced.value):
            raise StatementMalformed(path=f"{path}.{name}", problem="it is zero")
    plain = body.difficulty.shift_s == 0 and body.difficulty.divisor == 1
    if not body.simulated and not plain:
        problem = "only a simulated difficulty is shifted, and only simulated payouts are scaled"
        raise StatementMalformed(path=f"{path}.difficulty", problem=problem)


def posting_of(arrival: ArrivalBody) -> MinedPosting:
    return MinedPosting(Txid(arrival.txid), arrival.account, Sats(arrival.amount_sat))


def exact(number: str) -> Fraction:
    """A decimal of a part, exactly."""
    return Fraction(number)
