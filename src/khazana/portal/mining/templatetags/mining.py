"""Tags by which the mining pages show energy, money, percentages and months."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

from django import template
from django.utils.translation import get_language

from khazana.ledger.money import minor_digits
from khazana.portal.formatting.bidi import SafeText, ltr_html, name_html, visible
from khazana.portal.formatting.dates import month_text
from khazana.portal.formatting.figures import fiat_html, short_fiat_html
from khazana.portal.formatting.numbers import decimal_text, percent_text

register = template.Library()
Number = Decimal | Fraction | int | str
"""A text is a decimal as parts of a statement write it."""


def language_now() -> str:
    return (get_language() or "en").partition("-")[0]


def rounded(value: Number, places: int) -> str:
    """Half to even, its thousands apart."""
    return decimal_text(round(Fraction(value) * 10**places), places=places)


@register.simple_tag
def measured(value: Number, unit: str, places: int = 0) -> SafeText:
    """A quantity with its unit, rounded; the files behind the page have it exactly."""
    return ltr_html(f"{rounded(value, places)} {unit}", css="amount")


@register.filter
def plain_places(value: Number, places: int) -> SafeText:
    """The same without a unit, for columns whose heading says it."""
    return ltr_html(rounded(value, places), css="amount")


@register.filter
def percent(value: Number) -> SafeText:
    """A number of per cent, to a tenth where that says it exactly, else to a hundredth."""
    share = Fraction(value) / 100
    places = 1 if (share * 1000).denominator == 1 else 2
    return ltr_html(percent_text(share, language=language_now(), places=places), css="amount")


@register.filter
def in_title(name: str) -> str:
    """A name as plain text for the page's title: nothing in it hides or turns text around."""
    return visible(name)


@register.filter
def month_name(month: str) -> SafeText:
    """2026-01 as January 2026."""
    return name_html(month_text(first_day(month), language=language_now()))


@register.filter
def month_in_title(month: str) -> str:
    """The same without markup."""
    return month_text(first_day(month), language=language_now())


def first_day(month: str) -> date:
    """The first day of a month that a part names."""
    return date.fromisoformat(f"{month}-01")


@register.simple_tag
def worth_money(amount: Number, currency: str) -> SafeText:
    """Money in its minor unit; a currency that ISO 4217 does not know stands as it was said."""
    places = minor_digits().get(currency)
    if places is None:
        return ltr_html(f"{currency} {rounded(amount, 2)}", css="amount fiat")
    minor = round(Fraction(amount) * 10**places)
    return fiat_html(minor, currency, language=language_now())


@register.simple_tag
def worth_money_short(amount: Number, currency: str) -> SafeText:
    """The same in the scale that people count in: million, crore."""
    places = minor_digits().get(currency)
    if places is None:
        return worth_money(amount, currency)
    minor = round(Fraction(amount) * 10**places)
    return short_fiat_html(minor, currency, language=language_now())


@register.filter
def hours(value: Number) -> SafeText:
    """Hours to a hundredth; a whole number of them without decimals."""
    exact = Fraction(value)
    return ltr_html(f"{rounded(exact, 0 if exact.denominator == 1 else 2)} h", css="amount")
