"""Whole numbers, decimals, percentages and sizes, written with Latin digits in every language."""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

from khazana.portal.formatting.languages import language_of

Grouping = Literal["thousands", "lakh"]
"""thousands: 12,345,678. lakh: 1,23,45,678, as rupees are counted in Pakistan."""

_WRITTEN: Final = re.compile(r"([+-]?)([0-9][0-9,]*)(?:\.([0-9]+))?")


def grouped(number: int, *, grouping: Grouping = "thousands", signed: bool = False) -> str:
    """A whole number in groups.

    signed: also a plus sign where the number is positive, for changes.

    >>> grouped(12345678), grouped(12345678, grouping="lakh"), grouped(5, signed=True)
    ('12,345,678', '1,23,45,678', '+5')
    """
    digits = str(abs(number))
    groups = [digits[-3:]]
    digits = digits[:-3]
    size = 2 if grouping == "lakh" else 3
    while digits:
        groups.insert(0, digits[-size:])
        digits = digits[:-size]
    return _sign(number, signed=signed) + ",".join(groups)


def decimal_text(
    scaled: int, *, places: int, grouping: Grouping = "thousands", signed: bool = False
) -> str:
    """A number of 10^-places units, with all its decimals: a column of them aligns.

    >>> decimal_text(-123456, places=2)
    '-1,234.56'
    """
    if places < 0:
        raise ValueError(f"{places} decimals")
    whole, fraction = divmod(abs(scaled), 10**places)
    text = _sign(scaled, signed=signed) + grouped(whole, grouping=grouping)
    return f"{text}.{fraction:0{places}d}" if places else text


def read_number(text: str) -> Decimal:
    """The number that `grouped` or `decimal_text` wrote, exactly; ValueError for other spellings.

    >>> read_number("-1,23,456.50")
    Decimal('-123456.50')
    >>> read_number("12,34")
    Traceback (most recent call last):
    ValueError: '12,34' is not a number in groups
    """
    match = _WRITTEN.fullmatch(text)
    if match:
        sign, whole, fraction = match[1], match[2], match[3]
        number = int(whole.replace(",", ""))
        if whole in (str(number), grouped(number), grouped(number, grouping="lakh")):
            minus = "-" if sign == "-" else ""
            return Decimal(f"{minus}{number}" + (f".{fraction}" if fraction else ""))
    raise ValueError(f"{text!r} is not a number in groups")


def percent_text(share: Fraction, *, language: str, places: int = 1, signed: bool = False) -> str:
    """A share of one as a percentage, rounded half to even.

    What is not nothing never reads 0 %, and what is not all never reads 100 %: more decimals are
    shown until it does not.

    >>> percent_text(Fraction(1, 3), language="en"), percent_text(Fraction(1, 10**6), language="en")
    ('33.3%', '0.0001%')
    >>> percent_text(Fraction(99999, 100000), language="ur")
    '99.999%'
    """
    while True:
        scaled = round(share * 10 ** (2 + places))
        misleading = {0, 10 ** (2 + places), -(10 ** (2 + places))}
        if scaled not in misleading or Fraction(scaled, 10 ** (2 + places)) == share:
            break
        places += 1
    space = "\u00a0" if language_of(language) == "es" else ""
    return f"{decimal_text(scaled, places=places, signed=signed)}{space}%"


_SIZES: Final = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"))


def size_text(size_bytes: int) -> str:
    """The size of a file; kB, MB and GB are powers of ten.

    >>> size_text(999), size_text(1_250), size_text(3_000_000)
    ('999 B', '1.2 kB', '3.0 MB')
    """
    if size_bytes < 0:
        raise ValueError(f"a size of {size_bytes} bytes")
    for unit, name in _SIZES:
        if size_bytes >= unit:
            return f"{decimal_text(round(Fraction(size_bytes * 10, unit)), places=1)} {name}"
    return f"{size_bytes} B"


def _sign(number: int, *, signed: bool) -> str:
    if number < 0:
        return "-"
    return "+" if signed and number > 0 else ""
