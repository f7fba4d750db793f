"""The figures of a site's month that follow from its energy, its fleet and the difficulty.

Rules E40 to E43 of docs/spec/mining-evidence.md; all exact until the last step.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import msgspec

from khazana.mining.difficulty import DifficultySeries, FeeShare
from khazana.mining.parts import MiningBody, MonthBody, exact
from khazana.mining.rewards import Expected, expected_in_time
from khazana.statement.times import read_instant

ALARM_FACTOR = Fraction(4)
"""Standard deviations of luck beyond the whole error budget: by luck alone one month in 31,574 of
an honest site falls so low (normal distribution), 1 % a year over 26 sites."""
POWER_FACTOR = Fraction(1282, 1000)
"""So much further out, nine months in ten are beyond it (normal distribution)."""
_STEP = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFigures:
    """What follows for a month. Amounts in satoshis, rounded down; percentages as decimals."""

    expected_sat: int
    low_sat: int
    high_sat: int
    arrived_sat: int
    luck_percent: str
    detection_percent: str
    verdict: str


def hashes_of(energy_wh: Fraction, *, j_per_th: Fraction, pue: Fraction) -> Fraction:
    """Rule E40: hashes = Wh × 3,600 × 10¹² / (PUE × J/TH)."""
    return energy_wh * 3600 * 10**12 / (pue * j_per_th)


def expected_of_month(
    body: MiningBody, month: MonthBody, energy_wh: Fraction, series: DifficultySeries
) -> Expected:
    """Rule E41: what the energy earns at the difficulty of those times, payouts scaled as stated.

    series: of the network whose difficulty it is; a simulation looks its times up in another
    time.
    """
    shift, divisor = body.difficulty.shift_s, body.difficulty.divisor
    hashes = hashes_of(energy_wh, j_per_th=exact(body.j_per_th.value), pue=exact(body.pue.value))
    whole = expected_in_time(
        series,
        hashes=hashes,
        first=seconds_of(month.first) + shift,
        until=seconds_of(month.until) + shift,
        fees=FeeShare(exact(body.fees.value), body.fees.source),
    )
    return Expected(whole.sats / divisor, whole.blocks)


def month_figures(body: MiningBody, month: MonthBody, series: DifficultySeries) -> MonthFigures:
    """Rules E41 to E43: expectation, its limits, the detection limit and the verdict.

    E42: the limits take the counter's bounds and the sum of the error budget, either way.
    E43: a month is below when the arrivals miss the expectation by more than the budget and
    4 × luck; detection limit = 2 × budget + 5.282 × luck, for the budget may err either way.
    """
    budget = sum((exact(term.percent) for term in body.budget), Fraction())
    middle = expected_of_month(body, month, Fraction(month.low_wh + month.high_wh, 2), series)
    least = expected_of_month(body, month, Fraction(month.low_wh), series).sats
    most = expected_of_month(body, month, Fraction(month.high_wh), series).sats
    luck = month.luck_percent
    if month.payout == "solo":
        # Blocks found are Poisson: sd / mean = 1 / √mean.
        luck = hundredths_up(root_up(10_000 / middle.blocks)) if middle.blocks else "100"
    spread = exact(luck)
    detection = hundredths_up(2 * budget + (ALARM_FACTOR + POWER_FACTOR) * spread)
    arrived = sum(arrival.amount_sat for arrival in month.arrivals)
    return MonthFigures(
        expected_sat=math.floor(middle.sats),
        low_sat=math.floor(max(Fraction(), least * (1 - budget / 100))),
        high_sat=math.floor(most * (1 + budget / 100)),
        arrived_sat=arrived,
        luck_percent=luck,
        detection_percent=detection,
        verdict=_verdict(arrived, middle.sats, budget + ALARM_FACTOR * spread),
    )


def with_figures(body: MiningBody, series: DifficultySeries) -> MiningBody:
    """The body with everything that follows filled in; what was there for it is replaced."""
    months = []
    for month in body.months:
        due = month_figures(body, month, series)
        months.append(msgspec.structs.replace(month, **{n: getattr(due, n) for n in FOLLOWING}))
    difficulty = msgspec.structs.replace(body.difficulty, source=series.source)
    return msgspec.structs.replace(body, difficulty=difficulty, months=months)


FOLLOWING = (
    "expected_sat",
    "low_sat",
    "high_sat",
    "arrived_sat",
    "luck_percent",
    "detection_percent",
    "verdict",
)
"""The fields of a month that follow from the others."""


def root_up(square: Fraction) -> Fraction:
    """The square root of a number, rounded up to hundredths.

    >>> root_up(Fraction(4)), root_up(Fraction(2))
    (Fraction(2, 1), Fraction(71, 50))
    """
    scaled = square * _STEP * _STEP
    root = math.isqrt(math.ceil(scaled))
    return Fraction(root if root * root >= scaled else root + 1, _STEP)


def hundredths_up(value: Fraction) -> str:
    """A number rounded up to hundredths, in the one spelling of a part.

    >>> hundredths_up(Fraction(2)), hundredths_up(Fraction(4, 3)), hundredths_up(Fraction(5, 2))
    ('2', '1.34', '2.5')
    """
    whole, rest = divmod(math.ceil(value * _STEP), _STEP)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".")


def seconds_of(instant: str) -> int:
    """An instant of a part in seconds since 1970."""
    return int(read_instant(instant).timestamp())


def _verdict(arrived: int, expected: Fraction, slack_percent: Fraction) -> str:
    slack = expected * slack_percent / 100
    if arrived < expected - slack:
        return "below"
    return "above" if arrived > expected + slack else "within"
