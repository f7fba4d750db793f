"""rotation.toml: read whole, or refused with every problem's line; what could spend never read."""

import pytest

from khazana.bitcoin.chain import BlockRef, HeightBeyondTip
from khazana.bitcoin.secrets import SecretRefused
from khazana.custody.rotation import RotationLink
from khazana.custody.rotation_file import (
    read_rotations,
    resolved_rotations,
    rotation_section,
)
from khazana.ledger.problems import OfficeFileRefused
from khazana.units import BlockHash, Height

WALLETS = ("cold-1", "cold-2", "cold-3", "till")
HEAD = 'format = "khazana.rotation/1"\n'
FIRST = rotation_section(old="cold-1", new="cold-2", since="105", reason="Bo left the office.")
SECOND = rotation_section(old="cold-2", new="cold-3", since="300", reason="New devices.")


def read(text):
    return read_rotations("rotation.toml", text.encode(), wallets=WALLETS)


def problems(text, call=read):
    with pytest.raises(OfficeFileRefused) as refused:
        call(text)
    return [
        (problem.place.line, problem.place.field, problem.text)
        for problem in refused.value.problems
    ]


def block(height):
    return BlockRef(Height(height), BlockHash(f"{height:064x}"))


def test_rotations_are_read_with_their_lines():
    file = read(HEAD + FIRST + SECOND)
    assert [(line.old, line.new, line.since.name) for line in file.lines] == [
        ("cold-1", "cold-2", "105"),
        ("cold-2", "cold-3", "300"),
    ]
    assert file.lines[1].place.line == 9
    links = resolved_rotations(file, lambda name: block(int(name)))
    assert links[0] == RotationLink(
        old="cold-1", new="cold-2", since=block(105), reason="Bo left the office."
    )


@pytest.mark.parametrize("since", ["105", "2026-06-01", "ab" * 32])
def test_a_section_that_was_written_is_read_again(since):
    section = rotation_section(old="cold-1", new="till", since=since, reason='Says "never"\n\\ ۱')
    (line,) = read(HEAD + section).lines
    assert (line.old, line.new, line.since.name) == ("cold-1", "till", since)
    assert line.reason == 'Says "never"\n\\ ۱'


@pytest.mark.parametrize(
    ("text", "line", "field", "said"),
    [
        ("", 1, "format", "is missing"),
        (HEAD, 1, "rotation", "lists no rotation"),
        (HEAD.replace("/1", "/2") + FIRST, 1, "format", "this program reads"),
        (HEAD + FIRST.replace("cold-2", "cold-22"), 5, "rotation[1].new", 'did you mean "cold-2"'),
        (HEAD + FIRST.replace("cold-2", "cold-1"), 5, "rotation[1].new", "stand in for itself"),
        (HEAD + FIRST.replace("105", "-1"), 6, "rotation[1].since", "names no block"),
        (HEAD + FIRST.replace("105", '"tip"'), 6, "rotation[1].since", "moves with the chain"),
        (HEAD + FIRST.replace("105", "2026-02-30"), 6, "(text)", "is not TOML"),
        (HEAD + FIRST.replace("105", '"2026-02-30"'), 6, "rotation[1].since", "not a day"),
        (HEAD + FIRST.replace("Bo left the office.", ""), 7, "rotation[1].reason", "is empty"),
        (HEAD + FIRST.replace("reason", "raeson"), 7, "rotation[1].raeson", "not a known key"),
        (HEAD + FIRST + "moved = 5\n", 8, "rotation[1].moved", "not a known key"),
        (HEAD + FIRST + FIRST, 10, "rotation[2].old", "has a successor already, in line 4"),
        (
            HEAD + FIRST + FIRST.replace("cold-1", "till"),
            11,
            "rotation[2].new",
            "stands in for a wallet already, in line 5",
        ),
        (
            HEAD + FIRST + SECOND.replace("cold-3", "cold-1"),
            10,
            "rotation[2].old",
            "would come to succeed itself",
        ),
        (HEAD + "rotation = 5\n", 2, "rotation", "should be tables"),
        (HEAD + "rotation = [5]\n", 2, "rotation[1]", "should be a table"),
    ],
)
def test_a_wrong_file_names_line_and_field(text, line, field, said):
    found = problems(text)
    assert any(p[0] == line and p[1] == field and said in p[2] for p in found), found


def test_every_problem_is_named_at_once():
    bad = FIRST.replace("cold-1", "x").replace("105", "-5") + SECOND.replace("cold-3", "y")
    assert len(problems(HEAD + bad)) == 3


def test_blocks_that_are_not_there_are_named():
    def nowhere(name):
        raise HeightBeyondTip(height=Height(int(name)), tip=block(7), source="x")

    found = problems(HEAD + FIRST + SECOND, lambda text: resolved_rotations(read(text), nowhere))
    assert [(line, field) for line, field, _ in found] == [
        (6, "rotation[1].since"),
        (12, "rotation[2].since"),
    ]


def test_a_wallet_is_not_replaced_before_it_stood_in():
    text = HEAD + FIRST + SECOND.replace("300", "105")
    ((line, field, said),) = problems(
        text, lambda text: resolved_rotations(read(text), lambda name: block(int(name)))
    )
    assert (line, field) == (12, "rotation[2].since")
    assert "cold-2 itself stands in since block 105 only" in said


def test_what_is_no_toml_is_refused_with_its_line():
    assert problems(HEAD + "[[rotation]\n")[0][0] == 2


def test_seed_words_in_a_reason_are_refused():
    words = "abandon " * 12
    with pytest.raises(SecretRefused) as refused:
        read(HEAD + FIRST.replace("Bo left", words))
    assert "abandon abandon" not in str(refused.value)
