"""The figures of a site's month that follow from its energy, its fleet and the difficulty.

Rules E40 to E44 of docs/spec/mining-evidence.md; all exact until the last step.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction

import msgspec

from khazana.mining.block_rewards import MonthRewards
from khazana.mining.difficulty import DifficultySeries, FeeShare
from khazana.mining.expected import QUESTION_BELOW
from khazana.mining.machines import best_at, shipped_machines
from khazana.mining.month_body import BlocksBody, MonthBody
from khazana.mining.parts import MiningBody, exact
from khazana.mining.rewards import Expected, expected_in_time, expected_with_rewards
from khazana.statement.times import read_instant

ALARM_FACTOR = Fraction(4)
"""Standard deviations of luck beyond the whole error budget: by luck alone one month in 31,574 of
an honest site falls so low (normal distribution), 1 % a year over 26 sites."""
POWER_FACTOR = Fraction(1282, 1000)
"""So much further out, nine months in ten are beyond it (normal distribution)."""
ALONE = ("solo", "receipts")
"""Ways of mining whose own blocks pay the reserve: their luck is that of few blocks."""
_STEP = 100

RewardsFor = Callable[[MonthBody], MonthRewards]
"""The rewards of the real blocks of a month, where a site's expectation takes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFigures:
    """What follows for a month. Amounts in satoshis, rounded down; percentages as decimals."""

    blocks: BlocksBody | None
    expected_sat: int
    low_sat: int
    high_sat: int
    arrived_sat: int
    luck_percent: str
    detection_percent: str
    verdict: str
    implied_j_per_th: str | None
    best_j_per_th: str | None
    questioned: bool


def hashes_of(energy_wh: Fraction, *, j_per_th: Fraction, pue: Fraction) -> Fraction:
    """Rule E40: hashes = Wh × 3,600 × 10¹² / (PUE × J/TH)."""
    return energy_wh * 3600 * 10**12 / (pue * j_per_th)


def expected_of_month(
    body: MiningBody,
    month: MonthBody,
    energy_wh: Fraction,
    series: DifficultySeries,
    rewards: MonthRewards | None = None,
) -> Expected:
    """Rule E41: what the energy earns at the difficulty of those times, payouts scaled as stated.

    series: of the network whose difficulty it is; a simulation looks its times up in another
    time. rewards: what the month's real blocks paid, where the body takes them.
    """
    shift, divisor = body.difficulty.shift_s, body.difficulty.divisor
    hashes = hashes_of(energy_wh, j_per_th=exact(body.j_per_th.value), pue=exact(body.pue.value))
    first, until = seconds_of(month.first) + shift, seconds_of(month.until) + shift
    if rewards is not None:
        return expected_with_rewards(
            series, hashes=hashes, first=first, until=until, rewards=rewards.mean
        )
    whole = expected_in_time(
        series,
        hashes=hashes,
        first=first,
        until=until,
        fees=FeeShare(exact(body.fees.value), body.fees.source),
    )
    return Expected(whole.sats / divisor, whole.blocks)


def budget_percent(body: MiningBody, month: MonthBody) -> Fraction:
    """The sum of the error budget and of what the counters leave open, in per cent.

    Counters that only bound the energy widen the budget by half their range: an expectation in
    its middle may be off by that much.
    """
    return sum((exact(term.percent) for term in body.budget), open_percent(month))


def open_percent(month: MonthBody) -> Fraction:
    """Half the range between the counters' bounds, in per cent of their middle."""
    both = month.low_wh + month.high_wh
    return Fraction(100 * (month.high_wh - month.low_wh), both) if both else Fraction()


def month_figures(
    body: MiningBody,
    month: MonthBody,
    series: DifficultySeries,
    rewards: MonthRewards | None = None,
) -> MonthFigures:
    """Rules E41 to E44: expectation, its limits, the detection limit, verdict and question.

    E42: the limits take the counter's bounds and the sum of the error budget, either way.
    E43: a month is below when the arrivals miss the expectation by more than the budget and
    4 × luck; detection limit = 2 × budget + 5.282 × luck, for the budget may err either way.
    """
    terms = sum((exact(term.percent) for term in body.budget), Fraction())
    budget = budget_percent(body, month)

    def expected(energy_wh: Fraction) -> Expected:
        return expected_of_month(body, month, energy_wh, series, rewards)

    middle = expected(Fraction(month.low_wh + month.high_wh, 2))
    luck = month.luck_percent
    if month.payout in ALONE:
        # Blocks found are Poisson: sd / mean = 1 / √mean.
        luck = hundredths_up(root_up(10_000 / middle.blocks)) if middle.blocks else "100"
    spread = exact(luck)
    arrived = sum(arrival.amount_sat for arrival in month.arrivals)
    implied = exact(body.j_per_th.value) * middle.sats / arrived if arrived else None
    best = _best_j_per_th(body, month)
    return MonthFigures(
        blocks=None if rewards is None else rewards.body,
        expected_sat=math.floor(middle.sats),
        low_sat=math.floor(
            max(Fraction(), expected(Fraction(month.low_wh)).sats * (1 - terms / 100))
        ),
        high_sat=math.floor(expected(Fraction(month.high_wh)).sats * (1 + terms / 100)),
        arrived_sat=arrived,
        luck_percent=luck,
        detection_percent=hundredths_up(2 * budget + (ALARM_FACTOR + POWER_FACTOR) * spread),
        verdict=_verdict(arrived, middle.sats, budget + ALARM_FACTOR * spread),
        implied_j_per_th=None if implied is None else hundredths_up(implied),
        best_j_per_th=None if best is None else hundredths_up(best),
        questioned=implied is not None and best is not None and implied < QUESTION_BELOW * best,
    )


def _best_j_per_th(body: MiningBody, month: MonthBody) -> Fraction | None:
    """The best nameplate of the time whose difficulty is used."""
    at = seconds_of(month.until) - 1 + body.difficulty.shift_s
    day = date(1970, 1, 1)
    try:
        day = datetime.fromtimestamp(at, UTC).date()
    except (OverflowError, OSError, ValueError):
        return None
    best = best_at(shipped_machines(), day)
    return None if best is None else best.efficiency_j_per_th


def with_figures(
    body: MiningBody, series: DifficultySeries, rewards_for: RewardsFor | None = None
) -> MiningBody:
    """The body with everything that follows month by month; what was there for it is replaced.

    What follows for all sites together comes after: `years.with_years`.
    """
    months = []
    for month in body.months:
        rewards = None if rewards_for is None else rewards_for(month)
        due = month_figures(body, month, series, rewards)
        months.append(msgspec.structs.replace(month, **{n: getattr(due, n) for n in FOLLOWING}))
    difficulty = msgspec.structs.replace(body.difficulty, source=series.source)
    return msgspec.structs.replace(body, difficulty=difficulty, months=months)


FOLLOWING = (
    "blocks",
    "expected_sat",
    "low_sat",
    "high_sat",
    "arrived_sat",
    "luck_percent",
    "detection_percent",
    "verdict",
    "implied_j_per_th",
    "best_j_per_th",
    "questioned",
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
