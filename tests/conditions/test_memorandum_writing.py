"""One part of a memorandum is written anew; everything else stays byte for byte."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khazana.conditions.memorandum_writing import HEAD, LISTS, part_of, whole_text, with_part
from khazana.conditions.shipped import SHIPPED_MEMORANDA, shipped_bytes
from khazana.ledger.toml_lines import comments_of
from tests.conditions.memoranda import RIGHT

SHIPPED = {name: shipped_bytes(name).decode() for name in SHIPPED_MEMORANDA}


def places(text):
    values = tomllib.loads(text)
    yield HEAD, None
    for section in LISTS:
        yield from ((section, position) for position in range(len(values.get(section, []))))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_memorandum_written_with_the_same_part_is_the_same_file(name):
    text = SHIPPED[name]
    for section, position in places(text):
        part = part_of(tomllib.loads(text), section, position)
        assert with_part(text, section, position, part) == text, (section, position)
    assert tomllib.loads(whole_text(tomllib.loads(text))) == tomllib.loads(text)


def test_only_the_changed_part_differs_and_its_comments_move_above_it():
    text = RIGHT.replace('id = "transfers"', 'id = "transfers" # "ours"').replace(
        '[[condition]]\nid = "no-acc', '# about the next\n[[condition]]\nid = "no-acc'
    )
    part = part_of(tomllib.loads(text), "condition", 1)
    part["target"][0]["value"] = 101
    part["name"]["ur"] = 'منتقلی \\ "x"\n'
    after = with_part(text, "condition", 1, part)
    start, end = text.index('[[condition]]\nid = "transfers"'), text.index("# about the next")
    assert after.startswith(text[:start] + '# "ours"\n[[condition]]\nid = "transfers"\n')
    assert after.endswith(text[end:])
    assert part_of(tomllib.loads(after), "condition", 1) == part
    gone = with_part(after, "condition", 1, None)
    assert gone == text[:start] + '# "ours"\n' + text[end:]  # what stands above stays


def test_a_new_part_goes_behind_its_like():
    rate = {"currency": "EUR", "per_usd": "0.9"}
    after = with_part(RIGHT, "rate", None, rate)
    assert after.index('"PKR"') < after.index('"EUR"') < after.index("[[reference]]")
    quantity = with_part(RIGHT, "quantity", None, {"id": "x", "dimension": "count"})
    assert (
        quantity.index("[[perimeter]]")
        < quantity.index("[[quantity]]")
        < quantity.index("[[rate]]")
    )
    assert (
        with_part(with_part(RIGHT, "condition", None, {"id": "z"}), "condition", 4, None) == RIGHT
    )


@pytest.mark.parametrize(
    "text",
    [
        # A table of the condition that stands behind another section is still the condition's.
        '[memorandum]\nid = "a"\n# one\n[[condition]]\nid = "c"\n[[rate]] # two\n'
        'currency = "PKR"\n[[condition.target]]\nvalue = 1 # three\n',
        '# one\n# two\ncondition = [{ id = "c", target = [{ value = 1 }] }] # three\n',
        '# one\n# two\ncondition = [\n  { id = "c" },  # three\n  { id = "d" },\n]\n',
    ],
)
def test_a_file_of_unusual_shape_is_written_whole_and_keeps_its_comments(text):
    part = part_of(tomllib.loads(text), "condition", 0)
    after = with_part(text, "condition", 0, {**part, "note": "new"})
    values = tomllib.loads(text)
    values["condition"][0]["note"] = "new"
    assert tomllib.loads(after) == values
    assert {words for _, words in comments_of(after)} >= {"# one", "# two", "# three"}


@settings(max_examples=40)
@given(data=st.data())
def test_wherever_comments_stand_none_is_lost_and_nothing_else_changes(data):
    lines = RIGHT.split("\n")
    for number, line in enumerate(data.draw(st.lists(st.integers(0, len(lines) - 1), max_size=4))):
        lines[line] += f" # {number}" if lines[line] else f"# {number}"
    text = "\n".join(lines)
    section, position = data.draw(st.sampled_from(sorted(places(RIGHT), key=str)))
    values = tomllib.loads(text)
    part = {**part_of(values, section, position), "note": data.draw(st.text(max_size=20))}
    after = with_part(text, section, position, part)
    if position is None:
        values[section] = part
    else:
        values[section][position] = part
    assert tomllib.loads(after) == values
    words = [sorted(word for _, word in comments_of(each)) for each in (text, after)]
    assert words[0] == words[1]


def test_what_no_memorandum_holds_is_not_written():
    with pytest.raises(TypeError, match="float"):
        with_part(RIGHT, HEAD, None, {"id": 1.5})
