"""Amounts of bitcoin and of money: exact, and short ones in the scales people count in."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from khazana.ledger.money import minor_digits
from khazana.portal.formatting.languages import Language, language_of
from khazana.portal.formatting.numbers import Grouping, decimal_text, grouped, read_number
from khazana.units import Sats, sats_from_btc

BTC_PLACES: Final = 8
LAKH_CURRENCIES: Final = frozenset({"PKR", "INR", "BDT", "NPR", "LKR"})
"""Currencies of countries that count in lakh and crore."""


def btc_text(sats: int, *, signed: bool = False, unit: bool = True) -> str:
    """Satoshis as bitcoin with eight decimals, the sign before the first digit.

    >>> btc_text(123_450_000_000), btc_text(-1, unit=False), btc_text(5, signed=True, unit=False)
    ('1,234.50000000 BTC', '-0.00000001', '+0.00000005')
    """
    text = decimal_text(sats, places=BTC_PLACES, signed=signed)
    return f"{text} BTC" if unit else text


def short_btc_text(sats: int, *, places: int = 2, unit: bool = True) -> str:
    """Bitcoin for a headline or an axis, rounded half to even; the exact figure stands beside it.

    >>> short_btc_text(600_012_345_678), short_btc_text(600_000_000_000, places=0)
    ('6,000.12 BTC', '6,000 BTC')
    """
    text = decimal_text(round(Fraction(sats, 10 ** (BTC_PLACES - places))), places=places)
    return f"{text} BTC" if unit else text


def sat_text(sats: int, *, signed: bool = False) -> str:
    """Satoshis as they are.

    >>> sat_text(-1234567)
    '-1,234,567 sat'
    """
    return f"{grouped(sats, signed=signed)} sat"


def read_btc(text: str) -> Sats:
    """The satoshis that `btc_text` wrote, with or without its unit; ValueError for other spellings.

    >>> read_btc("-1,234.50000000 BTC")
    -123450000000
    """
    return sats_from_btc(read_number(text.removesuffix(" BTC")))


def grouping_of(currency: str, language: str) -> Grouping:
    """How an amount of a currency is grouped: rupees by lakh and crore for English and Urdu."""
    counts_so = currency in LAKH_CURRENCIES and language_of(language) in ("en", "ur")
    return "lakh" if counts_so else "thousands"


def fiat_text(minor: int, currency: str, *, language: str, signed: bool = False) -> str:
    """Money with all the decimals of its currency, after its ISO 4217 code.

    minor: cents or paisa.

    >>> fiat_text(-12_345_678_950, "PKR", language="en"), fiat_text(1_250, "USD", language="es")
    ('PKR -12,34,56,789.50', 'USD 12.50')
    """
    number = decimal_text(
        minor,
        places=_places(currency),
        grouping=grouping_of(currency, language),
        signed=signed,
    )
    return f"{currency} {number}"


def read_fiat(text: str) -> tuple[int, str]:
    """The minor units and the currency that `fiat_text` wrote; ValueError for other spellings."""
    currency, _, number = text.partition(" ")
    places = _places(currency)
    amount = read_number(number).scaleb(places)
    if amount != int(amount):
        raise ValueError(f"{text!r} has more than the {places} decimals of {currency}")
    return int(amount), currency


@dataclass(frozen=True)
class Scale:
    """A word for a power of ten; `several` where the number before it is not exactly one."""

    value: int
    one: str
    several: str


_MILLIONS: Final[dict[Language, tuple[Scale, ...]]] = {
    "en": (
        Scale(10**12, "trillion", "trillion"),
        Scale(10**9, "billion", "billion"),
        Scale(10**6, "million", "million"),
    ),
    # Urdu has its own scale for every currency.
    "ur": (
        Scale(10**11, "کھرب", "کھرب"),
        Scale(10**9, "ارب", "ارب"),
        Scale(10**7, "کروڑ", "کروڑ"),
        Scale(10**5, "لاکھ", "لاکھ"),
    ),
    # A number with decimals takes the singular.
    "ar": (
        Scale(10**12, "تريليون", "تريليون"),
        Scale(10**9, "مليار", "مليار"),
        Scale(10**6, "مليون", "مليون"),
    ),
    # The long scale: a billón is a million millions.
    "es": (
        Scale(10**12, "billón", "billones"),
        Scale(10**9, "mil millones", "mil millones"),
        Scale(10**6, "millón", "millones"),
    ),
}
_LAKHS_IN_ENGLISH: Final = (
    Scale(10**9, "arab", "arab"),
    Scale(10**7, "crore", "crore"),
    Scale(10**5, "lakh", "lakh"),
)


def scales_of(currency: str, language: str) -> tuple[Scale, ...]:
    """The scale words for amounts of a currency, largest first."""
    spoken = language_of(language)
    if spoken == "en" and currency in LAKH_CURRENCIES:
        return _LAKHS_IN_ENGLISH
    return _MILLIONS[spoken]


@dataclass(frozen=True)
class ShortMoney:
    """A rounded amount in the parts that a bidi context needs apart: code and number, then word."""

    number: str
    scale: str

    def __str__(self) -> str:
        return f"{self.number} {self.scale}".rstrip()


def short_fiat(minor: int, currency: str, *, language: str, places: int = 2) -> ShortMoney:
    """Money for a headline: rounded half to even, in the largest scale word that fits.

    >>> str(short_fiat(19_800_000_000_000, "PKR", language="en"))
    'PKR 198.00 arab'
    >>> str(short_fiat(70_000_000_000, "USD", language="es"))
    'USD 700.00 millones'
    """
    unit = 10 ** _places(currency)
    larger = None
    for scale in scales_of(currency, language):
        if abs(minor) >= scale.value * unit:
            scaled = round(Fraction(minor * 10**places, scale.value * unit))
            # 999.999 million rounds up to a billion, not to a thousand million.
            if larger is not None and abs(scaled) * scale.value == larger.value * 10**places:
                scale, scaled = larger, 10**places if minor > 0 else -(10**places)
            word = scale.one if abs(scaled) == 10**places else scale.several
            return ShortMoney(f"{currency} {decimal_text(scaled, places=places)}", word)
        larger = scale
    return ShortMoney(fiat_text(minor, currency, language=language), "")


def _places(currency: str) -> int:
    digits = minor_digits().get(currency)
    if digits is None:
        raise ValueError(f"{currency!r} is not a currency of ISO 4217")
    return digits
