from hypothesis import given
from hypothesis import strategies as st

from khazana.ledger.grades import EvidenceGrade, GradedTotal, weakest
from khazana.units import Sats

amounts = st.lists(
    st.tuples(st.integers(-(10**15), 10**15), st.sampled_from(EvidenceGrade)), max_size=10
)


@given(amounts)
def test_a_total_shows_how_much_of_it_each_grade_carries(parts):
    total = GradedTotal.sum(GradedTotal.of(Sats(amount), grade) for amount, grade in parts)
    assert total.total == sum(amount for amount, _ in parts)
    for grade in EvidenceGrade:
        assert total.part(grade) == sum(amount for amount, its in parts if its is grade)
    assert total - total == GradedTotal()
    assert GradedTotal() - (GradedTotal() - total) == total
    assert (-total).total == -total.total


def test_what_needs_several_is_as_good_as_the_weakest():
    assert weakest([EvidenceGrade.B, EvidenceGrade.A]) is EvidenceGrade.B
    assert weakest(EvidenceGrade) is EvidenceGrade.D
    assert [grade.rank for grade in EvidenceGrade] == [0, 1, 2, 3]
