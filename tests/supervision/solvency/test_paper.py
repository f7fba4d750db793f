"""Slips on paper: what an independent reader sees in a poor photo is the slip."""

import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import pytest

pytest.importorskip("segno", reason="segno is in the portal extra")
pytest.importorskip("typst", reason="typst is in the portal extra")
pytest.importorskip("fontpkg_amiri", reason="the fonts are in the portal extra")

from khazana.cli.main import main
from khazana.supervision.solvency.errors import ProofRejected, SlipTooLong
from khazana.supervision.solvency.paper.code import code_of
from khazana.supervision.solvency.paper.sheet import Sheet, printable, slips_pdf, words
from khazana.supervision.solvency.slip import QR_PREFIX, read_slip, slip_bytes
from khazana.supervision.solvency.tree import build
from tests.supervision.solvency import test_command
from tests.supervision.solvency.trees import customers, plan_for, slip_for, statement

MADE_ON = datetime(2026, 11, 22, tzinfo=UTC)
folder = test_command.folder
built = test_command.built
PAGE = "https://portal.example.org/slip"
HELD = customers(*(100_000_000 + i for i in range(600)))
TREE = build(HELD, plan_for())
EPOCH = statement(TREE)


def slip_with(*, leaves, height):
    """A slip with as many bytes as one of a larger tree."""
    small = slip_for(TREE, HELD, 0, height=10)
    way = tuple((leaf.beside * 4)[:height] for leaf in small.leaves)
    grown = [replace(small.leaves[i % 2], beside=way[i % 2]) for i in range(leaves)]
    return replace(small, height=height, leaves=tuple(grown))


FORTY_MILLION = slip_with(leaves=1, height=10)
SPLIT = slip_with(leaves=2, height=10)


def test_the_slip_of_one_leaf_among_forty_million_has_496_bytes_in_89_modules():
    assert len(FORTY_MILLION.to_bytes()) == 496
    code = code_of(FORTY_MILLION)
    assert (code.modules - 8, code.level, code.width_um) == (89, "m", 97 * 800)
    split = code_of(SPLIT)
    assert (split.modules - 8, split.level, split.width_um) == (121, "m", 129 * 800)


def test_a_larger_slip_takes_a_lower_level_and_smaller_modules_and_then_is_refused():
    assert code_of(slip_with(leaves=5, height=10)).level == "l"
    assert code_of(slip_with(leaves=6, height=10)).width_um == 120_000
    with pytest.raises(SlipTooLong, match="7 leaves has 2992 bytes"):
        code_of(slip_with(leaves=7, height=10))


def photographed(pdf, place, *, page=1):
    """A page as a cheap phone sees it: 1,600 pixels for the height of A4, turned by a few degrees,
    blurred, grey, noisy.
    """
    numpy = pytest.importorskip("numpy")
    if shutil.which("pdftoppm") is None:
        pytest.skip("poppler's pdftoppm is not installed")
    (place / "s.pdf").write_bytes(pdf)
    run = ["pdftoppm", "-gray", "-scale-to", "1600", "-f", str(page), "-l", str(page), "s.pdf"]
    raw = subprocess.run(run, cwd=place, capture_output=True, check=True).stdout
    wide, high = (int(word) for word in raw.split(maxsplit=3)[1:3])
    assert (wide, high) in ((1131, 1600), (1132, 1600))
    sharp = numpy.frombuffer(raw[-wide * high :], dtype=numpy.uint8).reshape(high, wide)
    y, x = numpy.mgrid[0:high, 0:wide]
    turn = numpy.radians(4)
    up, right = y - high // 2, x - wide // 2
    from_y = numpy.cos(turn) * up + numpy.sin(turn) * right + high // 2
    from_x = numpy.cos(turn) * right - numpy.sin(turn) * up + wide // 2
    turned = sharp[
        numpy.clip(from_y, 0, high - 1).astype(int), numpy.clip(from_x, 0, wide - 1).astype(int)
    ].astype(float)
    near = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    blurred = sum(numpy.roll(turned, by, (0, 1)) for by in near) / len(near)
    noise = numpy.random.default_rng(7).normal(0, 12, turned.shape)
    return numpy.clip(60 + blurred * 0.6 + noise, 0, 255).astype(numpy.uint8)


def scanned(picture):
    zxing = pytest.importorskip("zxingcpp", reason="no independent reader of codes is installed")
    (found,) = zxing.read_barcodes(picture)
    return found.text


@pytest.mark.parametrize("slip", [FORTY_MILLION, SPLIT], ids=["one-leaf", "two-leaves"])
def test_a_two_megapixel_photo_of_the_whole_page_is_read(slip, tmp_path):
    sheet = Sheet(customer="3520112345671", slip=slip)
    for language, page in (("en", None), ("ur", PAGE)):
        pdf = slips_pdf([sheet], epoch=EPOCH, language=language, made_on=MADE_ON, page=page)
        text = scanned(photographed(pdf, tmp_path))
        assert text == ("" if page is None else f"{PAGE}#") + slip.to_qr_text()
        assert read_slip(slip_bytes(text.encode())) == slip


@pytest.mark.parametrize("language", ["en", "ur", "ar", "es"])
def test_each_customer_has_a_page_in_each_language(language, tmp_path):
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler's pdftotext is not installed")
    sheets = [Sheet(customer=HELD[i].id, slip=slip_for(TREE, HELD, i)) for i in range(2)]
    pdf = slips_pdf(sheets, epoch=EPOCH, language=language, made_on=MADE_ON)
    again = slips_pdf(sheets, epoch=EPOCH, language=language, made_on=MADE_ON)
    assert pdf == again
    assert b"<pdfaid:part>2</pdfaid:part>" in pdf
    (tmp_path / "s.pdf").write_bytes(pdf)
    run = ["pdftotext", "-raw", "s.pdf", "-"]
    said = subprocess.run(run, cwd=tmp_path, capture_output=True, check=True).stdout.decode()
    pages = said.split("\f")[:-1]
    assert len(pages) == 2
    for page, balance, customer in zip(
        pages, ("1.00000000", "1.00000001"), ("customer-0", "customer-1"), strict=True
    ):
        assert f"{balance} BTC" in page
        assert customer in page
        assert "DRILL-1" in page
        assert EPOCH.digest[:8] in page
    if language in ("en", "es"):
        assert words()["test"][language] in pages[0]


def test_names_that_the_fonts_cannot_draw_are_spelt_out():
    assert printable("Bank\u202e\u4e2d") == "Bank\\u202e\\u4e2d"
    assert printable("تبادلہ") == "تبادلہ"


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"language": "fr"}, "none of en, ur, ar, es"),
        ({"made_on": MADE_ON.replace(tzinfo=None)}, "no time zone"),
        ({"accent": "red"}, "is not a colour"),
        ({"sheets": []}, "1 to 1000 slips, not 0"),
        ({"sheets": [Sheet(customer="a", slip=FORTY_MILLION)] * 1_001}, "not 1001"),
    ],
)
def test_our_own_mistakes_are_value_errors(wrong, problem):
    right = {"sheets": [Sheet(customer="a", slip=FORTY_MILLION)], "language": "en"}
    asked = right | {"epoch": EPOCH, "made_on": MADE_ON} | wrong
    with pytest.raises(ValueError, match=problem):
        slips_pdf(asked.pop("sheets"), **asked)


def printed(folder, *more):
    given = ["--extract", str(folder / "extract.csv"), "--built", str(folder / "built")]
    return main(["solvency", "slip", *given, "--out", str(folder / "slips.pdf"), *more])


def test_a_list_of_customers_is_printed_in_the_extracts_order(folder, capsys):
    built(folder)
    (folder / "ids").write_text("a@b.example\n\n3520112345671\n")
    assert printed(folder, "--list", str(folder / "ids"), "--page", PAGE, "--language", "es") == 0
    said = capsys.readouterr().out
    assert "2 slips, a page each" in said
    assert "test network, invented figures" in said
    path = folder / "slips.pdf"
    assert path.stat().st_mode & 0o777 == 0o600
    second = scanned(photographed(path.read_bytes(), folder, page=2))
    assert read_slip(slip_bytes(second.encode())).balance == 250_000_000
    text = scanned(photographed(path.read_bytes(), folder))
    (folder / "photo.txt").write_text(text.lower().replace("kss1", "KSS1"))
    (folder / "slip").write_text(text[:300] + "\n" + text[300:])
    payload = ["--statement", str(folder / "built" / "epoch.json")]
    payload += [
        "--level",
        str(folder / "built" / "liabilities-BTC.level.bin"),
        "--words",
        "3520112345671",
    ]
    assert main(["solvency", "check", str(folder / "slip"), *payload]) == 0
    assert main(["solvency", "check", str(folder / "photo.txt"), *payload]) == 1
    assert "slip_malformed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ([], "name 1 to 1000 customers"),
        (["a@b.example", "a@b.example"], "named twice"),
        (["a@b.example", "--page", "portal.example.org"], "is no address"),
        (["a@b.example", "--page", "https://x.example/#"], "is no address"),
        (["a@b.example", "nobody"], "no row for 'nobody'"),
        (["a@b.example", "--list", "nothing-here"], "nothing-here"),
    ],
)
def test_a_wrong_order_for_slips_prints_nothing(folder, capsys, more, problem):
    built(folder)
    assert printed(folder, *more) == 2
    assert problem in capsys.readouterr().err
    assert not (folder / "slips.pdf").exists()


def test_the_text_of_a_code_has_one_spelling():
    slip = slip_for(TREE, HELD, 3)
    text = slip.to_qr_text()
    assert text.startswith(QR_PREFIX)
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ1234567.")
    for given in (text, f"{PAGE}#{text}", f" {text[:9]}\r\n{text[9:]} ", slip.to_text()):
        assert read_slip(slip_bytes(given.encode())) == slip
    last = text[-1]
    others = [text[:-1] + letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" if letter != last]
    for other in [*others, text + "=", text.lower(), text[:-1] + "1", text + "A"]:
        assert outcome(other) != slip


def outcome(text):
    """The slip, or the reason why there is none."""
    try:
        return read_slip(slip_bytes(text.encode()))
    except ProofRejected as rejected:
        return rejected.reason
