"""Tails of the distributions that luck follows: how likely it is to have so little, or less."""

from math import exp, lgamma, log, log1p
from statistics import NormalDist

NORMAL = NormalDist()
MOST_SIGMA = 37.0
"""Beyond this a double cannot tell a probability from 0 or 1."""
_ENOUGH = 1e-15
_TINY = 1e-300
_MOST_STEPS = 1_000_000


def poisson_at_most(count: int, mean: float) -> float:
    """P(N ≤ count) for a Poisson number with this mean: the regularised gamma Q(count + 1, mean).

    >>> round(poisson_at_most(2, 3.0), 12)
    0.423190081127
    """
    if mean < 0:
        raise ValueError(f"a mean of {mean} cannot be")
    if count < 0:
        return 0.0
    if mean == 0:
        return 1.0
    shape = count + 1.0
    front = exp(shape * log(mean) - mean - lgamma(shape))
    if mean < shape + 1:
        return max(0.0, 1.0 - front * _series(shape, mean))
    return min(1.0, front * _fraction(shape, mean))


def binomial_at_most(count: int, trials: int, chance: float) -> float:
    """P(N ≤ count) of so many trials: the regularised beta function of 1 − chance.

    >>> round(binomial_at_most(1, 3, 0.5), 12)
    0.5
    """
    if not 0 <= chance <= 1 or trials < 0:
        raise ValueError(f"{trials} trials with chance {chance} cannot be")
    if count < 0:
        return 0.0
    if count >= trials or chance == 0:
        return 1.0
    if chance == 1:
        return 0.0
    a, b, x = float(trials - count), count + 1.0, 1 - chance
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log1p(-chance) + b * log(chance))
    if x < (a + 1) / (a + b + 2):
        return min(1.0, front * _beta_fraction(a, b, x) / a)
    return max(0.0, 1.0 - front * _beta_fraction(b, a, chance) / b)


def sigma_of(probability: float) -> float:
    """Where a standard normal number stands that is so low with this probability.

    >>> round(sigma_of(0.5), 6), sigma_of(0.0)
    (0.0, -37.0)
    """
    if probability <= 0:
        return -MOST_SIGMA
    if probability >= 1:
        return MOST_SIGMA
    return max(-MOST_SIGMA, min(MOST_SIGMA, NORMAL.inv_cdf(probability)))


def _series(shape: float, x: float) -> float:
    """P(shape, x) over its front factor, by its power series."""
    term = total = 1.0 / shape
    step = shape
    for _ in range(_MOST_STEPS):
        step += 1
        term *= x / step
        total += term
        if term < total * _ENOUGH:
            return total
    raise ValueError(f"the gamma series of {shape} at {x} does not end")


def _fraction(shape: float, x: float) -> float:
    """Q(shape, x) over its front factor, by its continued fraction (Lentz's method)."""
    b = x + 1 - shape
    c, d = 1 / _TINY, 1 / b
    value = d
    for n in range(1, _MOST_STEPS):
        a = -n * (n - shape)
        b += 2
        d = 1 / _off_zero(a * d + b)
        c = _off_zero(b + a / c)
        value *= c * d
        if abs(c * d - 1) < _ENOUGH:
            return value
    raise ValueError(f"the gamma fraction of {shape} at {x} does not end")


def _beta_fraction(a: float, b: float, x: float) -> float:
    """The incomplete beta function's continued fraction (Lentz's method)."""
    c, d = 1.0, 1 / _off_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_STEPS):
        for top in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _off_zero(1 + top * d)
            c = _off_zero(1 + top / c)
            value *= c * d
        if abs(c * d - 1) < _ENOUGH:
            return value
    raise ValueError(f"the beta fraction of {a}, {b} at {x} does not end")


def _off_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
