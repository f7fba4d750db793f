"""Words for reasons, lanes, grades, checks and verdicts: one table, four languages, no gaps."""

import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib import resources

LANGUAGES = ("en", "ur", "ar", "es")
"""The portal's languages, in the order in which a page offers them."""
WORDS_FORMAT = "khazana.words/1"

Table = Mapping[str, Mapping[str, Mapping[str, str]]]
"""kind -> key -> language -> text."""


def word(kind: str, key: str, language: str) -> str:
    """What a value is called. key: the value as a statement carries it.

    A value that has no words is our own mistake; `keys_of` says which there are.

    >>> word("reason", "transfer", "es")
    'transferencia interna'
    """
    if language not in LANGUAGES:
        raise ValueError(f"{language!r} is not one of the languages {', '.join(LANGUAGES)}")
    if key not in keys_of(kind):
        raise ValueError(f"no words for {kind} {key!r}; add them to words/data/words.toml")
    return _shipped()[kind][key][language]


def word_or_text(kind: str, text: str, language: str) -> str:
    """The word for a text that an office may choose freely, such as a sector; else the text itself.

    >>> word_or_text("sector", "ministry of tides", "ar")
    'ministry of tides'
    """
    return word(kind, text, language) if text in keys_of(kind) else text


def keys_of(kind: str) -> tuple[str, ...]:
    """The values of a kind that have words, in the order of the table."""
    table = _shipped()
    if kind not in table:
        raise ValueError(f"no kind of words is called {kind!r}; there are {', '.join(table)}")
    return tuple(table[kind])


def kinds() -> tuple[str, ...]:
    """What there are words for."""
    return tuple(_shipped())


def read_words(text: str) -> Table:
    """A table of words, complete in every language; ValueError names the first gap.

    >>> read_words('format = "khazana.words/1"\\n[direction]\\nfloor = { en = "floor" }')
    Traceback (most recent call last):
    ValueError: words: direction.floor needs exactly the languages en, ur, ar, es
    """
    document = tomllib.loads(text)
    if document.pop("format", None) != WORDS_FORMAT:
        raise ValueError(f'words: this program reads format = "{WORDS_FORMAT}"')
    for kind, keys in document.items():
        if not isinstance(keys, dict) or not keys:
            raise ValueError(f"words: [{kind}] has no words")
        for key, said in keys.items():
            if not isinstance(said, dict) or set(said) != set(LANGUAGES):
                languages = ", ".join(LANGUAGES)
                raise ValueError(f"words: {kind}.{key} needs exactly the languages {languages}")
            for language, text_said in said.items():
                _refuse_bad_text(f"{kind}.{key}.{language}", text_said)
    return document


def _refuse_bad_text(where: str, text: object) -> None:
    if not isinstance(text, str) or not text.strip() or text != text.strip():
        raise ValueError(f"words: {where} is empty or has spaces around it")
    if unicodedata.normalize("NFC", text) != text:
        raise ValueError(f"words: {where} is not in Unicode's NFC form")
    # Direction is the page's to set; an unseen mark in a word turns its neighbours around.
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Co") for sign in text):
        raise ValueError(f"words: {where} holds a control character")


@cache
def _shipped() -> Table:
    file = resources.files("khazana.portal.words").joinpath("data", "words.toml")
    return read_words(file.read_text(encoding="utf-8"))
