"""What one test of one month could see at best: luck and calibration as plain deviations.

For comparing ways of proof before any is chosen. What a programme prints are the limits of
`shortfall`, which also pay for many sites and months and take calibration at its worst.
"""

from math import sqrt

from khazana.mining.tails import poisson_at_most, sigma_of

LEVEL = 0.05
POWER = 0.9


def least_seen(*, luck_sd: float, calibration_sd: float = 0.0) -> float:
    """Rule MI13: the smallest shortfall found nine times in ten by a test that errs in 5 %.

        (1.645 + 1.282) × √(luck² + calibration²)

    >>> [round(100 * least_seen(luck_sd=0.0056, calibration_sd=c / 100), 1) for c in (0, 1.5, 3)]
    [1.6, 4.7, 8.9]
    """
    return (sigma_of(1 - LEVEL) + sigma_of(POWER)) * sqrt(luck_sd**2 + calibration_sd**2)


def least_seen_solo(blocks: float) -> float:
    """The same for a fleet that mines alone and expects so many blocks: the exact Poisson tail.

    1 where not even the loss of all would be found so surely.

    >>> round(100 * least_seen_solo(9.2 * 30)), round(100 * least_seen_solo(9.2 * 365), 1)
    (17, 5.0)
    """
    if blocks <= 0:
        raise ValueError(f"{blocks} expected blocks are none")
    low, high = -1, int(blocks) + 1
    while high - low > 1:  # the most blocks that are still suspiciously few
        middle = (low + high) // 2
        few = poisson_at_most(middle, blocks) <= LEVEL
        low, high = (middle, high) if few else (low, middle)
    if low < 0:
        return 1.0
    least, most = 0.0, 1.0
    for _ in range(40):
        share = (least + most) / 2
        seen = poisson_at_most(low, blocks * (1 - share)) >= POWER
        least, most = (least, share) if seen else (share, most)
    return most
