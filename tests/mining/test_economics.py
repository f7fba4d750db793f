"""Revenue per megawatt-hour: the table of the facts, and where mining stops paying."""

from fractions import Fraction

import pytest

from khazana.mining.difficulty import FeeShare
from khazana.mining.economics import (
    break_even_j_per_th,
    break_even_power_price,
    btc_per_mwh,
    btc_per_ph_day,
    own_effect,
    usd_per_mwh,
)
from khazana.units import Sats

BITS = 0x170240C3  # 124.93 T, June 2026
SUBSIDY = Sats(312_500_000)
ONE = FeeShare(Fraction(1, 100), "test")
PRICES = [60_000, Fraction("78293.71"), 91_000]


@pytest.mark.parametrize(
    ("j_per_th", "usd"),
    [
        ("9.5", (134, 175, 203)),
        ("13.5", (94, 123, 143)),
        ("15", (85, 111, 129)),
        ("17.5", (73, 95, 110)),
        ("21.5", (59, 77, 90)),
        ("23", (55, 72, 84)),
        ("29.5", (43, 56, 65)),
    ],
)
def test_the_table_of_usd_per_megawatt_hour(j_per_th, usd):
    per_day = btc_per_ph_day(BITS, subsidy=SUBSIDY, fees=ONE)
    found = [usd_per_mwh(per_day * price, j_per_th=Fraction(j_per_th)) for price in PRICES]
    # The table was made with hashprices rounded to ten cents.
    assert [float(value) for value in found] == pytest.approx(usd, abs=0.6)


def test_both_ways_to_a_megawatt_hour_agree():
    per_mwh = btc_per_mwh(BITS, subsidy=SUBSIDY, fees=ONE, j_per_th=Fraction(35, 2))
    assert round(float(per_mwh), 5) == 1.21e-3
    per_day = btc_per_ph_day(BITS, subsidy=SUBSIDY, fees=ONE)
    assert usd_per_mwh(per_day, j_per_th=Fraction(35, 2)) == per_mwh


@pytest.mark.parametrize(
    ("hashprice", "j_per_th"), [("30.5", 15.1), ("39.8", 19.8), ("46.3", 23.0)]
)
def test_the_tariff_that_was_asked_needs_these_machines(hashprice, j_per_th):
    # Rs 22.5/kWh with PUE 1.05 is USD 84 per plug MWh, USD 79.9 at the meter.
    power = Fraction(22_500) / Fraction("281.5")
    found = break_even_j_per_th(Fraction(hashprice), power_price=power, pue=Fraction(105, 100))
    assert float(found) == pytest.approx(j_per_th, rel=0.01)
    back = break_even_power_price(Fraction(hashprice), j_per_th=found, pue=Fraction(105, 100))
    assert back == power


def test_fees_and_other_cost_lower_the_price_that_can_be_paid():
    plain = break_even_power_price(Fraction(40), j_per_th=Fraction(20), pue=Fraction(1))
    less = break_even_power_price(
        Fraction(40),
        j_per_th=Fraction(20),
        pue=Fraction(1),
        pool_fee=Fraction(1, 100),
        other_cost_per_mwh=Fraction(5),
    )
    assert less == plain * Fraction(99, 100) - 5


def test_a_fleet_makes_its_own_difficulty():
    full = own_effect(Fraction("116.5"), network_eh_s=Fraction(894))
    assert round(float(full), 3) == 0.885
    part = own_effect(Fraction("116.5") * Fraction(57, 100), network_eh_s=Fraction(894))
    assert round(float(part), 3) == 0.931
    assert own_effect(Fraction(0), network_eh_s=Fraction(1)) == 1


def test_what_cannot_be_is_our_mistake():
    with pytest.raises(ValueError, match="any machine pays"):
        break_even_j_per_th(Fraction(40), power_price=Fraction(0), pue=Fraction(1))
    with pytest.raises(ValueError, match="cannot be"):
        own_effect(Fraction(1), network_eh_s=Fraction(0))
