"""Signed messages of single keys, against an independent implementation."""

import base64
import hashlib

import pytest
import wallycore
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.address import address_of
from khazana.bitcoin.bip137 import is_bip137, signed_hash, signer_of
from khazana.bitcoin.hashes import hash160
from khazana.bitcoin.network import MAINNET
from khazana.bitcoin.script import p2pkh, p2wpkh

ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
FLAGS = wallycore.EC_FLAG_ECDSA | wallycore.EC_FLAG_RECOVERABLE


def pair(name: str) -> tuple[bytes, bytes]:
    key = hashlib.sha256(name.encode()).digest()
    return key, bytes(wallycore.ec_public_key_from_private_key(key))


def signed(key: bytes, message: bytes, *, group: int = 0) -> str:
    """group: 0 P2PKH, 4 P2SH-wrapped segwit, 8 segwit."""
    made = bytearray(wallycore.ec_sig_from_bytes(key, signed_hash(message), FLAGS))
    made[0] += group
    return base64.b64encode(bytes(made)).decode()


@given(st.text(max_size=400), st.sampled_from([0, 4, 8]), st.integers(1, 50))
def test_the_key_that_signed_is_found_whatever_address_it_signed_for(text, group, number):
    key, public = pair(f"key {number}")
    assert signer_of(signed(key, text.encode(), group=group), text.encode()) == public


def test_another_program_reads_ours_and_we_read_its():
    bms = pytest.importorskip("btclib.ecc.bms", reason="the independent implementation is absent")
    b58 = pytest.importorskip("btclib.b58")
    for number in range(20):
        key, public = pair(f"oracle {number}")
        message = b"message %d" % number
        wif = b58.wif_from_prv_key(int.from_bytes(key, "big"))
        theirs = bms.sign(message, b58.prv_key_data_from_wif(wif)).b64encode()
        assert signer_of(theirs, message) == public
        address = address_of(p2pkh(hash160(public)), MAINNET)
        bms.assert_as_valid(message, address, signed(key, message))
        segwit = address_of(p2wpkh(hash160(public)), MAINNET)
        bms.assert_as_valid(message, segwit, signed(key, message, group=8))


@pytest.mark.parametrize("group", [0, 4, 8])
def test_a_signature_of_another_message_names_another_key(group):
    key, public = pair("anna")
    assert signer_of(signed(key, b"one", group=group), b"two") != public


def test_a_high_s_and_an_uncompressed_key_are_refused():
    key, _ = pair("anna")
    raw = bytearray(base64.b64decode(signed(key, b"one")))
    high = bytearray(raw)
    high[33:] = (ORDER - int.from_bytes(raw[33:], "big")).to_bytes(32, "big")
    high[0] ^= 1
    assert signer_of(base64.b64encode(bytes(high)).decode(), b"one") is None
    raw[0] -= 4
    assert signer_of(base64.b64encode(bytes(raw)).decode(), b"one") is None


@pytest.mark.parametrize("text", ["", "smpAA==", "?", "ü" * 88, "AAAA", "A" * 87 + "B"])
def test_other_texts_are_no_signature(text):
    assert not is_bip137(text)
    assert signer_of(text, b"one") is None


@given(st.binary(min_size=65, max_size=65))
def test_any_65_bytes_are_judged_without_an_error(raw):
    signer = signer_of(base64.b64encode(raw).decode(), b"one")
    assert signer is None or len(signer) == 33
