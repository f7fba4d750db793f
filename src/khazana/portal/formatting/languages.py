"""The four languages of the portal, their direction and the locale their dates follow."""

from typing import Final, Literal, TypeGuard

Language = Literal["en", "ur", "ar", "es"]

LANGUAGES: Final[tuple[Language, ...]] = ("en", "ur", "ar", "es")

# English as Pakistan writes dates (22 November 2026); Spanish as El Salvador writes numbers.
_LOCALES: Final[dict[Language, str]] = {"en": "en_PK", "ur": "ur", "ar": "ar", "es": "es_SV"}


def _is_language(code: str) -> TypeGuard[Language]:
    return code in LANGUAGES


def language_of(code: str) -> Language:
    """The language of a code with or without a region; ValueError for one we do not speak.

    >>> language_of("es-sv"), language_of("ar_AE"), language_of("UR")
    ('es', 'ar', 'ur')
    >>> language_of("fr")
    Traceback (most recent call last):
    ValueError: no language 'fr': one of en, ur, ar, es
    """
    base = code.replace("_", "-").partition("-")[0].lower()
    if not _is_language(base):
        raise ValueError(f"no language {code!r}: one of {', '.join(LANGUAGES)}")
    return base


def locale_of(language: str) -> str:
    """The CLDR locale whose words for months and whose order of a date are used."""
    return _LOCALES[language_of(language)]


def is_rtl(language: str) -> bool:
    """Whether the language is written from right to left."""
    return language_of(language) in ("ur", "ar")


def direction_of(language: str) -> Literal["ltr", "rtl"]:
    """The value of an HTML `dir` attribute."""
    return "rtl" if is_rtl(language) else "ltr"
