import json
import unicodedata

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from khazana.ledger import canonical
from khazana.ledger.canonical import JsonRefused, canonical_bytes, parse_strict

keys = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=6)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(
    lambda text: unicodedata.normalize("NFC", text)
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_the_bytes_are_those_of_rfc_8785(value):
    assert canonical_bytes(value) == rfc8785.dumps(value)


@given(values)
def test_what_was_written_is_read_back(value):
    assert parse_strict(canonical_bytes(value)) == value
    assert parse_strict(json.dumps(value, indent=1)) == value


@given(values)
def test_the_locating_reader_reads_what_the_fast_reader_reads(value):
    text = json.dumps(value, indent=2)
    assert canonical._Reader(text).document() == parse_strict(text) == value


@given(st.text('{}[]",:\\u0d8e1-.tfn \n\x01é', max_size=24))
def test_both_readers_agree_on_which_scraps_are_refused(scrap):
    """The fast path may only accept what the careful reader accepts, with the same meaning."""
    try:
        careful = canonical._Reader(scrap).document()
    except JsonRefused:
        with pytest.raises(JsonRefused):
            parse_strict(scrap)
    else:
        assert parse_strict(scrap) == careful == json.loads(scrap)


BAD = [
    ('{"a": 1, "a": 2}', "a", 1, 10, "twice"),
    ('{"a": {"b": 1,\n "b": 2}}', "a.b", 2, 2, "twice"),
    ('{"a": [1, 0.5]}', "a[1]", 1, 11, "not a plain integer"),
    ('{"a": 1e3}', "a", 1, 7, "not a plain integer"),
    ('{"a": -0}', "a", 1, 7, "not a plain integer"),
    ('{"a": 01}', "a", 1, 7, "not a plain integer"),
    ('{"a": NaN}', "a", 1, 7, "NaN"),
    ('{"a": Infinity}', "a", 1, 7, "Infinity"),
    ('{"a": 9007199254740992}', "a", 1, 7, "beyond 2^53"),
    ('{"a": ' + "9" * 5000 + "}", "a", 1, 7, "beyond 2^53"),
    ('["e\u0301"]', "[0]", 1, 2, "normal form C"),
    ('["\\ud800"]', "[0]", 1, 2, "surrogate"),
    ('["\\udc00\\ud800"]', "[0]", 1, 2, "surrogate"),
    ('{"é": 1}', "(top)", 1, 2, "printable ASCII"),
    ('{"a\\n": 1}', "(top)", 1, 2, "printable ASCII"),
    ('{"": 1}', "(top)", 1, 2, "empty key"),
    ("[" * 33 + "]" * 33, "[0]" * 32, 1, 33, "nested deeper"),
    ("[" * 100_000, "[0]" * 32, 1, 33, "nested deeper"),
    ("{} {}", "(top)", 1, 4, "follows"),
    ("", "(top)", 1, 1, "ends"),
    ('{"a"', "a", 1, 5, "colon"),
    ('{"a": 1,}', "(top)", 1, 9, "key in double quotes"),
    ("[1 2]", "(top)", 1, 4, "comma"),
    ("[1,]", "[1]", 1, 4, "starts no value"),
    ('["a', "[0]", 1, 2, "not closed"),
    ('["\t"]', "[0]", 1, 3, "control character"),
    ('["\\x"]', "[0]", 1, 3, "no escape"),
    ('["\\u12"]', "[0]", 1, 3, "no escape"),
    ("\ufeff{}", "(top)", 1, 1, "byte order mark"),
    (b'{"a":\n"\xff"}', "(text)", 2, 2, "not UTF-8"),
]


@pytest.mark.parametrize(("text", "path", "line", "column", "problem"), BAD)
def test_what_has_two_meanings_is_refused_and_located(text, path, line, column, problem):
    with pytest.raises(JsonRefused) as caught:
        parse_strict(text)
    found = caught.value
    assert (found.path, found.line, found.column) == (path, line, column)
    assert problem in found.problem
    assert str(found).startswith(f"JSON refused at {path} (line {line}, column {column}): ")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"a": 0.5}, TypeError),
        ({"a": b"x"}, TypeError),
        ({"a": {1, 2}}, TypeError),
        ({1: "a"}, TypeError),
        ({"é": 1}, ValueError),
        (["e\u0301"], ValueError),
        (["\ud800"], ValueError),
        ([2**53], ValueError),
        ([-(2**53)], ValueError),
    ],
)
def test_a_value_outside_the_subset_has_no_canonical_bytes(value, kind):
    with pytest.raises(kind):
        canonical_bytes(value)


def test_nesting_is_limited_alike_when_writing_and_reading():
    deepest = json.loads("[" * 32 + "]" * 32)
    assert parse_strict(canonical_bytes(deepest)) == deepest
    with pytest.raises(ValueError, match="nested deeper"):
        canonical_bytes([deepest])
