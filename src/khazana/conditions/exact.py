"""Decimal arithmetic that never rounds in silence."""

from collections.abc import Iterable
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)

MOST_DIGITS = 30
MOST_PLACES = 12
RATE_PLACES = 9
"""Decimal places that are kept when an amount is divided by a rate of the arrangement (K24)."""

# Any result that would lose a digit raises instead: a bound wide enough for all that is read.
_EXACT = Context(prec=400, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
_ROUNDING = Context(prec=400, traps=[InvalidOperation, DivisionByZero, Overflow])
ZERO = Decimal(0)
_ONE = Decimal(1)
_MOST_MAGNITUDE = 200


def plus(a: Decimal, b: Decimal) -> Decimal:
    return plain(_EXACT.add(a, b))


def minus(a: Decimal, b: Decimal) -> Decimal:
    return plain(_EXACT.subtract(a, b))


def times(a: Decimal, b: Decimal) -> Decimal:
    return plain(_EXACT.multiply(a, b))


def total(amounts: Iterable[Decimal]) -> Decimal:
    result = ZERO
    for amount in amounts:
        result = _EXACT.add(result, amount)
    return plain(result)


def shifted(amount: Decimal, places: int) -> Decimal:
    """The amount times ten to the power of `places`; a change of unit loses nothing.

    >>> shifted(Decimal("1.5"), 3)
    Decimal('1500')
    """
    return plain(amount.scaleb(places, _EXACT))


def divided(amount: Decimal, rate: Decimal) -> Decimal:
    """Rule K24: divided by a rate of the arrangement, to nine places, halves to the even digit.

    >>> divided(Decimal(100), Decimal("278.5"))
    Decimal('0.359066427')
    """
    quotient = _ROUNDING.divide(amount, rate)
    places = Decimal(1).scaleb(-RATE_PLACES)
    return plain(quotient.quantize(places, rounding=ROUND_HALF_EVEN, context=_ROUNDING))


def plain(amount: Decimal) -> Decimal:
    """The same number in one spelling: no exponent, no trailing zeros, no negative zero.

    >>> plain(Decimal("-1.500")), plain(Decimal("2E+3")), plain(Decimal("-0.0"))
    (Decimal('-1.5'), Decimal('2000'), Decimal('0'))
    """
    if not amount:
        return ZERO
    # A text of ten letters can name a number of a million digits: such a one is nobody's amount.
    if not amount.is_finite() or not -_MOST_MAGNITUDE < amount.adjusted() < _MOST_MAGNITUDE:
        raise ValueError(f"{amount} is no amount")
    whole = amount.to_integral_value(context=_ROUNDING)
    if amount != whole:
        return amount.normalize(_EXACT)
    return whole if whole.same_quantum(_ONE) else whole.quantize(_ONE, context=_EXACT)


def decimal_of(text: str) -> Decimal:
    """A decimal as people write it: digits, one point, a sign; no exponent, no thousands commas.

    >>> decimal_of("-12150.5")
    Decimal('-12150.5')
    >>> decimal_of("12,150")
    Traceback (most recent call last):
    ValueError: '12,150' is not a decimal number such as -12150.5
    """
    body = text.removeprefix("-")
    whole, point, fraction = body.partition(".")
    digits = whole + fraction
    good = whole and digits.isascii() and digits.isdigit() and bool(point) == bool(fraction)
    if not good:
        raise ValueError(f"{text!r} is not a decimal number such as -12150.5")
    if len(digits) > MOST_DIGITS or len(fraction) > MOST_PLACES:
        raise ValueError(f"{text!r} has more than {MOST_DIGITS} digits or {MOST_PLACES} places")
    return plain(Decimal(text))


def amount_text(amount: Decimal) -> str:
    """An amount for people, thousands apart.

    >>> amount_text(Decimal("-12150.5"))
    '-12,150.5'
    """
    return f"{plain(amount):,f}"
