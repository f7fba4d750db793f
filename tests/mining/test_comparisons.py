"""What is missing and what power cost, from a month's line."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from khazana.mining.comparisons import arrived_share, cost_per_mwh, difference, recovered
from khazana.mining.report import MonthLine

LINE = MonthLine(
    site="site-1",
    name="Site 1",
    month="2026-01",
    simulated=True,
    mw=Decimal(10),
    mwh=Decimal(7440),
    mwh_low=Decimal(7440),
    mwh_high=Decimal(7440),
    expected=1000,
    low=980,
    high=1020,
    arrived=950,
    detection_percent=Decimal("4.46"),
    verdict="below",
    sites_below=1,
    questioned=False,
    implied_j_per_th=None,
    best_j_per_th=None,
    billed_mwh=None,
    bill_agrees=None,
    check_mwh=None,
    currency="PKR",
    paid=Decimal("167400000"),
    due=Decimal("223200000"),
    subsidy=Decimal(0),
    margin=Decimal(0),
    subsidised_hours=0,
    unknown_mwh=Decimal(0),
    cost_per_btc=None,
    shed_hours=None,
    shed_source=None,
    tco2=None,
    tco2_per_btc=None,
    pool_payouts=None,
    pool_amount=None,
    shares=None,
    proved_hashes=None,
    rests_on="office",
    sentence="",
)


def test_what_is_missing_has_the_limits_of_the_expectation():
    found = difference(LINE)
    assert (found.least, found.middle, found.most) == (-70, -50, -30)


@given(st.integers(0, 10**15), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**15))
def test_the_limits_of_a_difference_stand_in_order(expected, below, above, arrived):
    low = max(0, expected - below)
    found = difference(
        replace(LINE, expected=expected, low=low, high=expected + above, arrived=arrived)
    )
    assert found.least <= found.middle <= found.most
    assert found.most - found.least == expected + above - low


def test_a_megawatt_hour_costs_what_was_paid_for_it():
    assert cost_per_mwh(LINE) == 22_500
    assert recovered(LINE) == Fraction(3, 4)
    assert arrived_share(LINE) == Fraction(95, 100)


def test_what_nobody_says_is_not_computed():
    silent = replace(LINE, paid=None, due=None, expected=0, mwh=Decimal(0))
    assert cost_per_mwh(silent) is recovered(silent) is arrived_share(silent) is None
    assert recovered(replace(LINE, due=Decimal(0))) is None
