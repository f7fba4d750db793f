"""One month of a site as a statement carries it: energy, bitcoin, and every other word about it."""

from typing import Annotated, Literal

import msgspec

from khazana.statement import patterns
from khazana.statement.patterns import END

_MOST = 2**53 - 1
_MOST_SATS = 2_100_000_000_000_000
Count = Annotated[int, msgspec.Meta(ge=0, le=_MOST)]
Sat = Annotated[int, msgspec.Meta(ge=0, le=_MOST_SATS)]
Number = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,12})(\.[0-9]{0,11}[1-9])?" + END)]
"""A decimal in its one spelling: no sign, no exponent, no zero at the end."""
Digits = Annotated[str, msgspec.Meta(pattern="^(0|[1-9][0-9]{0,39})" + END)]
"""A whole number too large for JSON's."""
Ident = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}" + END)]
Hash = Annotated[str, msgspec.Meta(pattern=patterns.HASH256)]
Instant = Annotated[str, msgspec.Meta(pattern=patterns.INSTANT)]
Month = Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-(0[1-9]|1[0-2])" + END)]
_UNPRINTED = r"\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069"
Text = Annotated[str, msgspec.Meta(pattern=f"^[^{_UNPRINTED}]{{1,2000}}" + END)]
"""Words of an office; without what would move a terminal's cursor or turn text around."""
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}" + END)]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every field is needed; an unknown one is refused."""


class EvidenceBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """SHA-256 of the files behind the energy: whoever is given them can check it."""

    meters: Hash
    readings: Hash
    seals: Hash


class CheckMeterBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same energy by the meters beside the main ones: bounds by their counters."""

    low_wh: Count
    high_wh: Count


class PoolBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What pools' statements say was paid for the month's work. file: SHA-256 of payouts.csv."""

    file: Hash
    payouts: Count
    amount_sat: Sat


class ReceiptsBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Work that could only have paid the reserve.

    file: SHA-256 of the receipts. target: agreed before the work. shares: how many count.
    hashes: what so many shares take on average.
    """

    file: Hash
    target: Hash
    shares: Count
    hashes: Digits


class PowerBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the month's power cost, and what it cost others (rule MI17).

    paid: by the tariff. due: at the full cost; null where nobody publishes it for all the energy.
    subsidy: below the marginal cost, hour by hour. margin: above it; hours do not net out.
    judged_wh, unknown_wh: with and without a marginal cost. file: SHA-256 of tariffs.csv, or null
    where the sums are the office's word.
    """

    currency: Currency
    source: Text
    file: Hash | None
    paid: Number
    due: Number | None
    subsidy: Number
    margin: Number
    judged_wh: Count
    unknown_wh: Count
    subsidised_hours: Count


class OutagesBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Time in which the site ran while feeders of its own company were off (rule MI18).

    seconds: together; several feeders at once count once. feeders: how many. file: SHA-256 of
    outages.csv, or null where this is the office's word.
    """

    source: Text
    file: Hash | None
    seconds: Count
    feeders: Count


class BlocksBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The real blocks whose rewards the expectation uses, both ends included (rule MI3).

    reward_sat: what their coinbases paid out. subsidy_sat: what of it was new.
    """

    first: Count
    last: Count
    reward_sat: Sat
    subsidy_sat: Sat


class ArrivalBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A payout: a line of the books with the reason `mined`."""

    txid: Hash
    account: Ident
    amount_sat: Annotated[int, msgspec.Meta(ge=1, le=_MOST_SATS)]


class MonthBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One month of a site.

    first, until: [first, until). meters: whose counters are added up. low_wh, high_wh: bounds by
    the counters. billed_wh: the utility's bill; bills: SHA-256 of the file it stands in.
    luck_percent: standard deviation of payouts by luck. detection_percent: the smallest shortfall
    that would be seen, luck and budget together. implied_j_per_th: the efficiency at which the
    energy earns what arrived; best_j_per_th: the best nameplate of the time; questioned: below
    0.8 of it. The fields of `figures.FOLLOWING` follow from the rest.
    """

    month: Month
    first: Instant
    until: Instant
    meters: Annotated[list[Ident], msgspec.Meta(min_length=1, max_length=100)]
    low_wh: Count
    high_wh: Count
    billed_wh: Count | None
    check: CheckMeterBody | None
    evidence: EvidenceBody | None
    bills: Hash | None
    pool: PoolBody | None
    receipts: ReceiptsBody | None
    power: PowerBody | None
    outages: OutagesBody | None
    payout: Literal["solo", "fpps", "pps+", "pplns", "receipts"]
    luck_percent: Number
    blocks: BlocksBody | None
    expected_sat: Count
    low_sat: Count
    high_sat: Count
    arrivals: Annotated[list[ArrivalBody], msgspec.Meta(max_length=10_000)]
    arrived_sat: Count
    detection_percent: Number
    verdict: Literal["within", "below", "above"]
    implied_j_per_th: Number | None
    best_j_per_th: Number | None
    questioned: bool


LEFT_OUT = ("billed_wh", "check", "evidence", "bills", "pool", "receipts", "power", "outages")
"""What an office may leave out of its file: nobody's word is null."""
