"""The comparison of two states' rules: versions by day, sources, and no two answers at once."""

from datetime import date
from importlib import resources

import pytest

from khazana.accord.comparator.provisions import Standing, State
from khazana.accord.comparator.read import LANGUAGES, read_comparison, shipped_comparison
from khazana.ledger.problems import OfficeFileRefused

SHIPPED = shipped_comparison()
TEXT = (
    resources.files("khazana.accord.comparator").joinpath("data/frameworks.toml").read_text("utf-8")
)


def test_legal_tender_has_its_version_of_2021_and_of_2025():
    answers = SHIPPED.history("legal-tender", State.EL_SALVADOR)
    assert [each.standing for each in answers] == [Standing.AMENDED, Standing.IN_FORCE]
    before = SHIPPED.on("legal-tender", State.EL_SALVADOR, date(2025, 4, 30))
    after = SHIPPED.on("legal-tender", State.EL_SALVADOR, date(2025, 5, 1))
    assert (before, after) == answers
    assert SHIPPED.on("legal-tender", State.EL_SALVADOR, date(2020, 1, 1)) is None


def test_every_line_has_a_source_and_speaks_four_languages():
    for each in SHIPPED.provisions:
        assert each.source
        assert set(each.says) == set(LANGUAGES)
        assert each.outcome is None or set(each.outcome) == set(LANGUAGES)


def test_every_question_is_answered_by_a_state_and_gaps_stay_gaps():
    asked = {each.question for each in SHIPPED.provisions}
    assert asked == {each.id for each in SHIPPED.questions}
    assert SHIPPED.history("travel-rule", State.EL_SALVADOR) == ()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("until = 2025-05-01\n", "", "begins before the answer of 2021-09-07 ends"),
        ("until = 2025-05-01", "until = 2020-01-01", "ends before it begins"),
        ('question = "taxes"', 'question = "tax"', "'tax' is unknown; did you mean"),
        ('state = "pakistan"', 'state = "pakstan"', "'pakstan' is no choice here"),
        ('mark = "S"', 'mark = "X"', "'X' is no choice here"),
        ('id = "taxes"', 'id = "banks"', "'banks' stands twice"),
        ('standing = "draft"', 'standing = "draft"\nx = 1', "is not a known key"),
        ('format = "khazana.comparison/1"', 'format = "x"', "this program reads"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(before, after, said):
    assert before in TEXT
    with pytest.raises(OfficeFileRefused) as refused:
        read_comparison("f.toml", TEXT.replace(before, after, 1).encode())
    assert said in str(refused.value)
