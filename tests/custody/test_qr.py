"""Files as QR codes: split, scanned in any order, put together; what is missing is named."""

import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.custody.qr_parts import (
    MOST_PARTS,
    PSBT,
    SMALLEST_PART,
    TEXT,
    QrPartsRefused,
    joined_qr,
    looks_like_qr,
    split_qr,
)

ALPHANUMERIC = re.compile(r"[0-9A-Z $%*+\-./:]*")


@given(st.binary(max_size=3_000), st.integers(SMALLEST_PART, 600), st.randoms())
def test_parts_in_any_order_and_twice_give_the_file(raw, size, order):
    parts = split_qr(raw, file_type=PSBT, size=size)
    assert all(ALPHANUMERIC.fullmatch(part) and len(part) <= size + 8 for part in parts)
    scanned = [*parts, *order.choices(parts, k=3)]
    order.shuffle(scanned)
    assert joined_qr(scanned) == (PSBT, raw)


def test_what_compresses_is_made_small_and_what_does_not_stays_as_it_is():
    text = b"Khazana proof of control " * 100
    assert {part[2] for part in split_qr(text, file_type=TEXT)} == {"Z"}
    noise = random.Random(5).randbytes(500)
    assert {part[2] for part in split_qr(noise, file_type=PSBT)} == {"2"}


def test_a_file_that_another_program_wrote_in_hex_is_read():
    """A single part by hand: B$, hex, JSON, part 0 of 1."""
    assert joined_qr(["B$HJ0100" + b"{}".hex().upper()]) == ("J", b"{}")


def test_missing_parts_are_named():
    parts = split_qr(random.Random(1).randbytes(2_000), file_type=PSBT, size=200)
    assert len(parts) == 16
    with pytest.raises(QrPartsRefused, match="of 16 parts, missing: 3, 16"):
        joined_qr([*parts[:2], *parts[3:15]])


def test_parts_of_two_files_or_two_versions_are_refused():
    one, two = (split_qr(random.Random(n).randbytes(900), file_type=PSBT) for n in (1, 2))
    assert len(one) == len(two)
    with pytest.raises(QrPartsRefused, match="in two versions"):
        joined_qr([*one, two[0]])
    with pytest.raises(QrPartsRefused, match="different files"):
        joined_qr([*one, *split_qr(b"x" * 9, file_type=TEXT)])


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([], "no part"),
        (["nonsense"], "line 1 is no part"),
        (["B$2P0100GEZA", "B$"], "line 2 is no part"),
        (["B$2P0100????"], "read wrongly"),
        (["B$XP0100GEZA"], "no part of a BBQr file"),
        (["B$2P01??GEZA"], "which part"),
        (["B$2P0105GEZA"], "missing: 1"),
        (["B$2P0100GEZA", "B$2P0101GEZA"], "a part 2 of 1"),
        (["B$ZP0100GEZA"], "read wrongly|too early"),
    ],
)
def test_other_lines_are_refused_with_the_reason(lines, why):
    with pytest.raises(QrPartsRefused, match=why):
        joined_qr(lines)


def test_a_file_that_inflates_without_end_is_refused():
    parts = split_qr(bytes((1 << 26) + 1), file_type=PSBT)
    with pytest.raises(QrPartsRefused, match="too large"):
        joined_qr(parts)


def test_more_parts_than_can_be_numbered_are_refused():
    with pytest.raises(QrPartsRefused, match=f"more than {MOST_PARTS}"):
        split_qr(random.Random(3).randbytes(60_000), file_type=PSBT, size=SMALLEST_PART)
    with pytest.raises(ValueError, match="at least 40"):
        split_qr(b"", file_type=PSBT, size=39)


@given(st.text(max_size=200))
def test_any_text_is_judged_without_another_error(text):
    try:
        joined_qr(text.splitlines())
    except QrPartsRefused:
        assert True
    looks_like_qr(text.encode())


# Pictures


def modules(svg: str, place: int = 0) -> list[list[bool]]:
    """The dark modules that one path of a picture draws, white border included."""
    width = int(re.search(r'viewBox="0 0 (\d+) ', svg)[1])
    grid = [[False] * width for _ in range(width)]
    path = re.findall(r' d="([^"]*)"', svg)[place]
    for x, y, run in re.findall(r"M(\d+) (\d+)\.5h(\d+)", path):
        for step in range(int(run)):
            grid[int(y)][int(x) + step] = True
    return grid


def scanned(grid: list[list[bool]]) -> str:
    """What an independent reader sees."""
    zxing = pytest.importorskip("zxingcpp", reason="no independent reader of codes is installed")
    numpy = pytest.importorskip("numpy")
    dark = numpy.kron(numpy.array(grid, dtype=numpy.uint8), numpy.ones((4, 4), numpy.uint8))
    (found,) = zxing.read_barcodes((1 - dark) * 255)
    return found.text


@pytest.fixture
def images():
    pytest.importorskip("segno", reason="the office profile brings segno")
    from khazana.custody import qr_images

    return qr_images


PARTS = split_qr(random.Random(9).randbytes(1_000), file_type=PSBT)


def test_a_still_picture_shows_one_part_with_its_caption(images):
    svg = images.still_picture(PARTS[0], caption="vault-1: 1 of 4 <&>").decode()
    assert "vault-1: 1 of 4 &lt;&amp;>" in svg
    grid = modules(svg)
    assert not any(any(row) for row in grid[:4])
    assert all(grid[4][4:11])  # the edge of the finder pattern
    assert "script" not in svg


def test_a_moving_picture_shows_every_part_once_a_round(images):
    svg = images.moving_picture(PARTS, caption="vault-1").decode()
    shows = re.findall(r'values="([^"]*)" dur="(\d+)s"', svg)
    assert len(shows) == len(PARTS) == 4
    for place, (values, seconds) in enumerate(shows):
        turns = values.split(";")
        assert [n for n, turn in enumerate(turns) if turn == "visible"] == [place]
        assert int(seconds) == len(PARTS)
    assert len({len(modules(svg, place)) for place in range(len(PARTS))}) == 1


def test_an_independent_reader_scans_every_picture(images):
    moving = images.moving_picture(PARTS, caption="x").decode()
    for place, part in enumerate(PARTS):
        assert scanned(modules(images.still_picture(part, caption="x").decode())) == part
        assert scanned(modules(moving, place)) == part


def test_parts_survive_a_way_through_json_and_files():
    text = "\r\n".join(json.loads(json.dumps(PARTS)))
    assert looks_like_qr(text.encode())
    assert joined_qr(text.splitlines())[1] == random.Random(9).randbytes(1_000)
