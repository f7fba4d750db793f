"""Amounts in words, exact to the satoshi or the cent, in the scale that the language counts in."""

from dataclasses import dataclass
from typing import Final

from khazana.ledger.money import minor_digits
from khazana.portal.formatting.amounts import grouping_of
from khazana.portal.formatting.languages import language_of
from khazana.portal.formatting.numbers import Grouping
from khazana.portal.formatting.words_arabic import CountedNoun, arabic, counted
from khazana.portal.formatting.words_english import english
from khazana.portal.formatting.words_spanish import Gender, needs_de, spanish
from khazana.portal.formatting.words_urdu import urdu
from khazana.units import SATS_PER_BTC


@dataclass(frozen=True)
class _Noun:
    """What is counted: singular and plural in English, Urdu and Spanish, all forms in Arabic."""

    en: tuple[str, str]
    ur: tuple[str, str]
    es: tuple[str, str]
    es_gender: Gender
    ar: CountedNoun


# Arabic counts "a unit of bitcoin", so that the loanword itself need not be declined.
_BITCOIN: Final = _Noun(
    en=("bitcoin", "bitcoin"),
    ur=("بٹ کوائن", "بٹ کوائن"),
    es=("bitcoin", "bitcoins"),
    es_gender="masculine",
    ar=CountedNoun(
        "feminine",
        "وحدة بيتكوين واحدة",
        "وحدتا بيتكوين",
        "وحدات بيتكوين",
        "وحدة بيتكوين",
        "وحدة بيتكوين",
    ),
)
_SATOSHI: Final = _Noun(
    en=("satoshi", "satoshis"),
    ur=("ساتوشی", "ساتوشی"),
    es=("satoshi", "satoshis"),
    es_gender="masculine",
    ar=CountedNoun(
        "feminine",
        "وحدة ساتوشي واحدة",
        "وحدتا ساتوشي",
        "وحدات ساتوشي",
        "وحدة ساتوشي",
        "وحدة ساتوشي",
    ),
)
_MONEY: Final[dict[str, tuple[_Noun, _Noun]]] = {
    "USD": (
        _Noun(
            en=("US dollar", "US dollars"),
            ur=("امریکی ڈالر", "امریکی ڈالر"),
            es=("dólar estadounidense", "dólares estadounidenses"),
            es_gender="masculine",
            ar=CountedNoun(
                "masculine",
                "دولار أمريكي واحد",
                "دولاران أمريكيان",
                "دولارات أمريكية",
                "دولارًا أمريكيًا",
                "دولار أمريكي",
            ),
        ),
        _Noun(
            en=("cent", "cents"),
            ur=("سینٹ", "سینٹ"),
            es=("centavo", "centavos"),
            es_gender="masculine",
            ar=CountedNoun("masculine", "سنت واحد", "سنتان", "سنتات", "سنتًا", "سنت"),
        ),
    ),
    "PKR": (
        _Noun(
            en=("Pakistani rupee", "Pakistani rupees"),
            ur=("پاکستانی روپیہ", "پاکستانی روپے"),
            es=("rupia pakistaní", "rupias pakistaníes"),
            es_gender="feminine",
            ar=CountedNoun(
                "feminine",
                "روبية باكستانية واحدة",
                "روبيتان باكستانيتان",
                "روبيات باكستانية",
                "روبية باكستانية",
                "روبية باكستانية",
            ),
        ),
        _Noun(
            en=("paisa", "paisas"),
            ur=("پیسہ", "پیسے"),
            es=("paisa", "paisas"),
            es_gender="feminine",
            ar=CountedNoun("feminine", "بيسة واحدة", "بيستان", "بيسات", "بيسة", "بيسة"),
        ),
    ),
}
CURRENCIES_IN_WORDS: Final = frozenset(_MONEY)

_MINUS: Final = {"en": "minus ", "ur": "منفی ", "ar": "سالب ", "es": "menos "}
_AND: Final = {"en": " and ", "ur": " اور ", "ar": " و", "es": " y "}


def number_words(number: int, *, language: str, grouping: Grouping = "thousands") -> str:
    """A whole number in words, counting nothing in particular.

    grouping: English in lakh and crore where rupees are counted; Urdu always counts so.
    """
    spoken = language_of(language)
    if spoken == "en":
        return english(number, grouping=grouping)
    if spoken == "ur":
        return urdu(number)
    return arabic(number) if spoken == "ar" else spanish(number)


def btc_words(sats: int, *, language: str) -> str:
    """An amount of bitcoin in words, exact.

    >>> btc_words(150_000_000, language="en")
    'one bitcoin and fifty million satoshis'
    """
    return _two_units(sats, SATS_PER_BTC, _BITCOIN, _SATOSHI, language, "thousands")


def fiat_words(minor: int, currency: str, *, language: str) -> str:
    """An amount of money in words, exact; for the currencies in CURRENCIES_IN_WORDS.

    >>> fiat_words(20_000_000_50, "PKR", language="en")
    'two crore Pakistani rupees and fifty paisas'
    """
    if currency not in _MONEY:
        known = ", ".join(sorted(CURRENCIES_IN_WORDS))
        raise ValueError(f"no words for {currency}: one of {known}")
    whole, part = _MONEY[currency]
    grouping = grouping_of(currency, language)
    return _two_units(minor, 10 ** minor_digits()[currency], whole, part, language, grouping)


def _two_units(
    amount: int, per_whole: int, whole: _Noun, part: _Noun, language: str, grouping: Grouping
) -> str:
    """So many wholes and so many parts; a unit of which there is none is left out."""
    spoken = language_of(language)
    wholes, parts = divmod(abs(amount), per_whole)
    said = []
    if wholes or not parts:
        said.append(_counted(wholes, whole, spoken, grouping))
    if parts:
        said.append(_counted(parts, part, spoken, grouping))
    return (_MINUS[spoken] if amount < 0 else "") + _AND[spoken].join(said)


def _counted(number: int, noun: _Noun, language: str, grouping: Grouping) -> str:
    if language == "ar":
        return counted(number, noun.ar)
    if language == "es":
        words = spanish(number, gender=noun.es_gender, before_noun=True)
        return f"{words}{' de' if needs_de(number) else ''} {noun.es[number != 1]}"
    if language == "ur":
        return f"{urdu(number)} {noun.ur[number != 1]}"
    return f"{english(number, grouping=grouping)} {noun.en[number != 1]}"
