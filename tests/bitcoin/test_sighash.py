"""Signature hashes agree with Bitcoin Core's and the proposals' own vectors."""

import json

import pytest
import wallycore

from khazana.bitcoin import script as scripts
from khazana.bitcoin.hashes import displayed
from khazana.bitcoin.sighash import (
    SIGHASH_ALL,
    SIGHASH_SINGLE,
    legacy_sighash,
    segwit_v0_sighash,
    taproot_sighash,
)
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.units import Sats, Txid
from tests.shared import shared_file

# BIP-143, "Native P2WPKH": the unsigned transaction; its second input spends 6 BTC.
NATIVE_P2WPKH = Transaction.parse(
    bytes.fromhex(
        "0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f0000000000eeffff"
        "ffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202c"
        "b206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143b"
        "de42dbee7e4dbe6a21b2d50ce2f0167faa815988ac11000000"
    )
)
P2WPKH_CODE = scripts.p2pkh(bytes.fromhex("1d0f172a0ecb48aee1be1f2687d2963ae33f71a1"))


def test_cores_original_signature_hashes() -> None:
    rows = json.loads(shared_file("vectors/sighash.json").read_text())[1:]
    assert len(rows) == 500
    for raw, script, position, hash_type, expected in rows:
        transaction = Transaction.parse(bytes.fromhex(raw))
        assert transaction.serialize().hex() == raw
        digest = legacy_sighash(
            transaction, position, script_code=bytes.fromhex(script), hash_type=hash_type
        )
        assert displayed(digest) == expected


def test_bip_143s_native_p2wpkh() -> None:
    digest = segwit_v0_sighash(
        NATIVE_P2WPKH,
        1,
        script_code=P2WPKH_CODE,
        amount=Sats(600_000_000),
        hash_type=SIGHASH_ALL,
    )
    assert digest.hex() == "c37af31116d1b27caf68aae9e3ac82f1477929014d5b917657d0eb49478cb670"


@pytest.mark.parametrize("hash_type", [0x01, 0x02, 0x03, 0x81, 0x82, 0x83])
@pytest.mark.parametrize("position", [0, 1])
def test_version_0_digests_agree_with_libwally(hash_type: int, position: int) -> None:
    theirs = wallycore.tx_from_bytes(NATIVE_P2WPKH.serialize(), 0)
    code = bytes.fromhex("5121") + b"\x02" + bytes(32) + bytes.fromhex("51ae")
    expected = wallycore.tx_get_btc_signature_hash(
        theirs, position, code, 12345, hash_type, wallycore.WALLY_TX_FLAG_USE_WITNESS
    )
    digest = segwit_v0_sighash(
        NATIVE_P2WPKH, position, script_code=code, amount=Sats(12345), hash_type=hash_type
    )
    assert digest == expected


def test_bip_341s_key_path_digests() -> None:
    cases = json.loads(shared_file("vectors/bip341_wallet_vectors.json").read_text())
    (case,) = cases["keyPathSpending"]
    transaction = Transaction.parse(bytes.fromhex(case["given"]["rawUnsignedTx"]))
    spent = [
        TxOut(Sats(output["amountSats"]), bytes.fromhex(output["scriptPubKey"]))
        for output in case["given"]["utxosSpent"]
    ]
    assert len(case["inputSpending"]) == 7
    for spending in case["inputSpending"]:
        given = spending["given"]
        digest = taproot_sighash(
            transaction, given["txinIndex"], spent=spent, hash_type=given["hashType"]
        )
        assert digest.hex() == spending["intermediary"]["sigHash"]


def test_single_without_an_output_beside_it_signs_the_number_one() -> None:
    spent = TxIn(OutPoint(Txid("11" * 32), 0), b"", 0)
    transaction = Transaction(1, (spent, spent), (TxOut(Sats(1), b""),), 0)
    digest = legacy_sighash(transaction, 1, script_code=b"", hash_type=SIGHASH_SINGLE)
    assert digest == (1).to_bytes(32, "little")
    with pytest.raises(ValueError, match="no output beside it"):
        taproot_sighash(
            transaction, 1, spent=[transaction.outputs[0]] * 2, hash_type=SIGHASH_SINGLE
        )


def test_leaf_annex_and_codeseparator_each_change_a_taproot_digest() -> None:
    spent = [TxOut(Sats(5), b"\x51"), TxOut(Sats(6), b"\x51")]
    digests = {
        taproot_sighash(NATIVE_P2WPKH, 0, spent=spent),
        taproot_sighash(NATIVE_P2WPKH, 1, spent=spent),
        taproot_sighash(NATIVE_P2WPKH, 0, spent=spent, annex=b"\x50"),
        taproot_sighash(NATIVE_P2WPKH, 0, spent=spent, leaf_hash=bytes(32)),
        taproot_sighash(NATIVE_P2WPKH, 0, spent=spent, leaf_hash=bytes(32), annex=b"\x50"),
        taproot_sighash(NATIVE_P2WPKH, 0, spent=spent, leaf_hash=bytes(32), codeseparator=3),
        taproot_sighash(NATIVE_P2WPKH, 0, spent=[spent[0], TxOut(Sats(7), b"\x51")]),
    }
    assert len(digests) == 7


def test_impossible_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="no input 2"):
        legacy_sighash(NATIVE_P2WPKH, 2, script_code=b"", hash_type=1)
    with pytest.raises(ValueError, match="no input -1"):
        segwit_v0_sighash(NATIVE_P2WPKH, -1, script_code=b"", amount=Sats(1), hash_type=1)
    with pytest.raises(ValueError, match="1 spent outputs for 2 inputs"):
        taproot_sighash(NATIVE_P2WPKH, 0, spent=[TxOut(Sats(1), b"")])
    with pytest.raises(ValueError, match="no taproot hash type 0x04"):
        taproot_sighash(NATIVE_P2WPKH, 0, spent=[TxOut(Sats(1), b"")] * 2, hash_type=4)
