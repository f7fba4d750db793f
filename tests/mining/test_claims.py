"""Claims that states made, held against the chain: the checks of the facts, reproduced."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khazana.mining.claims import (
    Fit,
    MiningClaim,
    NoMachineOfTheTime,
    audit_claim,
    mined_range,
    power_needed,
)
from khazana.mining.difficulty import DifficultyNotKnown, FeeShare
from khazana.mining.difficulty_table import shipped_difficulty
from khazana.mining.machines import shipped_machines
from khazana.units import Sats

BTC = 100_000_000
SERIES, MACHINES = shipped_difficulty(), shipped_machines()
SV_DAYS = {"first": date(2021, 10, 1), "last": date(2024, 5, 13)}
FOUR = FeeShare(Fraction(4, 100), "as the facts assume")


def claim(btc, mw, first, last):
    amount = Sats(int(Fraction(btc) * BTC))
    return MiningClaim(amount=amount, power_mw=Fraction(mw), first=first, last=last)


def audit(*args, fees=FOUR):
    return audit_claim(claim(*args), series=SERIES, machines=MACHINES, fees=fees)


def test_474_bitcoin_from_one_and_a_half_megawatts_does_not_fit():
    found = audit(474, "1.5", *SV_DAYS.values())
    assert found.fit is Fit.TOO_MUCH
    # "474 BTC needs 144 PH/s mean = 4.2 MW at 29.5 J/TH"
    assert float(found.mean_hashrate_h_s) / 1e15 == pytest.approx(144, rel=0.005)
    needs = power_needed(
        Sats(474 * BTC), j_per_th=Fraction(59, 2), series=SERIES, fees=FOUR, **SV_DAYS
    )
    assert round(float(needs), 1) == 4.2
    # "The claim is 2.1 to 4.8 times too high", and the best of each day cannot do it either.
    assert found.high < 474 * BTC / 1.9
    assert found.implied_j_per_th < found.best_j_per_th / 2
    assert found.best_models[:2] == ("Antminer S19j Pro", "Antminer S19 XP")


@pytest.mark.parametrize(("j_per_th", "btc"), [(34, 145), ("29.5", 168), ("21.5", 230)])
def test_what_the_published_power_gives_at_each_efficiency_of_the_facts(j_per_th, btc):
    needs = power_needed(
        Sats(btc * BTC), j_per_th=Fraction(j_per_th), series=SERIES, fees=FOUR, **SV_DAYS
    )
    assert float(needs) == pytest.approx(1.5, rel=0.005)


def test_three_hundred_machines_of_100_terahash_give_99_bitcoin():
    # 300 × 100 TH/s are 30 PH/s: the power of as many joules at 1 J/TH.
    needs = power_needed(Sats(99 * BTC), j_per_th=Fraction(1), series=SERIES, fees=FOUR, **SV_DAYS)
    assert float(needs) * 1e6 == pytest.approx(300 * 100, rel=0.005)


def test_bhutans_september_of_2023_fits():
    found = audit(217, 100, date(2023, 9, 1), date(2023, 9, 30))
    assert found.fit is Fit.FITS
    # "217 BTC needs 3.10 EH/s = 91 to 105 MW", between machines of 29.5 and 34 J/TH.
    assert float(found.mean_hashrate_h_s) / 1e18 == pytest.approx(3.10, rel=0.02)
    assert 29.5 < found.implied_j_per_th < 34


def test_the_same_month_with_the_other_states_power_does_not_fit():
    assert audit(217, "1.5", date(2023, 9, 1), date(2023, 9, 30)).fit is Fit.TOO_MUCH


def test_the_emirates_daily_rate_fits_the_joint_ventures_power():
    found = audit("117.6", 250, date(2026, 2, 1), date(2026, 2, 28))
    assert found.fit is Fit.FITS
    at = power_needed(
        Sats(11_760_000_000),
        j_per_th=Fraction("18.5"),
        first=date(2026, 2, 1),
        last=date(2026, 2, 28),
        series=SERIES,
    )
    assert float(at) == pytest.approx(165, rel=0.01)


def test_17000_bitcoin_a_year_from_a_gigawatt_take_9_9_joules():
    found = audit(
        17_000, 1_000, date(2025, 6, 1), date(2026, 5, 31), fees=FeeShare(Fraction(1, 100), "x")
    )
    assert round(float(found.implied_j_per_th), 1) == 9.9
    assert found.fit is Fit.FITS  # barely: below every nameplate until the newest came
    assert found.implied_j_per_th < found.best_j_per_th


@settings(max_examples=30)
@given(st.integers(1, 10_000), st.integers(1, 500), st.integers(0, 400), st.integers(0, 300))
def test_the_judges_range_is_what_the_audit_compares_with(btc, mw, skip, days):
    first = date.fromordinal(date(2022, 1, 1).toordinal() + skip)
    last = date.fromordinal(first.toordinal() + days)
    found = audit(btc, mw, first, last)
    low, high = mined_range(
        power_mw=Fraction(mw), first=first, last=last, series=SERIES, machines=MACHINES
    )
    assert (found.low, found.high) == (low, high)
    assert found.fit is not Fit.FITS or low <= btc * BTC <= high
    assert found.best_j_per_th <= found.worst_j_per_th
    # A claim of what machines of the best nameplate earn implies the best nameplate.
    assert found.implied_mw_best / found.claim.power_mw == (
        found.best_j_per_th / found.implied_j_per_th
    )


def test_verdicts_stand_in_order_of_the_amount():
    days = date(2024, 5, 1), date(2024, 5, 31)
    low, high = mined_range(
        power_mw=Fraction(10), first=days[0], last=days[1], series=SERIES, machines=MACHINES
    )
    assert audit(Fraction(low - 1, BTC), 10, *days).fit is Fit.TOO_LITTLE
    assert audit(Fraction(low + 1, BTC), 10, *days).fit is Fit.FITS
    assert audit(Fraction(high, BTC), 10, *days).fit is Fit.FITS
    assert audit(Fraction(high + 1, BTC), 10, *days).fit is Fit.QUESTION
    beyond = Fraction(high, BTC) * Fraction(95, 100) / Fraction(8, 10)
    assert audit(beyond * Fraction(999, 1000), 10, *days).fit is Fit.QUESTION
    assert audit(beyond * Fraction(1001, 1000), 10, *days).fit is Fit.TOO_MUCH


def test_a_time_without_machines_or_difficulty_is_refused():
    with pytest.raises(NoMachineOfTheTime, match="2012-01-01"):
        audit(1, 1, date(2012, 1, 1), date(2012, 1, 2))
    with pytest.raises(DifficultyNotKnown):
        audit(1, 1, date(2026, 6, 1), date(2026, 7, 1))


def test_a_claim_of_nothing_is_our_mistake():
    for btc, mw in ((0, 1), (1, 0), (-1, 1)):
        with pytest.raises(ValueError, match="nothing"):
            claim(btc, mw, date(2024, 1, 1), date(2024, 1, 1))
    with pytest.raises(ValueError, match="before"):
        claim(1, 1, date(2024, 1, 2), date(2024, 1, 1))
