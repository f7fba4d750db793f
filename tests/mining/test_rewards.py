"""What hashes are worth: known figures, and sums that must agree."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.network import MAINNET
from khazana.bitcoin.work import block_subsidy, work_of
from khazana.mining.difficulty import FeeShare, days_between, exact_work
from khazana.mining.difficulty_table import shipped_difficulty
from khazana.mining.rewards import (
    BlockShare,
    expected_in_blocks,
    expected_in_heights,
    expected_in_time,
    expected_per_hash,
    mean_fee_share,
)
from khazana.units import Height, Sats

SERIES = shipped_difficulty()
NO_FEES = FeeShare(Fraction(0), "subsidy only")
BTC = 100_000_000


def mined(*, megawatts, j_per_th, first, last, fees):
    start, end = days_between(first, last)
    hashes = Fraction(megawatts) * 10**18 / Fraction(j_per_th) * (end - start)
    share = FeeShare(Fraction(fees), "test")
    return float(
        expected_in_time(SERIES, hashes=hashes, first=start, until=end, fees=share).sats / BTC
    )


def test_el_salvadors_plant_gives_167_6_bitcoin_in_the_facts_own_assumptions():
    found = mined(
        megawatts="1.5",
        j_per_th="29.5",
        first=date(2021, 10, 1),
        last=date(2024, 5, 12),
        fees="0.04",
    )
    assert round(found, 1) == 167.6


def test_a_gigawatt_at_9_9_joules_gives_the_17000_a_year_that_were_promised():
    days = {"first": date(2025, 6, 1), "last": date(2026, 5, 31)}
    assert mined(megawatts=1000, j_per_th="9.9", fees="0.01", **days) == pytest.approx(
        17_000, rel=0.01
    )
    assert mined(megawatts=1000, j_per_th=12, fees="0.01", **days) == pytest.approx(
        14_050, rel=0.01
    )
    assert mined(megawatts=1000, j_per_th="17.5", fees="0.01", **days) == pytest.approx(
        9_630, rel=0.01
    )


@pytest.mark.parametrize(
    ("day", "per_ph_day"), [(date(2025, 7, 27), 4.93e-4), (date(2025, 12, 12), 4.24e-4)]
)
def test_a_petahash_for_a_day_earns_what_the_facts_list(day, per_ph_day):
    start, end = days_between(day, day)
    one = expected_per_hash(SERIES, first=start, until=end, fees=NO_FEES)
    assert float(one.sats * 10**15 * 86_400 / BTC) == pytest.approx(per_ph_day, rel=0.002)


@given(st.integers(5_000, 900_000), st.integers(0, 299), st.fractions(0, 1))
def test_even_hashes_over_heights_equal_the_sum_of_their_blocks(first, more, fees):
    last = min(first + more, 955_583)
    hashes = Fraction(10**24)
    share = FeeShare(fees, "test")
    got = expected_in_heights(
        SERIES, hashes=hashes, first=Height(first), last=Height(last), fees=share
    )
    by_block = expected_in_blocks(
        BlockShare(Height(h), SERIES.bits_at(Height(h)), Sats(0), hashes / (last - first + 1))
        for h in range(first, last + 1)
    )
    assert got.blocks == by_block.blocks
    low, high = sorted(block_subsidy(Height(h), MAINNET) for h in (first, last))
    assert low * (1 + fees) <= got.sats / got.blocks <= high * (1 + fees)


def test_a_halving_inside_an_epoch_is_split_at_its_block():
    hashes = Fraction(10**24)
    got = expected_in_heights(
        SERIES, hashes=hashes, first=Height(839_000), last=Height(840_999), fees=NO_FEES
    )
    by_block = expected_in_blocks(
        BlockShare(
            Height(h),
            SERIES.bits_at(Height(h)),
            block_subsidy(Height(h), MAINNET),
            hashes / 2_000,
        )
        for h in range(839_000, 841_000)
    )
    assert got == by_block
    assert got.sats / got.blocks != 625_000_000


def test_hashes_equal_to_all_work_of_an_epoch_find_all_its_blocks():
    epoch = SERIES.epochs[450]
    all_work = exact_work(epoch.bits) * 2016
    last = Height(epoch.first + 2015)
    got = expected_in_heights(SERIES, hashes=all_work, first=epoch.first, last=last, fees=NO_FEES)
    assert got.blocks == 2016
    assert got.sats == 2016 * block_subsidy(epoch.first, MAINNET)
    assert all_work - 2016 < work_of(epoch.bits) * 2016 <= all_work


@given(st.integers(1, 2_000), st.integers(1, 400), st.integers(1, 400))
def test_earnings_of_two_times_add_up(day, one, two):
    start = SERIES.begins + day * 86_400
    middle, end = start + one * 86_400, start + (one + two) * 86_400
    rate = Fraction(10**9)

    def earned(a, b):
        return expected_in_time(SERIES, hashes=rate * (b - a), first=a, until=b, fees=NO_FEES)

    assert earned(start, middle) + earned(middle, end) == earned(start, end)


def test_the_mean_fee_share_comes_from_real_coinbases():
    blocks = [(Height(840_001), Sats(330_000_000)), (Height(840_002), Sats(326_250_000))]
    assert mean_fee_share(blocks, SERIES) == Fraction(3_125, 62_500)
    with pytest.raises(ValueError, match="no block"):
        mean_fee_share([], SERIES)


def test_nonsense_is_our_mistake():
    with pytest.raises(ValueError, match="negative"):
        expected_in_time(
            SERIES, hashes=Fraction(-1), first=SERIES.begins, until=SERIES.ends, fees=NO_FEES
        )
    with pytest.raises(ValueError, match="no block lies"):
        expected_in_heights(
            SERIES, hashes=Fraction(1), first=Height(10), last=Height(9), fees=NO_FEES
        )
