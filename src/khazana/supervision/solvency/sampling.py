"""How likely customers' own checks are to catch an omission that nobody else can see.

P(caught) = 1 - (1 - f)^v, with f the share of customers left out and v independent checkers.
"""

from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction

USUAL_OMISSIONS = (Fraction(1, 10), Fraction(1, 100), Fraction(1, 1000), Fraction(1, 10_000))
USUAL_SURENESS = (Fraction(95, 100), Fraction(999, 1000))
_EXACT = Context(prec=40)


def _ln_without(share: Fraction) -> Decimal:
    """ln(1 - share)"""
    if not 0 < share < 1:
        raise ValueError(f"a share lies between 0 and 1, not {share}")
    rest = 1 - share
    return _EXACT.ln(_EXACT.divide(Decimal(rest.numerator), Decimal(rest.denominator)))


def checks_needed(*, omitted: Fraction, sureness: Fraction) -> int:
    """How many independent checks catch an omission of this share with this probability.

    v = ceil(ln(1 - P) / ln(1 - f))

    >>> checks_needed(omitted=Fraction(1, 1000), sureness=Fraction(95, 100))
    2995
    """
    wanted = _EXACT.divide(_ln_without(sureness), _ln_without(omitted))
    return int(wanted.to_integral_value(ROUND_CEILING))


def smallest_omission(*, checks: int, sureness: Fraction) -> Decimal:
    """The smallest share of customers whose omission so many checks catch.

    f = 1 - (1 - P)^(1/v)

    >>> f"{smallest_omission(checks=2995, sureness=Fraction(95, 100)):.6f}"
    '0.001000'
    """
    if checks < 1:
        raise ValueError(f"at least one check, not {checks}")
    return 1 - _EXACT.exp(_EXACT.divide(_ln_without(sureness), Decimal(checks)))
