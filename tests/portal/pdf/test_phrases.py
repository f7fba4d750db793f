import string

import pytest

from khazana.ledger.documents import Reason
from khazana.portal.formatting.languages import LANGUAGES
from khazana.portal.pdf.phrases import phrase, sentence, table
from khazana.portal.pdf.runs import code, figure, name, printable, words
from khazana.portal.words.read import word
from khazana.reserve.parts import BODIES

PHRASES = [(section, key) for section, keys in table().items() for key in keys]
ARABIC_SCRIPT = ("ur", "ar")


@pytest.mark.parametrize(("section", "key"), PHRASES, ids=str)
def test_every_phrase_has_the_same_places_in_every_language(section, key):
    texts = table()[section][key]
    places = {
        language: sorted(f for _, f, _, _ in string.Formatter().parse(text) if f is not None)
        for language, text in texts.items()
    }
    assert len({tuple(found) for found in places.values()}) == 1
    assert all(text == printable(text) for text in texts.values()), "a character cannot be printed"


@pytest.mark.parametrize(("section", "key"), PHRASES, ids=str)
def test_no_translation_is_left_in_english(section, key):
    texts = table()[section][key]
    for language in ("ur", "ar"):
        letters = [c for c in texts[language] if c.isalpha()]
        assert any("\u0600" <= c <= "\u06ff" for c in letters)
    # "Red" and "Period" are near their English; equal ones would be an omission.
    assert texts["es"] != texts["en"]


def test_the_glossary_s_terms_are_used_as_they_stand():
    assert phrase("heading", "title", language="ur") == "ریزرو کا گوشوارہ"
    assert phrase("heading", "title", language="ar") == "بيان الاحتياطي"
    assert phrase("heading", "verify", language="es") == "Verifíquelo usted mismo"
    assert phrase("notice", "test", language="ar") == "شبكة تجريبية، أرقام غير حقيقية"
    assert phrase("label", "grade", language="ur") == "ثبوت کا درجہ"
    assert phrase("label", "perimeters", language="ur") == "گنتی میں شامل ادارے"


def test_every_kind_of_part_and_every_reason_has_words():
    assert set(table()["part"]) == set(BODIES) - {"header"} | {"closing_coins"}
    for reason in Reason:
        for language in LANGUAGES:
            assert word("reason", reason.value, language) == printable(
                word("reason", reason.value, language)
            )


def test_a_sentence_keeps_words_and_figures_apart():
    runs = sentence("summary", "change", language="ar", amount=figure("-5 BTC"))
    assert [(run.text, run.direction) for run in runs] == [
        ("التغيّر خلال الفترة: ", None),
        ("-5 BTC", "ltr"),
        (".", None),
    ]


def test_names_run_in_the_direction_of_their_first_letter():
    assert name("Oficina").direction == "ltr"
    assert name("1. دفتر").direction == "rtl"
    assert name("123").direction == "ltr"
    assert code("ab").mono
    assert words("\u2066x\u2069").text == "x"
