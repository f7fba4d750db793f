"""The tags by which pages show amounts, names, dates and words: thin doors to `formatting`."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from django import template
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import get_language

from khazana.portal.formatting.amounts import btc_text, short_btc_text
from khazana.portal.formatting.bidi import SafeText, ltr_html, name_html, visible
from khazana.portal.formatting.dates import date_html, instant_html
from khazana.portal.formatting.figures import (
    btc_html,
    code_html,
    count_html,
    fiat_html,
    height_html,
    short_fiat_html,
)
from khazana.portal.formatting.numbers import decimal_text, grouped
from khazana.portal.formatting.words import btc_words, fiat_words
from khazana.portal.project.frame import in_language
from khazana.portal.words.read import word, word_or_text

register = template.Library()


def _language() -> str:
    return (get_language() or "en").partition("-")[0]


@register.filter
def btc(sats: int) -> SafeText:
    """Satoshis as bitcoin, eight decimals, isolated from the text around it."""
    return btc_html(sats)


@register.filter
def btc_change(sats: int) -> SafeText:
    """The same with its sign, for what was gained or given."""
    return btc_html(sats, signed=True)


@register.filter
def btc_given(sats: int) -> SafeText:
    """What was given: the amount with a minus sign, without its unit."""
    return btc_html(-sats, unit=False)


@register.filter
def btc_fee(sats: int) -> SafeText:
    """A fee as the change that it makes."""
    return btc_html(-sats)


@register.filter
def btc_plain(sats: int) -> SafeText:
    """Without its unit, for columns whose heading says it."""
    return btc_html(sats, unit=False)


@register.filter
def btc_short(sats: int) -> SafeText:
    """Two decimals, for a headline; the exact figure stands beside it."""
    return ltr_html(short_btc_text(sats))


@register.filter
def btc_in_words(sats: int) -> str:
    return btc_words(sats, language=_language())


@register.simple_tag
def money(minor: int, currency: str) -> SafeText:
    """An amount in minor units of a currency."""
    return fiat_html(minor, currency, language=_language())


@register.simple_tag
def money_short(minor: int, currency: str) -> SafeText:
    """In the scale that people count in: million, crore, arab."""
    return short_fiat_html(minor, currency, language=_language())


@register.simple_tag
def money_in_words(minor: int, currency: str) -> str:
    return fiat_words(minor, currency, language=_language())


@register.filter
def in_groups(value: str | Decimal) -> SafeText:
    """A number that a document writes plainly, with its thousands apart; other text as it is."""
    text = f"{value:f}" if isinstance(value, Decimal) else value
    if re.fullmatch(r"-?[0-9]+", text):
        text = grouped(int(text))
    elif re.fullmatch(r"-?[0-9]+\.[0-9]+", text):
        whole, _, fraction = text.partition(".")
        text = decimal_text(int(whole + fraction), places=len(fraction))
    return ltr_html(text, css="amount")


@register.filter
def height(number: int) -> SafeText:
    return height_html(number)


@register.filter
def count(number: int) -> SafeText:
    return count_html(number)


@register.filter
def code(text: str) -> SafeText:
    """A hash, an address, a command: left to right, one width."""
    return code_html(text)


@register.filter
def named(names: Mapping[str, str]) -> SafeText:
    """A name given in several languages, in the reader's."""
    return name_html(in_language(dict(names), _language()))


@register.filter
def named_text(names: Mapping[str, str]) -> str:
    """The name as plain text, for titles and the entries of lists."""
    return visible(in_language(dict(names), _language()))


@register.simple_tag
def quantity(amount: Decimal, unit: str) -> SafeText:
    """A decimal with its unit, such as a condition's limit: Latin digits in every language."""
    return ltr_html(f"{amount:,f} {unit}", css="amount")


@register.filter
def as_said(text: str) -> SafeText:
    """Somebody's own words: isolated, and nothing in them hides or turns the text around."""
    return name_html(str(text))


@register.filter
def btc_copied(sats: int) -> str:
    """Satoshis as bitcoin in plain text, for what is copied elsewhere."""
    return btc_text(sats)


@register.filter
def day(value: date | datetime) -> SafeText:
    return date_html(value.date() if isinstance(value, datetime) else value, language=_language())


@register.simple_tag
def day_in(value: datetime, zone: str) -> SafeText:
    """The date that an instant had in the office's zone."""
    return date_html(value.astimezone(ZoneInfo(zone)).date(), language=_language())


@register.filter
def instant(value: datetime) -> SafeText:
    return instant_html(value, language=_language())


@register.filter
def said(key: str, kind: str) -> str:
    """A room's word (a reason, a lane, a grade, a verdict) in the reader's language."""
    return word(kind, key, _language())


@register.filter
def said_or_text(text: str, kind: str) -> str:
    return visible(word_or_text(kind, text, _language()))


@register.simple_tag(takes_context=True)
def section(context: dict[str, Any], page: str, name: str) -> SafeText:
    """The link to a section; the one that is open is marked, so is it on the pages below it."""
    address, path = reverse(page), context["request"].path
    current = ""
    if path == address:
        current = ' aria-current="page"'
    elif page != "home" and path.startswith(address):
        current = ' aria-current="true"'
    return SafeText(f'<a href="{escape(address)}"{current}>{escape(name)}</a>')


@register.simple_tag(takes_context=True)
def in_other_language(context: dict[str, Any], language: str) -> str:
    """The address of this page in another language, with what was asked for."""
    request = context["request"]
    query = request.META.get("QUERY_STRING", "")
    path = f"/{language}/{context['path_without_language']}"
    return f"{path}?{query}" if query else path


@register.simple_tag(takes_context=True)
def same_statement(context: dict[str, Any], before: str = "", behind: str = "") -> SafeText:
    """What a link carries to stay with the statement that the reader asked for; else nothing.

    before, behind: what joins it to the rest of the address: `?`, `&`.
    """
    root = context["request"].GET.get("statement", "")
    return SafeText(escape(f"{before}statement={quote(root)}{behind}") if root else "")


@register.simple_tag
def name_of_wallet(ident: str, names: Mapping[str, Mapping[str, str]]) -> SafeText:
    """An account's name, or its id where the published view does not name it."""
    return named(names[ident]) if ident in names else name_html(ident)
