import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.ledger.problems import OfficeFileRefused, ProblemList
from khazana.ledger.rows import DOCUMENT_COLUMNS
from khazana.ledger.table_appending import appended
from khazana.ledger.tables import read_table
from tests.ledger.test_office_file import GOOD, read

HEAD = "id,reason,at,account,amount_btc,corrects\n"


def office(*rows: str):
    return read({**GOOD, "documents.csv": HEAD + "\n".join(rows) + "\n"})


def row(name: str, amount: str = "1", account: str = "cold", corrects: str = "") -> str:
    return f"{name},receipt,2026-02-03T15:00:00Z,{account},{amount},{corrects}"


def test_a_corrected_document_counts_no_more_and_is_kept_with_what_corrects_it():
    found = office(row("a"), row("b", "2"), row("a-2", "3", corrects="a"))
    assert [(d.id, d.amount) for d in found.documents] == [("b", 2 * 10**8), ("a-2", 3 * 10**8)]
    assert [(c.document.id, c.by) for c in found.corrected] == [("a", "a-2")]


def test_a_correction_is_corrected_by_the_next():
    found = office(row("a"), row("a-2", corrects="a"), row("a-3", corrects="a-2"))
    assert [d.id for d in found.documents] == ["a-3"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row("a", corrects="a")], "stands before this row"),
        ([row("a", corrects="b"), row("b", corrects="a")], "stands before this row"),
        ([row("a", corrects="nobody")], "stands before this row"),
        ([row("a"), row("b", corrects="a"), row("c", corrects="a")], "correct b instead"),
        ([row("a"), row("b", account="mining", corrects="a")], "stays with its account"),
    ],
)
def test_a_correction_that_cannot_be_is_refused_with_line_and_field(rows, said):
    with pytest.raises(OfficeFileRefused) as refused:
        office(*rows)
    problem = refused.value.problems[0]
    assert (problem.place.file, problem.place.field) == ("documents.csv", "corrects")
    assert said in problem.text


CELL = st.text(st.characters(categories=("L", "N", "P")), max_size=8).map(str.strip)


@given(
    st.lists(st.tuples(CELL, CELL), max_size=4),
    st.lists(st.tuples(CELL, CELL), min_size=1, max_size=4),
    st.booleans(),
)
def test_appending_keeps_every_cell_that_stands_there(old, new, narrow):
    columns = ("id", "note", "corrects")
    raw = appended(
        b"" if not narrow else b"id,note\n",
        [{"id": f"o{n}", "note": "x" + a} for n, (a, _) in enumerate(old)],
        columns=columns,
    )
    grown = appended(
        raw,
        [{"id": f"n{n}", "note": "x" + a, "corrects": "y" + b} for n, (a, b) in enumerate(new)],
        columns=columns,
    )
    problems = ProblemList()
    before = read_table("t", raw, columns=columns, required=("id",), problems=problems)
    after = read_table("t", grown, columns=columns, required=("id",), problems=problems)
    assert problems.found == []
    assert [r.cells for r in after[: len(before)]] == [r.cells for r in before]
    assert len(after) == len(before) + len(new)


def test_appending_refuses_a_column_that_the_table_may_not_have():
    with pytest.raises(ValueError, match="colour"):
        appended(b"", [{"colour": "red"}], columns=DOCUMENT_COLUMNS)
