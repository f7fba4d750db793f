"""What the shortfall test reads of a site's month."""

from fractions import Fraction

import pytest

from khazana.mining.observed import by_amount, by_blocks, by_receipts
from khazana.mining.shortfall import Finding, judge_sites
from tests.mining.test_expected import USUAL, month


def test_a_month_by_amount_carries_its_ratio_and_its_budget():
    row = month(arrived=int(month().expected.sats * Fraction(99, 100)))
    seen = by_amount(row)
    assert seen.luck.ratio == pytest.approx(0.99)
    assert seen.luck.sd == pytest.approx(0.01 / 31**0.5)
    assert (seen.site, seen.month) == ("Site 1", "2026-05")
    assert (seen.bound, seen.changing) == (float(USUAL.bound), float(USUAL.changing))
    assert judge_sites({"Site 1": [seen]}).sites[0].finding is Finding.OK


def test_a_tenth_that_did_not_arrive_is_a_shortfall():
    row = month(arrived=int(month().expected.sats * Fraction(90, 100)))
    assert judge_sites({"Site 1": [by_amount(row)]}).sites[0].finding is Finding.ALARM


def test_blocks_and_receipts_are_counted_against_their_means():
    row = month()
    assert by_blocks(row, found=3).luck.expected == pytest.approx(float(row.expected.blocks))
    # At the threshold of the network's own difficulty receipts are blocks.
    difficulty = 132e12
    receipts = by_receipts(row, found=3, threshold_difficulty=difficulty)
    assert receipts.luck.expected == pytest.approx(float(row.expected.blocks), rel=0.05)
    more = by_receipts(row, found=3, threshold_difficulty=difficulty / 1000)
    assert more.luck.expected == pytest.approx(1000 * receipts.luck.expected)


def test_a_month_without_energy_is_nothing_to_judge():
    row = month(metered=[])
    assert by_amount(row) is None
    assert by_blocks(row, found=0) is None
    assert by_receipts(row, found=0, threshold_difficulty=1.0) is None
    with pytest.raises(ValueError, match="threshold"):
        by_receipts(row, found=0, threshold_difficulty=0.0)
