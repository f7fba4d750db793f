"""The page as a file: one piece, no address, built from the program's own shapes and words."""

import re
from html import escape

import pytest

from khazana.reserve.parts import parts_json_schema
from khazana.reserve.verify import ORDER
from khazana.statement.browser_page.assemble import assembled, scripts, text_of
from khazana.statement.browser_page.build import (
    page,
    page_schemas,
    page_words,
    without_prose,
)
from tests.statement.agreement import HERE


def test_the_page_is_one_file_that_names_no_address():
    text = page().decode()
    assert page() == text.encode()
    assert "eval(" not in text
    assert "innerHTML" not in text
    for tag in ("<link", "<img", "<iframe", "src=", "@import", "url("):
        assert tag not in text, tag
    addresses = {word for word in text.split('"') if word.startswith(("http:", "https:"))}
    assert addresses == set()


def test_the_shapes_are_those_of_the_program():
    parts = page_schemas()["parts"]
    assert parts == without_prose(parts_json_schema())


def test_a_shape_that_the_page_would_not_obey_stops_the_build():
    with pytest.raises(ValueError, match="multipleOf"):
        without_prose({"type": "integer", "multipleOf": 2})


def test_the_checks_are_named_and_ordered_as_the_programs():
    assert tuple(page_words()["check"]) == ORDER


def test_the_words_of_checks_and_verdicts_are_the_portals():
    import tomllib
    from importlib.resources import files

    text = (files("khazana.portal.words") / "data" / "words.toml").read_text(encoding="utf-8")
    portal = tomllib.loads(text)
    words = page_words()
    assert words["verdict"] == portal["check_status"]
    assert words["check"] == {name: portal["check"][name] for name in ORDER}


def test_script_that_would_end_its_element_is_refused():
    with pytest.raises(ValueError, match="its own element"):
        assembled(html="@CSP@@STYLE@@SCRIPT@", style="", script=("'</script>'",))
    with pytest.raises(ValueError, match="0 places for @CSP@"):
        assembled(html="@STYLE@@SCRIPT@", style="", script=("1",))


def test_every_word_of_the_page_is_said_somewhere():
    text = scripts("dom", "page") + text_of("page.html")
    words = page_words()
    unsaid = [key for key in words["page"] if f'"{key}"' not in text and f".{key}[" not in text]
    assert [key for key in unsaid if not key.startswith("conclusion_")] == []
    assert set(words["limit"]) == set(HERE)


def test_the_page_speaks_english_before_its_script_runs():
    text = page().decode()
    start = text[text.index("<body>") : text.index("<script>")]
    for key in re.findall(r'data-word="(\w+)"', start):
        assert f">{escape(page_words()['page'][key]['en'])}</" in start


def test_the_page_fits_on_a_slow_line():
    assert len(page()) < 150_000
