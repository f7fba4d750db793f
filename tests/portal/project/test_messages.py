"""The catalogues: every word in every language, in step with the pages that say it."""

import gettext
import io
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from khazana.portal.project import messages

DOCS = Path(__file__).resolve().parents[3] / "docs"
PLACEHOLDER = re.compile(r"%\(\w+\)s|</?\w+>")
FORMS = {"ur": 2, "ar": 6, "es": 3}
OPENS, CLOSES = "\u2066\u2067\u2068\u202a\u202b\u202d\u202e", "\u2069\u202c"
LATIN_WORDS = {"json", "khazana", "verify", "sha", "pdf"}
"""What is written the same in every script: formats and the names of commands."""
SAME = {"Auditor", "Sector", "Portal"}
"""English words that are also the right word of another language."""


def each() -> Iterator[tuple[str, str]]:
    for app in messages.apps():
        if any(message.id for message in messages.words_of(app)):
            for language in messages.LANGUAGES:
                yield app.name, language


CASES = pytest.mark.parametrize(("name", "language"), sorted(each()))


def known(name: str, language: str) -> Catalog:
    return messages.read_catalogue(messages.catalogue(messages.PORTAL / name, language), language)


def said(name: str, language: str) -> Iterator[tuple[Message, str, str]]:
    """Each message with the English and the translation of each of its forms."""
    for message in known(name, language):
        if not message.id:
            continue
        if isinstance(message.id, str):
            yield message, message.id, str(message.string)
        else:
            for form in message.string:
                yield message, message.id[1], form


@CASES
def test_a_catalogue_is_in_step_with_its_pages(name, language):
    app = messages.PORTAL / name
    path = messages.catalogue(app, language)
    now = messages.po_bytes(messages.in_step(app, language), language)
    assert path.read_bytes() == now, "run python -m khazana.portal.project.messages"


@CASES
def test_the_compiled_catalogue_is_fresh(name, language):
    path = messages.catalogue(messages.PORTAL / name, language)
    made = messages.mo_bytes(path.read_bytes(), language)
    assert path.with_suffix(".mo").read_bytes() == made


@CASES
def test_nothing_is_empty_fuzzy_or_left_in_english(name, language):
    for message, english, text in said(name, language):
        assert text.strip(), english
        assert not message.fuzzy, english
        assert text != english or english in SAME, english


@CASES
def test_placeholders_and_markup_are_the_same(name, language):
    for message, english, text in said(name, language):
        wanted, found = (set(PLACEHOLDER.findall(each)) for each in (english, text))
        if isinstance(message.id, str):
            assert sorted(PLACEHOLDER.findall(english)) == sorted(PLACEHOLDER.findall(text))
        else:  # "one movement" may be said in words
            assert found <= wanted, text
            assert found == wanted or text in message.string[1:3], text


@CASES
def test_there_is_a_form_for_every_number(name, language):
    path = messages.catalogue(messages.PORTAL / name, language)
    assert f"nplurals={FORMS[language]};" in path.read_text(encoding="utf-8")
    for message in known(name, language):
        if message.id and not isinstance(message.id, str):
            assert len(message.string) == FORMS[language], message.id


@CASES
def test_no_words_are_left_in_latin_letters(name, language):
    if language == "es":
        return
    for _, english, text in said(name, language):
        words = re.findall(r"[A-Za-z]+", PLACEHOLDER.sub("", text))
        assert {word.lower() for word in words} <= LATIN_WORDS, english
        assert any("\u0600" <= char <= "\u06ff" for char in text), english


@CASES
def test_marks_of_direction_are_balanced_and_nothing_is_hidden(name, language):
    for _, english, text in said(name, language):
        depth = 0
        for char in text:
            depth += (char in OPENS) - (char in CLOSES)
            assert depth >= 0, english
            assert unicodedata.category(char) not in ("Cc", "Cs", "Co", "Cn"), english
        assert depth == 0, english
        assert text == unicodedata.normalize("NFC", text), english


@CASES
def test_urdu_and_arabic_use_their_own_letters_and_stops(name, language):
    foreign = {"ur": "كيى", "ar": "کیہھےں", "es": ""}[language]
    for _, english, text in said(name, language):
        assert not set(text) & set(foreign), f"{english}: {text}"
        if language == "ur" and english.endswith("."):
            assert text.endswith("۔"), english
        elif english.endswith("."):
            assert text.endswith("."), english


def glossary() -> dict[str, dict[str, str]]:
    """English term -> language -> the glossary's word, from its table."""
    terms: dict[str, dict[str, str]] = {}
    for line in (DOCS / "glossary.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| ") or len(cells) != 4 or cells[0] == "English":
            continue
        columns = [re.sub(r" \([^)]*\)", "", cell).split(" / ") for cell in cells]
        if len({len(column) for column in columns}) == 1:
            for english, *others in zip(*columns, strict=True):
                terms[english.lower()] = dict(zip(("ur", "ar", "es"), others, strict=True))
    return terms


def test_the_glossary_is_read():
    assert glossary()["check it yourself"]["ur"] == "خود جانچیں"
    assert glossary()["headroom"]["es"] == "margen disponible"


@CASES
def test_glossary_words_are_used_exactly(name, language):
    terms = glossary()
    for _, english, text in said(name, language):
        if english.lower() in terms:
            assert text.lower() == terms[english.lower()][language], english


def test_the_same_english_is_translated_the_same_in_every_app():
    found: dict[tuple[str, str], set[str]] = {}
    for name, language in each():
        for message, english, text in said(name, language):
            if isinstance(message.id, str):
                found.setdefault((language, english), set()).add(text)
    assert {key: texts for key, texts in found.items() if len(texts) > 1} == {}


@pytest.mark.parametrize("language", messages.LANGUAGES)
@pytest.mark.parametrize("number", [0, 1, 2, 3, 11, 100, 1_000_000])
def test_numbers_of_movements_are_said(language, number):
    path = messages.catalogue(messages.PORTAL / "reserve", language).with_suffix(".mo")
    catalogue = gettext.GNUTranslations(io.BytesIO(path.read_bytes()))
    text = catalogue.ngettext("%(n)s movement", "%(n)s movements", number) % {"n": number}
    assert "movement " not in f"{text} "
    if (language, number) not in {("ar", 1), ("ar", 2)}:
        assert str(number) in text
    expected = {
        ("es", 1_000_000): "1000000 de movimientos",
        ("es", 1): "1 movimiento",
        ("ar", 2): "حركتان",
        ("ar", 3): "3 حركات",
        ("ar", 11): "11 حركة",
    }
    if (language, number) in expected:
        assert text == expected[language, number]
