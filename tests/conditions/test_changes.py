"""What a new memorandum changes, as the person sees it who saves it."""

from khazana.conditions.changes import Change, FieldChange, compare
from khazana.conditions.shipped import shipped_bytes
from tests.conditions.memoranda import RIGHT, changed


def test_the_same_file_changes_nothing():
    found = compare(RIGHT.encode(), RIGHT.encode())
    assert (found.parts, found.comments_gone, found.comments_new, found.same_bytes) == (
        (), (), (), True,
    )  # fmt: skip


def test_a_target_is_named_by_its_day_with_old_and_new():
    new = changed(('"-8650.5"', '"8650.5"'), ("cap = 500\n", ""), ("= 2025-12-31", "= 2026-06-29"))
    first, second = compare(RIGHT.encode(), new.encode()).parts
    assert (first.section, first.id, first.change) == ("condition", "net-reserves", Change.CHANGED)
    assert first.fields == (
        FieldChange("target[2026-12-31].value", "-8650.5", "8650.5"),
        FieldChange("adjuster[financing].cap", "500", ""),
    )
    assert second.fields == (FieldChange("cumulative_from", "2025-12-31", "2026-06-29"),)


def test_a_condition_that_goes_or_comes_is_listed_whole():
    start = RIGHT.index('[[condition]]\nid = "report"')
    without = RIGHT[:start].encode()
    (gone,) = compare(RIGHT.encode(), without).parts
    (came,) = compare(without, RIGHT.encode()).parts
    assert (gone.change, came.change) == (Change.REMOVED, Change.ADDED)
    assert FieldChange("quantity", "done", "") in gone.fields
    assert FieldChange("target[2026-06-30].value", "", "1") in came.fields


def test_comments_and_layout_are_not_passed_over():
    raw = shipped_bytes("el_salvador_2025")
    found = compare(raw, raw.replace(b"# Marks:", b"# Mark:"))
    assert found.parts == ()
    assert found.comments_gone[0].startswith("# Marks:")
    assert found.comments_new[0].startswith("# Mark:")
    layout = compare(RIGHT.encode(), RIGHT.replace("value = 1\n", "value  =  1\n").encode())
    assert (layout.parts, layout.same_bytes) == ((), False)


def test_everything_is_new_where_there_was_nothing():
    found = compare(b"", RIGHT.encode())
    assert {part.change for part in found.parts} == {Change.ADDED}
    assert [part.id for part in found.parts if part.section == "condition"] == [
        "net-reserves", "transfers", "no-accumulation", "report",
    ]  # fmt: skip


def test_two_conditions_of_one_name_are_both_compared():
    twice = RIGHT.replace('id = "report"', 'id = "transfers"')
    parts = compare(RIGHT.encode(), twice.encode()).parts
    assert {part.id for part in parts} == {"transfers (2)", "report"}
