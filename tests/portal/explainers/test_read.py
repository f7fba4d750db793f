import html
import math
import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.cli.main import main
from khazana.ledger.grades import EvidenceGrade
from khazana.portal.explainers.read import (
    SLUGS,
    Places,
    explainer,
    explainers,
    shape,
    source,
    to_page,
)
from khazana.portal.words.read import LANGUAGES, keys_of, word
from khazana.reserve.claims.read import by_id, read_claims

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "src" / "khazana" / "portal" / "explainers" / "data"
OTHERS = [language for language in LANGUAGES if language != "en"]


def test_every_explainer_stands_in_every_language_and_nothing_else_lies_beside_them():
    expected = {f"{slug}.{language}.md" for slug in SLUGS for language in LANGUAGES}
    assert {path.name for path in DATA.iterdir()} == expected


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_blocks_links_code_and_figures(slug, language):
    assert shape(source(slug, language)) == shape(source(slug, "en"))


TWO = "# Title\n\nOn 22 May, see [a](claim:x) and `b`.\n\n- one\n- **two**\n"


@pytest.mark.parametrize(
    "changed",
    [
        TWO.replace("22", "23"),
        TWO.replace("claim:x", "claim:y"),
        TWO.replace("`b`", "`c`"),
        TWO.replace("- one\n", ""),
        TWO.replace("**two**", "two"),
        TWO.replace("\n\n-", "\n\nMore.\n\n-"),
        TWO + "\n## More\n",
    ],
)
def test_a_translation_that_lacks_something_has_another_shape(changed):
    assert shape(changed) != shape(TWO)


@pytest.mark.parametrize("slug", SLUGS)
def test_every_page_has_a_title_of_its_own_language_and_no_line_of_the_english(slug):
    pages = {language: explainer(slug, language) for language in LANGUAGES}
    assert len({page.title for page in pages.values()}) == 4
    english = [line for line in source(slug, "en").splitlines() if len(line.split()) > 3]
    code = shape(source(slug, "en"))["code"]
    for language in OTHERS:
        lines = source(slug, language).splitlines()
        repeated = [line for line in english if line in lines]
        assert [line for line in repeated if f"{line}\n" not in code] == []
    for language in ("ur", "ar"):
        # Latin is for names, code and figures alone.
        words = re.sub("<[^>]+>", " ", pages[language].html)
        assert len(re.findall("[\u0600-\u06ff]", words)) > 5 * len(re.findall("[A-Za-z]", words))


@pytest.mark.parametrize("slug", SLUGS)
def test_each_script_keeps_to_its_own_letters(slug):
    # Urdu has its own k, y and h; Arabic ones in their place are a slip, and the other way round.
    assert not re.search("[\u0643\u064a\u0649\u0629]", source(slug, "ur"))
    assert not re.search("[\u06a9\u06cc\u06c1\u06d2\u06ba\u0679]", source(slug, "ar"))
    for language in LANGUAGES:
        assert not re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", source(slug, language))
        assert not re.search("[\u0660-\u0669\u06f0-\u06f9]", source(slug, language))


GLOSSED = {
    "what-a-proof-shows": ["reserve statement", "closing block"],
    "check-it-yourself": ["check it yourself", "passed / failed / not checkable"],
    "evidence-grades": ["unexplained"],
    "addresses-and-liabilities": ["customer balances owed", "legal lane"],
    "two-bars": ["internal transfer", "reporting perimeter"],
    "proof-of-control": ["proof of control"],
    "lenders-conditions": ["voluntary accumulation", "performance criterion", "ceiling", "lender"],
    "mining-evidence": ["detection limit", "surplus power", "load-shedding"],
    "detection-limit": ["detection limit"],
    "solvency-coverage": ["coverage", "no-objection certificate"],
}


def glossary() -> dict[str, list[str]]:
    text = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    terms = {}
    for line in text.splitlines():
        row = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(row) == 4:
            terms[row[0]] = row
            split = [cell.split(" / ") for cell in row]
            if len({len(parts) for parts in split}) == 1:
                terms |= {parts[0]: list(parts) for parts in zip(*split, strict=True)}
    return terms


def spoken(language: str, text: str) -> str:
    """The words without signs and links; Spanish and English in small letters."""
    text = re.sub(r"\]\([^)]*\)", "", text)
    text = re.sub(r"[^\w\s/-]", "", text) if language in ("ur", "ar") else text.lower()
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("slug", GLOSSED)
def test_terms_of_the_glossary_are_used_exactly(slug):
    rows = glossary()
    for english in GLOSSED[slug]:
        for place, language in enumerate(LANGUAGES):
            text = spoken(language, source(slug, language))
            for term in rows[english][place].split(" / "):
                # Plurals of the languages that add an s.
                wanted = [spoken(language, term), spoken(language, term) + "s"]
                if language == "es":
                    wanted.append(" ".join(part + "s" for part in wanted[0].split()))
                assert any(one in text for one in wanted), (language, term)


def test_the_answers_of_a_check_are_called_as_everywhere():
    for language in LANGUAGES:
        text = explainer("check-it-yourself", language).html.lower()
        for key in keys_of("check_status"):
            assert f"<strong>{word('check_status', key, language).lower()}</strong>" in text


def test_the_verdicts_of_the_accumulation_test_are_called_as_everywhere():
    for language in LANGUAGES:
        text = explainer("lenders-conditions", language).html.lower()
        for key in keys_of("accumulation"):
            assert f"<strong>{word('accumulation', key, language).lower()}</strong>" in text


def test_the_page_of_grades_has_each_grade():
    for language in LANGUAGES:
        for grade in EvidenceGrade:
            assert f"<strong>{grade.value}</strong>" in explainer("evidence-grades", language).html


def test_claims_that_pages_link_to_are_in_the_register():
    claims = by_id(read_claims())
    linked = {
        link.removeprefix("claim:")
        for slug in SLUGS
        for link in shape(source(slug, "en"))["links"]
        if link.startswith("claim:")
    }
    assert len(linked) >= 12
    assert linked <= claims.keys()


def test_questions_of_law_are_answered_by_citation_only():
    opening, *answers = source("questions-of-law", "en").split("\n## ")
    assert "by citation only" in opening
    assert len(answers) >= 4
    for answer in answers:
        assert "](" in answer, "every answer cites"


def checks_needed(omitted: float) -> int:
    """Rule of the sampling table: 1 - (1 - f)^v reaches 95 per cent."""
    return math.ceil(math.log(1 - 0.95) / math.log(1 - omitted))


@pytest.mark.parametrize(("share", "text"), [(0.01, "299"), (0.001, "2,995")])
def test_the_checks_by_customers_are_as_many_as_probability_asks(share, text):
    assert f"{checks_needed(share):,}" == text
    for language in LANGUAGES:
        assert text in source("solvency-coverage", language)


def test_the_commands_are_ones_that_the_program_takes(tmp_path, capsys):
    statement = tmp_path / "statement.json"
    statement.write_text("{}")
    commands = [
        code for code in shape(source("check-it-yourself", "en"))["code"] if "khazana" in code
    ]
    assert commands
    for command in commands:
        name, *arguments = shlex.split(command)
        assert name == "khazana"
        put = {
            "statement.json": str(statement),
            "core:URL": f"core:{tmp_path / 'absent'}",
            "FINGERPRINT": "ab" * 32,
        }
        main([put.get(argument, argument) for argument in arguments])
        assert "usage:" not in capsys.readouterr().err


# What becomes HTML


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_hold_nothing_inline_and_only_links_of_ours_or_https(language):
    for page in explainers(language):
        assert not re.search(r"<(?!/?(?:p|h2|ul|ol|li|a|bdi|code|pre|strong|em)\b)", page.html)
        assert not re.search(r"\s(?:style|on\w+|class|id)=", page.html)
        for link in re.findall('href="([^"]*)"', page.html):
            assert re.match(r"https://|\.\./", link), link
        assert "<h1" not in page.html


def test_links_lead_where_the_portal_says():
    places = Places(explainer="/e/{}", claim="/c/{}")
    assert 'href="/c/sv_stock_2025_11"' in explainer("two-bars", "ar", places).html
    page = explainer("addresses-and-liabilities", "en", places)
    assert 'href="/e/solvency-coverage"' in page.html


def test_code_stands_left_to_right():
    page = explainer("check-it-yourself", "ur").html
    assert '<bdi dir="ltr"><code>statement.json</code></bdi>' in page
    assert '<pre dir="ltr"><code>khazana verify' in page


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "mailto:a@example.org",
        "//example.org/x",
        "explainer:nothing",
    ],
)
def test_a_link_that_leads_elsewhere_is_refused(link):
    with pytest.raises(ValueError, match=r"links go|no explainer"):
        to_page("x", "en", f"# T\n\n[a](<{link}>)\n")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "heading"),
        ("Text", "heading"),
        ("Text\n\n# T", "heading"),
        ("# T\n\n# U", "heading"),
        ("## T", "heading"),
        ("# T\n\n![a](https://example.org/a.png)", "image"),
    ],
)
def test_a_page_of_another_form_is_refused(text, wrong):
    with pytest.raises(ValueError, match=wrong):
        to_page("x", "en", text)


def test_raw_html_is_shown_as_text():
    page = to_page("x", "en", "# T <b>\n\n<script>alert(1)</script>\n\na <img src=x onerror=y>\n")
    assert page.title == "T <b>"
    assert "<script" not in page.html
    assert "<img" not in page.html
    assert "&lt;script&gt;" in page.html


@given(st.text())
def test_code_is_shown_as_it_is_and_never_as_markup(text):
    plain = re.sub(r"\s+", " ", text.replace("`", "").replace("\x00", "")).strip()
    if plain and plain.isprintable():
        page = to_page("x", "en", f"# T\n\n``{plain}``\n")
        shown = re.search("<code>(.*)</code>", page.html, re.DOTALL)
        assert shown is not None
        assert "<" not in shown[1]
        assert html.unescape(shown[1]) == plain


def test_there_is_no_page_that_is_not_listed():
    with pytest.raises(ValueError, match="no explainer"):
        explainer("../words", "en")
    with pytest.raises(ValueError, match="'fr'"):
        explainer("two-bars", "fr")
