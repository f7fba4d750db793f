"""Targets, work, retargets and subsidies agree with Bitcoin Core's own test values."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.network import MAINNET, NETWORKS, REGTEST, TESTNET3, Network
from khazana.bitcoin.work import (
    BadCompactTarget,
    bits_of,
    block_subsidy,
    difficulty_of,
    is_canonical,
    meets_target,
    retargeted_bits,
    target_of,
    work_of,
)
from khazana.units import Height

# arith_uint256_tests.cpp, bignum_SetCompact (Bitcoin Core, MIT).


@pytest.mark.parametrize(
    ("bits", "target", "canonical"),
    [
        (0x01123456, 0x12, 0x01120000),
        (0x02123456, 0x1234, 0x02123400),
        (0x03123456, 0x123456, 0x03123456),
        (0x04123456, 0x12345600, 0x04123456),
        (0x05009234, 0x92340000, 0x05009234),
        (0x20123456, 0x123456 << 232, 0x20123456),
        (0x1D00FFFF, 0xFFFF << 208, 0x1D00FFFF),
        (0x207FFFFF, 0x7FFFFF << 232, 0x207FFFFF),
    ],
)
def test_compact_targets_of_core(bits: int, target: int, canonical: int) -> None:
    assert target_of(bits) == target
    assert bits_of(target) == canonical
    assert is_canonical(bits) == (bits == canonical)


@pytest.mark.parametrize(
    "bits",
    [
        *(0x00000000, 0x00123456, 0x01003456, 0x02000056, 0x03000000, 0x04000000),
        *(0x00923456, 0x01803456, 0x02800056, 0x03800000, 0x04800000),
    ],
)
def test_zero_is_no_target(bits: int) -> None:
    with pytest.raises(BadCompactTarget, match="it is zero"):
        target_of(bits)


@pytest.mark.parametrize("bits", [0x01FEDCBA, 0x04923456, 0x20923456])
def test_a_negative_target_is_refused(bits: int) -> None:
    with pytest.raises(BadCompactTarget, match="it is negative"):
        target_of(bits)


@pytest.mark.parametrize("bits", [0xFF123456, 0x23000001, 0x22000100, 0x21010000])
def test_a_target_of_more_than_256_bits_is_refused(bits: int) -> None:
    with pytest.raises(BadCompactTarget, match="larger than 256 bits"):
        target_of(bits)


@pytest.mark.parametrize("bits", [0x22000001, 0x220000FF, 0x2100FFFF])
def test_the_largest_exponents_fit_small_mantissas(bits: int) -> None:
    assert target_of(bits).bit_length() <= 256


@pytest.mark.parametrize("bits", [-1, 2**32])
def test_bits_are_32_bits(bits: int) -> None:
    with pytest.raises(ValueError, match="32 bits"):
        target_of(bits)


@pytest.mark.parametrize("target", [-1, 0, 2**256])
def test_no_bits_for_what_is_no_target(target: int) -> None:
    with pytest.raises(ValueError, match="a target lies between"):
        bits_of(target)


@given(st.integers(1, 2**256 - 1))
def test_compact_form_cuts_less_than_one_part_in_32768(target: int) -> None:
    bits = bits_of(target)
    again = target_of(bits)
    assert is_canonical(bits)
    assert again <= target
    assert target - again < max(1, target >> 15)


@given(st.integers(1, 2**256 - 1), st.integers(1, 2**256 - 1))
def test_compact_form_keeps_the_order(one: int, other: int) -> None:
    assert (bits_of(one) <= bits_of(other)) or one > other


def test_work_of_the_first_block() -> None:
    # getblockheader of the genesis block: chainwork …0100010001.
    assert work_of(0x1D00FFFF) == 0x1_0001_0001
    assert work_of(0x207FFFFF) == 2


@given(st.integers(1, 2**256 - 1))
def test_work_is_cores_formula(target: int) -> None:
    bits = bits_of(target)
    cut = target_of(bits)
    # chain.cpp: (~target / (target + 1)) + 1, because 2^256 does not fit in 256 bits.
    assert work_of(bits) == (2**256 - 1 - cut) // (cut + 1) + 1


def test_difficulty_is_exact() -> None:
    assert difficulty_of(0x1D00FFFF) == 1
    assert difficulty_of(0x1B0404CB) == Fraction(0xFFFF << 208, 0x0404CB << 192)
    assert round(float(difficulty_of(0x1B0404CB)), 4) == 16307.4209


def test_a_hash_equal_to_the_target_is_proof_and_one_more_is_not() -> None:
    target = target_of(0x1D00FFFF)
    assert meets_target(target.to_bytes(32, "little"), 0x1D00FFFF)
    assert not meets_target((target + 1).to_bytes(32, "little"), 0x1D00FFFF)


@pytest.mark.parametrize(
    ("first", "last", "old", "new"),
    [
        # pow_tests.cpp (Bitcoin Core, MIT)
        (1261130161, 1262152739, 0x1D00FFFF, 0x1D00D86A),
        (1231006505, 1233061996, 0x1D00FFFF, 0x1D00FFFF),
        (1279008237, 1279297671, 0x1C05A3F4, 0x1C0168FD),
        (1263163443, 1269211443, 0x1C387F6F, 0x1D00E1FD),
    ],
)
def test_retargets_of_core(first: int, last: int, old: int, new: int) -> None:
    got = retargeted_bits(base_bits=old, first_time=first, last_time=last, network=MAINNET)
    assert got == new


def test_times_that_run_backwards_count_as_a_quarter() -> None:
    got = retargeted_bits(base_bits=0x1C05A3F4, first_time=10**9, last_time=0, network=TESTNET3)
    assert got == 0x1C0168FD


def test_regtest_never_retargets() -> None:
    got = retargeted_bits(base_bits=0x207FFFFF, first_time=0, last_time=1, network=REGTEST)
    assert got == 0x207FFFFF


def test_all_coins_ever_issued() -> None:
    issued = sum(210_000 * block_subsidy(Height(era * 210_000), MAINNET) for era in range(70))
    assert issued == 2_099_999_997_690_000


@pytest.mark.parametrize("network", NETWORKS.values(), ids=lambda network: network.name)
def test_the_subsidy_halves_on_the_block(network: Network) -> None:
    interval = network.halving_interval
    assert block_subsidy(Height(0), network) == 50_0000_0000
    assert block_subsidy(Height(interval - 1), network) == 50_0000_0000
    assert block_subsidy(Height(interval), network) == 25_0000_0000
    assert block_subsidy(Height(interval * 33 - 1), network) == 1
    assert block_subsidy(Height(interval * 33), network) == 0
    assert block_subsidy(Height(interval * 1000), network) == 0


def test_no_subsidy_below_the_genesis_block() -> None:
    with pytest.raises(ValueError, match="height -1"):
        block_subsidy(Height(-1), MAINNET)
