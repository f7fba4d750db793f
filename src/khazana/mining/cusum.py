"""The chart that adds up what is missing, and the threshold that keeps its false alarms rare."""

from functools import cache
from math import sqrt

from khazana.mining.tails import NORMAL

GRID = 100
"""States between zero and the threshold."""
POWER = 0.9
"""A shortfall counts as seen when the alarm is raised nine times in ten."""
MOST_SHIFT = 60.0
_HALVINGS = 24


def next_sum(before: float, sigma: float, *, reference: float) -> float:
    """The chart after one more month: max(0, before − sigma − reference).

    sigma: how the month stands against the honest worst case; −3 is three sigmas too little.
    reference: sigmas that are forgiven each month, half of the shift the chart is best at.
    """
    return max(0.0, before - sigma - reference)


@cache
def threshold(*, alarms: float, months: int, reference: float) -> float:
    """The lowest threshold that an honest site passes within so many months with at most this
    probability, in sigmas.

    alarms: probability. Exact but for the grid, which only makes the threshold higher.
    """
    if not 0 < alarms < 1 or months < 1:
        raise ValueError(f"no threshold keeps {alarms} in {months} months")
    low, high = 0.0, 2 * sqrt(months) + 40.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if alarm_probability(middle, months=months, reference=reference) > alarms:
            low = middle
        else:
            high = middle
    return high


@cache
def shift_seen(*, height: float, months: int, reference: float) -> float:
    """By how many sigmas each of so many months must fall short to be seen (`POWER`)."""
    low, high = 0.0, MOST_SHIFT
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        seen = alarm_probability(
            height, months=months, reference=reference, shift=middle, round_up=False
        )
        low, high = (low, middle) if seen >= POWER else (middle, high)
    return high


def alarm_probability(
    height: float, *, months: int, reference: float, shift: float = 0.0, round_up: bool = True
) -> float:
    """How likely the chart of independent normal months passes a height at least once.

    The chart is a Markov chain (Brook and Evans 1972) on a grid from 0 to the height. Sums are
    rounded up to the grid, so that the figure is never too low, or down, so that it is never too
    high. shift: sigmas that every month falls short by.
    """
    step = height / GRID
    back = 0.0 if round_up else step
    # Chance that a month moves the chart from one state to another or lower: by[GRID + move].
    by = [NORMAL.cdf(move * step + back + reference - shift) for move in range(-GRID, GRID + 1)]
    last = NORMAL.cdf  # only the way to the alarm is not on the grid
    states = [1.0] + [0.0] * GRID
    passed = 0.0
    for _ in range(months):
        after = [0.0] * (GRID + 1)
        for i, weight in enumerate(states):
            if weight < 1e-18:
                continue
            below = by[GRID - i]
            after[0] += weight * below
            for j in range(1, GRID):
                upto = by[GRID + j - i]
                after[j] += weight * (upto - below)
                below = upto
            stays = last((GRID - i) * step + reference - shift)
            after[GRID] += weight * max(0.0, stays - below)
            passed += weight * (1 - stays)
        states = after
    return min(1.0, passed)
