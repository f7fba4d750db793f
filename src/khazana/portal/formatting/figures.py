"""Figures as HTML: each amount, height and hash escaped, isolated and left to right."""

from khazana.portal.formatting.amounts import btc_text, fiat_text, sat_text, short_fiat
from khazana.portal.formatting.bidi import SafeText, ltr_html, name_html
from khazana.portal.formatting.languages import is_rtl
from khazana.portal.formatting.numbers import grouped


def btc_html(sats: int, *, signed: bool = False, unit: bool = True) -> SafeText:
    """An exact amount of bitcoin."""
    return ltr_html(btc_text(sats, signed=signed, unit=unit), css="amount btc")


def sat_html(sats: int, *, signed: bool = False) -> SafeText:
    """An amount in satoshis."""
    return ltr_html(sat_text(sats, signed=signed), css="amount sat")


def fiat_html(minor: int, currency: str, *, language: str, signed: bool = False) -> SafeText:
    """An exact amount of money."""
    return ltr_html(fiat_text(minor, currency, language=language, signed=signed), css="amount fiat")


def short_fiat_html(minor: int, currency: str, *, language: str, places: int = 2) -> SafeText:
    """Rounded money; an Urdu or Arabic scale word stands outside the left-to-right piece.

    >>> short_fiat_html(342_000_000_00, "PKR", language="ur")
    '<bdi dir="ltr" class="amount fiat">PKR 34.20</bdi> کروڑ'
    """
    money = short_fiat(minor, currency, language=language, places=places)
    if not is_rtl(language):
        return ltr_html(str(money), css="amount fiat")
    number = ltr_html(money.number, css="amount fiat")
    return SafeText(f"{number} {money.scale}") if money.scale else number


def height_html(height: int) -> SafeText:
    """A block's height."""
    return ltr_html(grouped(height), css="amount height")


def count_html(number: int) -> SafeText:
    """How many."""
    return ltr_html(grouped(number), css="amount")


def code_html(text: str) -> SafeText:
    """An address, txid, hash or command."""
    return ltr_html(text, css="mono")


def person_html(text: str) -> SafeText:
    """A name that somebody entered."""
    return name_html(text, css="name")
