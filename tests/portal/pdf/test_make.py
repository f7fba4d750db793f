"""The printed statement against the statement it was printed from, with other programs' eyes."""

import dataclasses
import re
import shutil
import subprocess
import unicodedata
from datetime import UTC, datetime
from functools import cache

import msgspec
import pytest

pytest.importorskip("typst", reason="typst is in the portal extra")
pytest.importorskip("fontpkg_amiri", reason="the fonts are in the portal extra")
pytest.importorskip("fontpkg_noto_sans", reason="the fonts are in the portal extra")
pytest.importorskip("segno", reason="segno is in the portal extra")
pytest.importorskip("babel", reason="Babel is in the portal extra")

from khazana.portal.formatting.amounts import btc_text, read_btc
from khazana.portal.formatting.languages import LANGUAGES
from khazana.portal.formatting.numbers import grouped
from khazana.portal.pdf.content import Content
from khazana.portal.pdf.make import statement_pdf
from khazana.portal.pdf.phrases import phrase
from khazana.portal.pdf.runs import COVERED
from khazana.reserve.parts import ExclusionBody
from khazana.reserve.reading import read_reserve_statement
from tests.reserve.world import story

MADE_ON = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def poppler(program, *arguments):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (poppler-utils)")
    return subprocess.run([program, *arguments], check=True, capture_output=True).stdout


@cache
def statement():
    return read_reserve_statement(story().second)


@cache
def printed(language):
    return statement_pdf(statement(), story().second, language=language, made_on=MADE_ON)


def text_of(pdf, folder, *options):
    (folder / "statement.pdf").write_bytes(pdf)
    text = poppler("pdftotext", *options, str(folder / "statement.pdf"), "-").decode()
    return BIDI.sub("", text)


def changed(**office):
    """The same statement from an office with another name or notice."""
    header = statement().header
    body = msgspec.structs.replace(header, office=msgspec.structs.replace(header.office, **office))
    bodies = {**statement().bodies, "header": [body]}
    return dataclasses.replace(statement(), bodies=bodies)


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_program_takes_the_signed_file_out_byte_for_byte(language, tmp_path):
    (tmp_path / "s.pdf").write_bytes(printed(language))
    out = tmp_path / "out.json"
    poppler("pdfdetach", "-save", "1", "-o", str(out), str(tmp_path / "s.pdf"))
    assert out.read_bytes() == story().second
    assert read_reserve_statement(out.read_bytes()).root == statement().root


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_printed_figures_are_the_statement_s(language, tmp_path):
    text = text_of(printed(language), tmp_path)
    bodies = [
        *statement().perimeters.values(),
        *statement().entities.values(),
        *statement().wallets.values(),
        *statement().accounts.values(),
    ]
    for body in bodies:
        figures = body.figures
        assert btc_text(figures.opening, unit=False) in text
        assert btc_text(figures.closing) in text
        assert btc_text(figures.closing - figures.opening, unit=False, signed=True) in text
    for body in statement().perimeters.values():
        for reason in body.figures.reasons:
            assert btc_text(reason.amount, signed=True) in text
    header = statement().header
    for block in (header.period.after, header.period.until, header.tip):
        assert grouped(block.height) in text
        assert block.hash in text
    assert statement().root in text
    assert header.previous in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_commands_can_be_copied(language, tmp_path):
    lines = text_of(printed(language), tmp_path).splitlines()
    assert "pdfdetach -save 1 -o statement.json statement.pdf" in lines
    assert "khazana verify statement.json --chain SOURCE --office FINGERPRINT" in lines
    assert statement().header.office.fingerprint in lines


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_says_that_the_figures_are_invented(language, tmp_path):
    text = text_of(printed(language), tmp_path)
    notice = phrase("notice", "test", language=language)
    letters = "".join(sorted(notice))  # readers disagree where the comma of a right-to-left line is
    pages = text.rstrip("\f").split("\f")
    assert len(pages) >= 3
    for page in pages:
        lines = (
            "".join(sorted(unicodedata.normalize("NFC", line.strip())))
            for line in page.splitlines()
        )
        assert letters in lines


@pytest.mark.parametrize("language", LANGUAGES)
def test_printed_text_has_latin_digits_and_no_empty_boxes(language, tmp_path):
    text = text_of(printed(language), tmp_path)
    assert not set("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹\ufffd\u25a1") & set(text)
    assert "\\x" not in text
    assert "\\u" not in text


def test_the_same_arguments_give_the_same_bytes():
    again = statement_pdf(statement(), story().second, language="ar", made_on=MADE_ON)
    assert again == printed("ar")
    other = statement_pdf(
        statement(), story().second, language="ar", made_on=MADE_ON.replace(year=2027)
    )
    assert other != again


def test_the_pdf_says_which_standards_it_keeps_and_its_language():
    for language in LANGUAGES:
        pdf = printed(language)
        assert pdf.startswith(b"%PDF-1.7")
        assert b"<pdfaid:part>3</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in pdf
        assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
        assert b"/AFRelationship /Source" in pdf or b"/AFRelationship/Source" in pdf


HOSTILE = [
    '#import "@preview/x:1.0.0": *',
    "] #panic() [",
    '" + read("/etc/passwd") + "',
    "\\ $x^2$ *bold* _it_ `raw` <label> @ref // comment /* c */",
    "= heading\n- list",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_printed_as_text(name, tmp_path):
    pdf = statement_pdf(
        changed(name={"en": name}, notice=name), story().second, language="en", made_on=MADE_ON
    )
    text = text_of(pdf, tmp_path, "-raw")
    shown = name.replace("\n", "\\n")
    assert re.sub(r"\s+", "", shown) in re.sub(r"\s+", "", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_cannot_turn_the_line_or_stop_the_printer(language, tmp_path):
    name = "\u202egnp.exe\u2066 中文 \U0001f600 \x00 ﷽ भारत \ufb01 e\u0301"
    pdf = statement_pdf(
        changed(name={language: name}), story().second, language=language, made_on=MADE_ON
    )
    text = text_of(pdf, tmp_path)
    for escape in ("\\u202egnp.exe\\u2066", "\\u4e2d\\u6587", "\\U0001f600", "\\x00"):
        assert escape in text
    assert "é" in text


@pytest.mark.parametrize("letter", ["W", "و"])
def test_a_word_that_no_line_can_hold_stays_on_the_page(letter, tmp_path):
    altered = changed(notice=letter * 400)
    pdf = statement_pdf(altered, story().second, language="en", made_on=MADE_ON)
    (tmp_path / "s.pdf").write_bytes(pdf)
    boxes = poppler("pdftotext", "-bbox", str(tmp_path / "s.pdf"), "-").decode()
    (wide,) = set(re.findall(r'<page width="([0-9.]+)"', boxes))
    edges = [float(x) for x in re.findall(r'xM(?:in|ax)="(-?[0-9.]+)"', boxes)]
    assert min(edges) >= 50
    assert max(edges) <= float(wide) - 50


def test_every_character_that_is_let_through_can_be_printed():
    """PDF/A refuses a document with a character that no font draws, so this would raise."""
    covered = "".join(filter(COVERED.fullmatch, map(chr, range(0x2200))))
    assert len(covered) > 1200
    lines = " ".join(covered[n : n + 20] for n in range(0, len(covered), 20))
    for language in ("en", "ur"):
        statement_pdf(changed(notice=lines), story().second, language=language, made_on=MADE_ON)


def test_an_account_that_nobody_signs_says_so(tmp_path):
    pdf = statement_pdf(changed(fingerprint=None), story().second, language="en", made_on=MADE_ON)
    text = text_of(pdf, tmp_path)
    assert phrase("notice", "not_signed", language="en") in text
    assert "khazana verify statement.json --chain SOURCE\n" in text
    assert "FINGERPRINT" not in text


def test_a_statement_without_perimeters_is_printed_without_a_sentence(tmp_path):
    bare = dataclasses.replace(statement(), bodies={"header": statement().bodies["header"]})
    text = text_of(statement_pdf(bare, story().second, language="es", made_on=MADE_ON), tmp_path)
    assert phrase("heading", "two_bars", language="es") not in text
    assert "carteras" in text  # counted as withheld
    assert statement().root in text


def test_what_the_office_leaves_out_and_writes_off_is_said(tmp_path):
    (body,) = [p for p in statement().perimeters.values() if p.id == "public-sector"]
    corrections = msgspec.structs.replace(body.figures.corrections, loss=-100, closing=-100)
    figures = msgspec.structs.replace(body.figures, corrections=corrections)
    bodies = {
        **statement().bodies,
        "perimeter": [msgspec.structs.replace(body, figures=figures)],
        "exclusion": [ExclusionBody(name="a purse #[x]", reason="lost since 2014")],
    }
    altered = dataclasses.replace(statement(), bodies=bodies)
    pdf = statement_pdf(altered, story().second, language="en", made_on=MADE_ON)
    text = " ".join(text_of(pdf, tmp_path).split())
    assert "Left out by the office: a purse #[x]. Its reason: lost since 2014" in text
    assert f"the books recognise {btc_text(body.figures.closing - 100)}" in text


def test_the_reasons_fees_and_changes_add_up_to_the_change(tmp_path):
    content = Content(statement(), language="en", wallet=None, perimeter=None)
    for body, group in zip(statement().perimeters.values(), content.reasons(), strict=True):
        *parts, total = [read_btc(row[1][0]["text"].removeprefix("+")) for row in group["rows"]]
        assert body.figures.fee > 0
        assert sum(parts) == total == body.figures.closing - body.figures.opening


def test_the_office_chooses_whose_bars_are_shown(tmp_path):
    pdf = statement_pdf(
        statement(),
        story().second,
        language="en",
        made_on=MADE_ON,
        wallet="treasury",
        perimeter="fund-only",
        accent="#7a1f2b",
        address="https://office.example/statements/2",
        file_name="pk-2026-10",
    )
    text = text_of(pdf, tmp_path)
    gross = statement().wallets["treasury"].figures
    assert "Gross inflow of the wallet treasury" in text
    assert btc_text(gross.inflow + gross.coinbase, signed=True) in text
    assert "Net change of fund-only" in text
    assert "pk-2026-10.json" in text
    assert "https://office.example/statements/2" in text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"language": "fr"}, "no language 'fr'"),
        ({"made_on": datetime(2026, 1, 1)}, "has no time zone"),  # noqa: DTZ001
        ({"accent": "red"}, "is not a colour"),
        ({"file_name": "a; rm"}, "is not a plain file name"),
        ({"wallet": "nobody"}, "discloses no wallet 'nobody'"),
        ({"perimeter": "nobody"}, "discloses no perimeter 'nobody'"),
    ],
)
def test_wrong_arguments_are_refused(wrong, said):
    arguments = {"language": "en", "made_on": MADE_ON} | wrong
    with pytest.raises(ValueError, match=said):
        statement_pdf(statement(), story().second, **arguments)


def test_bytes_of_another_statement_are_not_attached():
    first = read_reserve_statement(story().first)
    with pytest.raises(ValueError, match="not those of the statement"):
        statement_pdf(statement(), story().first, language="en", made_on=MADE_ON)
    assert statement_pdf(first, story().first, language="en", made_on=MADE_ON)
