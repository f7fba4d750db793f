"""The shortfall test: its tails, its threshold, its limits, and what it finds in invented years."""

from math import comb, exp, factorial
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khazana.mining.cusum import alarm_probability, next_sum, shift_seen, threshold
from khazana.mining.shortfall import (
    Chart,
    CountedLuck,
    Finding,
    Observation,
    SmoothLuck,
    judge_sites,
)
from khazana.mining.tails import binomial_at_most, poisson_at_most, sigma_of
from khazana.mining.worlds import Programme, World, measure, poisson, power

PAID_BY_SHARE = Programme(sites=12, steady=0.022, changing=0.01, sd=0.0018)
DOUBLED = Programme(sites=12, steady=0.044, changing=0.02, sd=0.0018)


def rows(lucks, *, bound=0.03, changing=0.01, site="Site 1"):
    return [
        Observation(site=site, month=f"month {n}", luck=luck, bound=bound, changing=changing)
        for n, luck in enumerate(lucks, start=1)
    ]


def judged(lucks, **values):
    return judge_sites({"Site 1": rows(lucks, **values)}, sites=12).sites[0]


@given(st.integers(0, 60), st.floats(0.01, 80))
def test_the_poisson_tail_is_the_sum_of_its_terms(count, mean):
    terms = sum(exp(-mean) * mean**n / factorial(n) for n in range(count + 1))
    assert poisson_at_most(count, mean) == pytest.approx(terms, rel=1e-9, abs=1e-14)


@given(st.integers(1, 60), st.integers(0, 60), st.floats(0.001, 0.999))
def test_the_binomial_tail_is_the_sum_of_its_terms(trials, count, chance):
    terms = sum(
        comb(trials, n) * chance**n * (1 - chance) ** (trials - n)
        for n in range(min(count, trials) + 1)
    )
    assert binomial_at_most(count, trials, chance) == pytest.approx(terms, rel=1e-8, abs=1e-13)


def test_tails_at_their_ends():
    assert poisson_at_most(-1, 5.0) == 0
    assert poisson_at_most(3, 0.0) == 1
    assert binomial_at_most(-1, 5, 0.5) == 0
    assert binomial_at_most(3, 5, 1.0) == 0
    assert binomial_at_most(3, 5, 0.0) == 1
    assert sigma_of(1.0) == 37 == -sigma_of(0.0)
    for wrong in (lambda: poisson_at_most(1, -1.0), lambda: binomial_at_most(1, 2, 1.5)):
        with pytest.raises(ValueError, match="cannot be"):
            wrong()


@pytest.mark.parametrize("mean", [3.0, 200.0, 31_350.0])
def test_invented_counts_have_the_mean_and_spread_of_their_kind(mean):
    random = Random(3)
    found = [poisson(random, mean) for _ in range(4_000)]
    average = sum(found) / len(found)
    spread = sum((n - average) ** 2 for n in found) / len(found)
    assert average == pytest.approx(mean, abs=4 * (mean / 4_000) ** 0.5)
    assert spread / mean == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("reference", [1.0, 2.0])
def test_the_threshold_keeps_the_probability_it_promises(reference):
    height = threshold(alarms=0.02, months=12, reference=reference)
    random, alarms, runs = Random(5), 0, 20_000
    for _ in range(runs):
        total = highest = 0.0
        for _ in range(12):
            total = next_sum(total, random.gauss(0, 1), reference=reference)
            highest = max(highest, total)
        alarms += highest > height
    # Never above but by luck, and not so far below that power is given away.
    assert 0.013 < alarms / runs < 0.02 + 3 * (0.02 / runs) ** 0.5


def test_more_months_and_fewer_alarms_raise_the_threshold():
    base = threshold(alarms=0.01, months=6, reference=1.0)
    assert threshold(alarms=0.01, months=12, reference=1.0) > base
    assert threshold(alarms=0.001, months=6, reference=1.0) > base
    for alarms, months in ((0, 1), (1, 1), (0.1, 0)):
        with pytest.raises(ValueError, match="no threshold"):
            threshold(alarms=alarms, months=months, reference=1.0)


@pytest.mark.parametrize("months", [1, 6])
def test_the_shift_that_is_seen_is_seen_nine_times_in_ten(months):
    shift = shift_seen(height=4.2, months=months, reference=1.0)
    random, seen, runs = Random(6), 0, 10_000
    for _ in range(runs):
        total = highest = 0.0
        for _ in range(months):
            total = next_sum(total, random.gauss(-shift, 1), reference=1.0)
            highest = max(highest, total)
        seen += highest > 4.2
    assert 0.89 < seen / runs < 0.93
    assert alarm_probability(4.2, months=months, reference=1.0, shift=shift) >= 0.9


def test_an_ok_never_stands_without_its_limits():
    found = judged([SmoothLuck(1.0, 0.0018)] * 12)
    assert found.finding is Finding.OK
    assert found.first_alarm is None
    sentence = found.sentence()
    assert f"{100 * found.level_limit:.1f} % in each month so far" in sentence
    assert f"{100 * found.change_limit:.1f} % in month 12 alone" in sentence
    assert "a calibration known to 3.0 %" in sentence
    first = judged([SmoothLuck(1.0, 0.0018)])
    assert first.change_limit is None
    assert "% in month 1. Less" in first.sentence()


def test_the_limit_combines_luck_and_calibration():
    def limit(bound, sd):
        return judged([SmoothLuck(1.0, sd)], bound=bound, changing=0.0).level_limit

    assert limit(0.03, 1e-6) == pytest.approx(1 - 0.97 / 1.03, rel=1e-3)  # calibration alone
    luck_alone = limit(0.0, 0.0056)
    assert 0.03 < luck_alone < 0.04
    assert limit(0.03, 0.0056) == pytest.approx(1 - (1 - luck_alone) * 0.97 / 1.03, rel=1e-9)


def test_solo_mining_of_a_small_fleet_hides_everything_and_says_so():
    found = judged([CountedLuck(4.8, 5)])
    assert found.level_limit == 1
    assert "a diversion of all of it in month 1" in found.sentence()
    assert judged([CountedLuck(31_350, 31_350)]).level_limit < 0.1


@pytest.mark.parametrize("luck", [CountedLuck(276.0, 276), CountedLuck(31_350.0, 31_350)])
def test_a_diversion_of_the_limit_is_seen_by_counting_too(luck):
    honest = [luck] * 6
    limit = judged([*honest, luck]).change_limit
    random, seen, runs = Random(8), 0, 300
    for _ in range(runs):
        year = [CountedLuck(luck.expected, poisson(random, luck.expected * 0.99)) for _ in honest]
        mean = luck.expected * 1.01 * (1 - limit)
        year.append(CountedLuck(luck.expected, poisson(random, mean)))
        seen += judged(year).standings[-1].alarm
    assert 0.84 < seen / runs < 0.97


def test_a_month_without_anything_raises_the_alarm():
    for luck, none in (
        (SmoothLuck(1.0, 0.01), SmoothLuck(0.0, 0.01)),
        (CountedLuck(50, 50), CountedLuck(50, 0)),
    ):
        found = judged([luck, luck, none])
        assert found.finding is Finding.ALARM
        assert found.first_alarm.month == "month 3"
        assert "shortfall in month 3" in found.sentence()


def test_calibration_within_its_bound_raises_nothing_and_beyond_it_does():
    assert judged([SmoothLuck(0.971, 0.0018)] * 12).finding is Finding.OK
    found = judged([SmoothLuck(0.96, 0.0018)] * 12)
    assert {one.chart for one in found.standings if one.alarm} == {Chart.LEVEL}


def test_a_fall_within_the_bound_is_seen_against_the_sites_own_past():
    found = judged([SmoothLuck(1.02, 0.0018)] * 5 + [SmoothLuck(0.975, 0.0018)])
    assert {one.chart for one in found.standings if one.alarm} == {Chart.CHANGE}
    assert found.first_alarm.month == "month 6"


def test_more_bitcoin_than_expected_never_raises_an_alarm():
    assert judged([SmoothLuck(1.0, 0.0018), SmoothLuck(1.5, 0.0018)]).finding is Finding.OK


@settings(max_examples=30)
@given(st.lists(st.floats(0.9, 1.1), min_size=1, max_size=12), st.data())
def test_less_bitcoin_in_the_newest_month_never_clears_an_alarm(ratios, data):
    before = judged([SmoothLuck(ratio, 0.01) for ratio in ratios])
    lower = data.draw(st.floats(0.0, 1.0)) * ratios[-1]
    after = judged([SmoothLuck(ratio, 0.01) for ratio in [*ratios[:-1], lower]])
    for one, other in zip(before.standings, after.standings, strict=True):
        assert other.total >= one.total - 1e-9


def test_false_alarms_stay_below_one_per_cent_a_year_in_the_assumed_world():
    # Bounds of nearly nothing, so that the honest worst case is what really happens.
    tight = Programme(sites=12, steady=1e-6, changing=1e-6, sd=0.01)
    found = measure(Random(11), tight, world=World.ASSUMED, years=600, share=0.05)
    assert found.false_alarms <= 0.01 + 3 * (0.01 * 0.99 / 600) ** 0.5
    assert "false alarms in" in found.sentence()


def test_another_world_within_the_same_bounds_raises_no_more():
    found = measure(Random(12), PAID_BY_SHARE, world=World.OTHER, years=150, share=0.05)
    assert found.false_alarms <= 0.01 + 3 * (0.01 * 0.99 / 150) ** 0.5
    assert found.power > 0.9


def test_a_doubled_budget_hides_more():
    plain = power(Random(13), PAID_BY_SHARE, world=World.ASSUMED, years=300, share=0.05)
    wide = power(
        Random(13), PAID_BY_SHARE, world=World.ASSUMED, years=300, share=0.05, told=DOUBLED
    )
    assert wide < plain
    assert plain > 0.9


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: judge_sites({}), "no site"),
        (lambda: judge_sites({"Site 1": []}), "has 0 months"),
        (lambda: judged([SmoothLuck(1.0, 0.01)] * 13), "has 13 months"),
        (lambda: judge_sites({"x": rows([SmoothLuck(1.0, 0.01)])}), "another site"),
        (lambda: judge_sites({"Site 1": rows([SmoothLuck(1.0, 0.01)]) * 2}), "twice"),
        (lambda: judged([SmoothLuck(1.0, 0.01), CountedLuck(5, 5)]), "two ways"),
        (
            lambda: judge_sites({"Site 1": rows([SmoothLuck(1.0, 0.01)])}, sites=0),
            "more than the 0",
        ),
        (lambda: SmoothLuck(-1.0, 0.1), "cannot be"),
        (lambda: SmoothLuck(1.0, 0.0), "cannot be"),
        (lambda: CountedLuck(0.0, 1), "cannot be"),
        (lambda: CountedLuck(1.0, -1), "cannot be"),
        (lambda: rows([SmoothLuck(1.0, 0.1)], bound=0.01, changing=0.02), "bounds"),
        (lambda: Programme(sites=0, steady=0, changing=0, sd=1), "at least one site"),
        (lambda: Programme(sites=1, steady=0, changing=0), "one of the two"),
    ],
)
def test_what_cannot_be_is_our_mistake(make, problem):
    with pytest.raises(ValueError, match=problem):
        make()
