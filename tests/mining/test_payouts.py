"""Payout schemes: their means and variances, and what a simulation makes of them."""

from fractions import Fraction
from random import Random

import pytest

from khazana.mining.difficulty import exact_work
from khazana.mining.payouts import Mined, Scheme, payout
from khazana.mining.worlds import poisson

BITS = 0x170240C3
SUBSIDY = 312_500_000


def mined(blocks=Fraction(276), **changed):
    values = {
        "hashes": exact_work(BITS) * blocks,
        "bits": BITS,
        "subsidy_sat": SUBSIDY,
        "fees_sat": Fraction(3_125_000),
        "pool_share": Fraction(1, 10),
        "pool_fee": Fraction(2, 100),
    }
    return Mined(**(values | changed))


def test_all_ways_pay_the_same_on_average_but_for_the_fee():
    solo = payout(mined(), Scheme.SOLO).mean
    assert solo == 276 * (SUBSIDY + 3_125_000)
    for scheme in (Scheme.FPPS, Scheme.PPS_PLUS, Scheme.PPLNS):
        assert payout(mined(), scheme).mean == solo * Fraction(98, 100)


def test_luck_falls_from_solo_to_fpps():
    spreads = [
        payout(mined(), scheme).relative_sd
        for scheme in (Scheme.SOLO, Scheme.PPLNS, Scheme.PPS_PLUS, Scheme.FPPS)
    ]
    assert spreads == sorted(spreads, reverse=True)
    # "9 own blocks a day: monthly sd 6.0 %"
    assert round(100 * spreads[0], 1) == 6.0
    assert spreads[1] == pytest.approx(spreads[0] * (1 / 10) ** 0.5)


def test_fees_that_vary_add_to_the_luck_of_those_who_bear_it():
    wild = {"fees_sd_sat": Fraction(30_000_000)}
    for scheme in (Scheme.SOLO, Scheme.PPLNS, Scheme.PPS_PLUS):
        assert payout(mined(**wild), scheme).variance > payout(mined(), scheme).variance
    assert payout(mined(**wild), Scheme.FPPS) == payout(mined(), Scheme.FPPS)


def test_a_simulated_pool_agrees_with_the_formulas():
    random, months, part = Random(4), 4_000, 0.1
    amounts = [poisson(random, 2_760) * part * (SUBSIDY + 3_125_000) * 0.98 for _ in range(months)]
    mean = sum(amounts) / months
    variance = sum((x - mean) ** 2 for x in amounts) / (months - 1)
    said = payout(mined(), Scheme.PPLNS)
    assert mean == pytest.approx(float(said.mean), rel=0.002)
    assert variance == pytest.approx(float(said.variance), rel=0.1)


def test_nothing_mined_pays_nothing():
    for scheme in Scheme:
        assert payout(mined(Fraction(0)), scheme).mean == 0
        assert payout(mined(Fraction(0)), scheme).variance == 0


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"hashes": Fraction(-1)}, "negative"),
        ({"fees_sat": Fraction(-1)}, "negative"),
        ({"pool_share": Fraction(0)}, "pool share"),
        ({"pool_share": Fraction(2)}, "pool share"),
        ({"pool_fee": Fraction(1)}, "pool fee"),
        ({"share_difficulty": 0}, "share difficulty"),
    ],
)
def test_what_cannot_be_is_our_mistake(changed, problem):
    with pytest.raises(ValueError, match=problem):
        mined(**changed)
