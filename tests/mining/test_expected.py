"""Expected against arrived: a month's row, its error budget and its questions."""

from datetime import date
from fractions import Fraction

import pytest

from khazana.mining.difficulty import FeeShare, days_between
from khazana.mining.difficulty_table import shipped_difficulty
from khazana.mining.expected import (
    ErrorBudget,
    ErrorTerm,
    Metered,
    Persistence,
    SiteEfficiency,
    budget,
    site_month,
)
from khazana.mining.machines import shipped_machines
from khazana.units import Sats

FIRST, LAST = date(2026, 5, 1), date(2026, 5, 31)
START, END = days_between(FIRST, LAST)
USUAL = budget(
    meter_class="0.2S",
    j_per_th=Fraction(15, 1000),
    pue=Fraction(5, 1000),
    uptime=Fraction(1, 100),
    source="acceptance test",
)


def month(*, arrived=0, metered=None, j_per_th=Fraction(35, 2)):
    return site_month(
        site="Site 1",
        first=FIRST,
        last=LAST,
        metered=[Metered(START, END, Fraction(100_000))] if metered is None else metered,
        efficiency=SiteEfficiency(j_per_th=j_per_th, pue=Fraction(105, 100)),
        arrived=Sats(arrived),
        series=shipped_difficulty(),
        fees=FeeShare(Fraction(1, 100), "test"),
        error_budget=USUAL,
        machines=shipped_machines(),
    )


def test_a_megawatt_hour_earns_what_the_facts_compute():
    # "June 2026, S21 at 17.5 J/TH, PUE 1, +1 % fees: 1.21e-3" at 124.93 T; May had 136.6 T.
    first, until = days_between(date(2026, 5, 17), date(2026, 5, 27))
    row = month(metered=[Metered(first, until, Fraction(100_000))])
    per_mwh = float(row.expected.sats) / 1e8 / 100_000 * 1.05
    assert per_mwh == pytest.approx(1.21e-3 * 124.93 / 136.6, rel=0.005)


def test_energy_counts_at_the_difficulty_of_its_own_interval():
    early = month(metered=[Metered(START, START + 86_400, Fraction(10))])
    late = month(metered=[Metered(END - 86_400, END, Fraction(10))])
    both = month(
        metered=[
            Metered(START, START + 86_400, Fraction(10)),
            Metered(END - 86_400, END, Fraction(10)),
        ]
    )
    assert early.expected != late.expected
    assert both.expected == early.expected + late.expected
    assert both.mwh == 20


def test_arrival_as_expected_implies_the_tested_efficiency():
    due = int(month().expected.sats)
    row = month(arrived=due)
    assert row.ratio is not None
    assert float(row.ratio) == pytest.approx(1)
    assert float(row.implied_j_per_th) == pytest.approx(17.5)
    assert row.question is None
    assert float(month(arrived=due // 2).implied_j_per_th) == pytest.approx(35)


def test_better_than_four_fifths_of_the_best_nameplate_is_asked_about():
    due = month().expected.sats
    best = Fraction(19, 2)  # S23 Hyd
    just = due * Fraction(35, 2) / (best * Fraction(8, 10))
    assert month(arrived=int(just)).question is None
    asked = month(arrived=int(just) + 1).question
    assert asked is not None
    assert "7.6 J/TH" in asked
    assert "S23 Hyd" in asked
    assert asked.endswith("?")


def test_bitcoin_without_energy_is_asked_about_and_nothing_from_nothing_is_not():
    row = month(arrived=1, metered=[])
    assert row.ratio is None
    assert "no energy was metered" in row.question
    assert month(arrived=0, metered=[]).question is None
    assert month(arrived=0).ratio == 0
    assert month(arrived=0).implied_j_per_th is None


def test_an_error_budget_adds_up_at_its_worst():
    assert 1 - USUAL.bound == Fraction(998, 1000) * Fraction(985, 1000) * Fraction(
        995, 1000
    ) * Fraction(99, 100)
    assert USUAL.changing == Fraction(1, 100)
    assert USUAL.root_sum_square < USUAL.bound
    assert USUAL.doubled().changing == Fraction(2, 100)
    assert USUAL.bound < USUAL.doubled().bound < 2 * USUAL.bound
    assert ErrorBudget(()).bound == 0


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: ErrorTerm("x", Fraction(1), Persistence.STEADY, "s"), "no share"),
        (lambda: ErrorTerm("x", Fraction(-1), Persistence.STEADY, "s"), "no share"),
        (lambda: ErrorTerm("x", Fraction(0), Persistence.STEADY, ""), "a source"),
        (lambda: ErrorBudget(USUAL.terms * 2), "stands twice"),
        (
            lambda: budget(
                meter_class="3",
                j_per_th=Fraction(0),
                pue=Fraction(0),
                uptime=Fraction(0),
                source="s",
            ),
            "meter class '3'",
        ),
        (lambda: Metered(5, 5, Fraction(1)), "no time"),
        (lambda: Metered(5, 6, Fraction(-1)), "negative"),
        (lambda: SiteEfficiency(j_per_th=Fraction(0), pue=Fraction(1)), "0 J/TH"),
        (lambda: SiteEfficiency(j_per_th=Fraction(1), pue=Fraction(1, 2)), "PUE"),
        (
            lambda: SiteEfficiency(j_per_th=Fraction(1), pue=Fraction(1), line_loss=Fraction(1)),
            "loss",
        ),
        (lambda: month(arrived=-1), "cannot have arrived"),
    ],
)
def test_what_cannot_be_is_our_mistake(make, problem):
    with pytest.raises(ValueError, match=problem):
        make()
