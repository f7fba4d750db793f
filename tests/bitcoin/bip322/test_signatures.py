import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from khazana.bitcoin.bip322.numbers import number_of, truth_of, written
from khazana.bitcoin.bip322.signatures import check_ecdsa_key, schnorr_hash_type, strict_ecdsa
from khazana.bitcoin.bip322.verdict import Reason, Refusal
from tests.bitcoin.bip322.signer import ORDER, der, public, secret

numbers_ = st.integers(1, ORDER // 2)


@given(numbers_, numbers_)
@example(1, 1)
@example(ORDER - 1, ORDER // 2)
def test_r_and_s_come_back_from_strict_der(r, s):
    compact = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert strict_ecdsa(der(compact) + b"\x01") == compact


def test_one_above_half_the_order_is_high():
    high = (1).to_bytes(32, "big") + (ORDER // 2 + 1).to_bytes(32, "big")
    with pytest.raises(Refusal) as caught:
        strict_ecdsa(der(high) + b"\x01")
    assert caught.value.reason is Reason.HIGH_S


@pytest.mark.parametrize(
    "raw",
    [
        "01",
        "300602010102010101"[:-2],
        "300702010102010101",
        "310602010102010101",
        "300603010102010101",
        "300602010103010101",
        "300602018102010101",
        "300602010102018101",
        "30070202000102010101",
        "30070201010202000101",
        "300502000202010101",
        "300602000102010101",
        "30060201010201010001",
        "300602010102020101",
        "30" + "ff" * 80,
    ],
)
def test_other_encodings_are_refused(raw):
    with pytest.raises(Refusal) as caught:
        strict_ecdsa(bytes.fromhex(raw))
    assert caught.value.reason is Reason.NOT_STRICT_DER


def test_a_number_beyond_256_bits_can_never_verify():
    r = b"\x02\x22\x01" + bytes(33)
    raw = b"\x30" + bytes([len(r) + 3]) + r + b"\x02\x01\x01\x01"
    assert strict_ecdsa(raw) == bytes(64)


def test_only_what_the_kernel_calls_strict_is_strict():
    """Bitcoin Core refuses, by consensus, any signature that is not strict DER (BIP-66)."""
    pytest.importorskip("pbk", reason="py-bitcoinkernel is absent")
    from khazana.bitcoin.kernel_scripts import first_bad_input
    from khazana.bitcoin.transaction import TxOut
    from khazana.units import Sats
    from tests.bitcoin.bip322.signer import CHECKSIG, Manner, answered, carried, code

    dice = random.Random(66)
    # A wrong signature is no failure for this script unless its encoding is: NOT turns it round.
    run = code(public(secret(1)), CHECKSIG, 0x91)
    strict = 0
    for _ in range(2_000):

        def bend(signature: bytes) -> bytes:
            raw = bytearray(signature)
            place = dice.choice([0, 1, 2, 3, 4, 5, 36, 37, 38, 39, 40])
            raw[place % len(raw)] = dice.choice([0, 1, 2, 0x20, 0x21, 0x30, 0x44, 0x7F, 0x80, 0xFF])
            return bytes(raw)

        spender = carried("not", "v0", run, lambda s: [s(secret(2))])
        answer = answered(spender, b"m", manner=Manner(bend=bend))
        theirs = first_bad_input(answer.serialize(), [TxOut(Sats(0), spender.script)]) is None
        try:
            strict_ecdsa(answer.inputs[0].witness[0])
            ours = True
        except Refusal as refusal:
            ours = refusal.reason is not Reason.NOT_STRICT_DER
        assert ours == theirs, answer.inputs[0].witness[0].hex()
        strict += ours
    assert 100 < strict < 1_900


@pytest.mark.parametrize(("size", "last", "expected"), [(64, 0, 0), (65, 1, 1)])
def test_taproot_signatures_sign_everything(size, last, expected):
    assert schnorr_hash_type(bytes(size - 1) + bytes([last])) == expected


@pytest.mark.parametrize("raw", [b"", bytes(63), bytes(65), bytes(64) + b"\x02", bytes(66)])
def test_other_taproot_signatures_are_refused(raw):
    with pytest.raises(Refusal):
        schnorr_hash_type(raw)


def test_keys_are_written_as_sec_1_says():
    short, long = public(secret(1)), public(secret(1), compressed=False)
    check_ecdsa_key(short, compressed=True)
    check_ecdsa_key(long, compressed=False)
    for key, compressed in [
        (long, True),
        (b"", False),
        (short[:-1], False),
        (b"\x05" + short[1:], False),
    ]:
        with pytest.raises(Refusal):
            check_ecdsa_key(key, compressed=compressed)


@given(st.integers(-(2**31) + 1, 2**31 - 1))
@example(0)
@example(-1)
@example(128)
@example(-128)
@example(32768)
def test_numbers_come_back_as_they_were_written(value):
    assert number_of(written(value), longest=4) == value
    assert truth_of(written(value)) is (value != 0)


@pytest.mark.parametrize("item", [b"\x00", b"\x80", b"\x01\x00", b"\x01\x80", b"\xff\x00\x00"])
def test_a_number_longer_than_needed_is_no_number(item):
    with pytest.raises(Refusal) as caught:
        number_of(item, longest=4)
    assert caught.value.reason is Reason.MINIMALDATA


def test_a_number_too_long_is_refused():
    with pytest.raises(Refusal):
        number_of(bytes(4) + b"\x01", longest=4)
    assert number_of(bytes(4) + b"\x01", longest=5) == 1 << 32


@pytest.mark.parametrize(
    ("item", "truth"),
    [
        (b"", False),
        (b"\x00", False),
        (b"\x80", False),
        (b"\x00\x80", False),
        (b"\x80\x00", True),
        (b"\x80\x80", True),
        (b"\x01", True),
    ],
)
def test_zero_and_minus_zero_are_false(item, truth):
    assert truth_of(item) is truth
