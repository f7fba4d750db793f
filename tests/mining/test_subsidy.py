"""The subsidy meter and the load-shedding line, hour by hour."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.mining.subsidy import (
    FeederOff,
    PricedHour,
    Running,
    load_shedding,
    subsidy_reading,
)


def hour(number, *, mwh=10, tariff=80, marginal=54, full=120):
    def maybe(value):
        return None if value is None else Fraction(value)

    return PricedHour(
        site="Site 1",
        starts_at=3_600 * number,
        mwh=Fraction(mwh),
        tariff=Fraction(tariff),
        marginal_cost=maybe(marginal),
        full_cost=maybe(full),
        source="regulator",
    )


def test_a_tariff_below_marginal_cost_is_a_subsidy_and_hours_do_not_net_out():
    found = subsidy_reading([hour(0), hour(1, tariff=40), hour(2, marginal=None, full=None)])
    assert found.judged_mwh == 20
    assert found.unknown_mwh == 10
    assert (found.subsidised_hours, found.subsidised_mwh) == (1, 10)
    assert (found.subsidy, found.margin) == (140, 260)
    assert found.recovered == Fraction(120, 240)


def test_a_tariff_at_marginal_cost_is_no_subsidy():
    found = subsidy_reading([hour(0, tariff=54)])
    assert (found.subsidised_hours, found.subsidy, found.margin) == (0, 0, 0)


def test_without_published_cost_nothing_is_judged():
    found = subsidy_reading([hour(0, marginal=None, full=None)])
    assert found.judged_mwh == 0
    assert found.recovered is None


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 99), st.integers(0, 99)), max_size=20))
def test_subsidy_and_margin_differ_by_what_was_paid_over_cost(rows):
    hours = [hour(n, mwh=m, tariff=t, marginal=c) for n, (m, t, c) in enumerate(rows)]
    found = subsidy_reading(hours)
    assert found.margin - found.subsidy == sum(m * (t - c) for m, t, c in rows)
    assert found.subsidised_mwh <= found.judged_mwh == sum(m for m, _, _ in rows)


def test_mining_while_feeders_are_off_is_counted_once_with_its_source():
    ran = [Running("Site 1", "West", 0, 7_200), Running("Site 1", "West", 7_200, 10_800)]
    off = [
        FeederOff("F1", "West", 3_600, 9_000, "West's outage list"),
        FeederOff("F2", "West", 5_400, 9_900, "West's outage list"),
        FeederOff("F3", "West", 20_000, 30_000, "West's outage list"),
        FeederOff("F4", "East", 0, 10_800, "East's outage list"),
    ]
    (line,) = load_shedding(ran, off, reporting=["West", "East"])
    assert line.seconds == 6_300
    assert line.hours == Fraction(7, 4)
    assert line.feeders == ("F1", "F2")
    assert line.sources == ("West's outage list",)
    assert line.known


def test_a_site_that_stood_still_has_a_line_of_zero():
    ran = [Running("Site 1", "West", 0, 100)]
    (line,) = load_shedding(ran, [FeederOff("F1", "West", 100, 200, "list")], reporting=["West"])
    assert (line.seconds, line.feeders, line.known) == (0, (), True)


def test_zero_says_nothing_where_no_outages_are_published():
    (line,) = load_shedding([Running("Site 1", "North", 0, 100)], [], reporting=["West"])
    assert line.seconds == 0
    assert not line.known


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: hour(0, mwh=-1), "not negative"),
        (lambda: hour(0, tariff=-1), "not negative"),
        (lambda: subsidy_reading([hour(0), hour(0)]), "twice"),
        (lambda: Running("Site 1", "West", 5, 5), "no time"),
        (lambda: FeederOff("F", "West", 6, 5, "x"), "no time"),
        (lambda: FeederOff("F", "West", 5, 6, ""), "a source"),
        (lambda: load_shedding([], [FeederOff("F", "X", 5, 6, "x")], reporting=[]), "outages of X"),
    ],
)
def test_what_cannot_be_is_our_mistake(make, problem):
    with pytest.raises(ValueError, match=problem):
        make()
