"""What one test of one month could see: the tables of the facts."""

import pytest

from khazana.mining.detection import least_seen, least_seen_solo


@pytest.mark.parametrize(
    ("per_day", "month", "year"),
    [(0.16, 89, 36), (1.6, 39, 11.8), (9.2, 17, 5.0), (18.4, 12, 3.5)],
)
def test_solo_fleets_see_what_the_facts_measured(per_day, month, year):
    assert 100 * least_seen_solo(per_day * 30) == pytest.approx(month, rel=0.035)
    assert 100 * least_seen_solo(per_day * 365) == pytest.approx(year, rel=0.035)


@pytest.mark.parametrize(("error", "seen"), [(0.0, 1.6), (0.015, 4.7), (0.03, 8.9)])
def test_receipts_remove_luck_but_not_calibration(error, seen):
    found = least_seen(luck_sd=0.0056, calibration_sd=error)
    assert round(100 * found, 1) == seen


def test_two_blocks_a_month_prove_nothing():
    assert least_seen_solo(2.0) == 1.0
    with pytest.raises(ValueError, match="none"):
        least_seen_solo(0.0)
