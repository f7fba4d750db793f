from datetime import date

import pytest

from khazana.conditions.lint import errors_of, lint
from khazana.conditions.memorandum import Kind
from khazana.conditions.memorandum_file import read_memorandum
from khazana.conditions.mona import MONA_COLUMNS, draft_memorandum, read_mona
from khazana.conditions.problems import MemorandumRefused

ROWS = [
    ["742", "Drillland", "XXX", "EFF", "2024-09-25", "2027-10-24", "", "2025-05-09", "GRA", "R1",
     "Completed", "QPC", "1.1", "Net reserves", "Floor on net reserves", "F", "12/31/2024", "Met",
     "", "", "a-1", ""],
    ["742", "Drillland", "XXX", "EFF", "2024-09-25", "2027-10-24", "", "2025-05-09", "GRA", "R2",
     "Completed", "QPC", "1.1", "Net reserves", "Floor on net reserves", "F", "30-Jun-2025",
     "Not met", 'said "later"', "2025-07-31", "a-2", ""],
    ["742", "Drillland", "XXX", "EFF", "2024-09-25", "2027-10-24", "2027-12-31", "", "GRA", "R1",
     "Completed", "SB", "2", "", "Publish the wallet report", "P", "2025-03-31", "", "", "", "b-1",
     ""],
    ["742", "Drillland", "XXX", "EFF", "2024-09-25", "2027-10-24", "", "", "GRA", "R0",
     "Completed", "PA", "2", "", "Adopt the budget", "P", "", "", "", "", "c-1", ""],
]  # fmt: skip


def table(rows: list[list[str]], columns: tuple[str, ...] = MONA_COLUMNS) -> bytes:
    lines = [columns, *rows]
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines]
    return "\n".join(quoted).encode()


def test_every_row_is_read_with_its_dates():
    rows = read_mona("mona.csv", table(ROWS))
    assert [row.kind for row in rows] == [
        Kind.PERIODIC, Kind.PERIODIC, Kind.BENCHMARK, Kind.PRIOR_ACTION
    ]  # fmt: skip
    assert [row.test_date for row in rows] == [
        date(2024, 12, 31), date(2025, 7, 31), date(2025, 3, 31), None
    ]  # fmt: skip
    assert rows[2].ends == date(2027, 12, 31)
    assert rows[1].status == "Not met"


def test_the_draft_can_be_read_and_the_lint_says_what_to_look_up():
    text = draft_memorandum(read_mona("mona.csv", table(ROWS)))
    memorandum = read_memorandum("draft.toml", text.encode())
    assert memorandum.id == "mona-742"
    assert [len(c.targets) for c in memorandum.conditions] == [2, 1, 1]
    assert [c.name["en"] for c in memorandum.conditions][1] == "Publish the wallet report"
    assert all(t.value is None for t in memorandum.conditions[0].targets)
    assert memorandum.conditions[0].targets[1].note == 'MONA: Not met; said "later"'
    assert {f.rule for f in errors_of(lint(memorandum))} == {"K5", "K6", "K7"}


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("Key Code", "XYZ", "no kind of condition"),
        ("Test Date", "soon", "is not a day"),
        ("Approval date", "", "is empty"),
        ("Description", "", "is empty"),
        ("Unique ID", "a-2", "stands in line"),
    ],
)
def test_a_row_that_cannot_be_read_refuses_the_table(column, value, said):
    changed = [list(row) for row in ROWS]
    changed[0][MONA_COLUMNS.index(column)] = value
    with pytest.raises(MemorandumRefused, match=said):
        read_mona("mona.csv", table(changed))


def test_a_column_nobody_knows_refuses_the_table():
    with pytest.raises(MemorandumRefused, match="no such column"):
        read_mona("mona.csv", table([], (*MONA_COLUMNS, "Extra")))


def test_a_draft_is_of_one_arrangement():
    with pytest.raises(ValueError, match="one arrangement"):
        draft_memorandum([])
