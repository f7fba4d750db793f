import json
import random

import pytest

from khazana.bitcoin.bip322.psbt import read_psbt
from khazana.bitcoin.reader import MalformedBytes
from tests.bitcoin.bip322.funds import funds
from tests.bitcoin.bip322.psbt_writer import psbt
from tests.bitcoin.bip322.signer import multi, p2wpkh, secret
from tests.shared import shared_file

PROOF = funds("psbt", multi([secret(1), secret(2)], [0, 1]), [p2wpkh(secret(3))])
SIGNED = PROOF.signed()
PAIRS = PROOF.pairs(SIGNED)


def test_version_sequence_and_message_come_through_unchanged():
    read = read_psbt(psbt(SIGNED, PAIRS, message="پیغام".encode()))
    assert read.unsigned.version == 0
    assert [i.sequence for i in read.unsigned.inputs] == [0, 0]
    assert read.message == "پیغام".encode()
    assert [part.witness for part in read.inputs] == [i.witness for i in SIGNED.inputs]
    assert all(part.is_final for part in read.inputs)


def test_unknown_fields_are_passed_over():
    pairs = [[*PAIRS[0], (b"\xfc\x05hello", b"world"), (b"\x06" + bytes(33), b"x")], PAIRS[1]]
    assert read_psbt(psbt(SIGNED, pairs, more=[(b"\x01" + bytes(78), bytes(4))]))


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"psbt\xfe" + psbt(SIGNED, PAIRS)[5:], "magic"),
        (psbt(SIGNED, PAIRS)[:-1], "left"),
        (psbt(SIGNED, PAIRS) + b"\x00", "too many"),
        (psbt(SIGNED, PAIRS, more=[(b"\x05", b"a"), (b"\x05", b"b")]), "twice"),
        (psbt(SIGNED, PAIRS, more=[(b"\xfb", b"\x02\x00\x00\x00")]), "version 0"),
        (b"psbt\xff\x00", "unsigned transaction is missing"),
        (psbt(SIGNED, [[*PAIRS[0], (b"\x08\x00", b"")], PAIRS[1]]), "must not"),
        (psbt(SIGNED, [[*PAIRS[0], (b"\x01", b"\x00" * 8)], PAIRS[1]]), "twice"),
        (psbt(SIGNED, [[(b"\x01", b"\x00" * 8)], PAIRS[1]]), "announced"),
        (psbt(SIGNED, [[(b"\x08", b"\x01")], PAIRS[1]]), "announced"),
        (psbt(SIGNED, [[(b"\x08", b"\x00\x00")], PAIRS[1]]), "too many"),
        (psbt(SIGNED, [[(b"\x00", b"\x00")], PAIRS[1]]), "announced"),
    ],
)
def test_a_psbt_that_is_not_well_formed_is_refused(raw, problem):
    with pytest.raises(MalformedBytes, match=problem):
        read_psbt(raw)


def test_a_script_signature_in_the_unsigned_transaction_is_refused():
    from khazana.bitcoin.reader import compact_size
    from tests.bitcoin.bip322.signer import answered, p2pkh

    raw = answered(p2pkh(secret(1)), b"m").serialize(witness=False)
    with pytest.raises(MalformedBytes, match="script signature"):
        read_psbt(b"psbt\xff\x01\x00" + compact_size(len(raw)) + raw + b"\x00" * 3)


def test_a_nodes_valid_psbts_are_read_and_what_is_no_psbt_is_not():
    import base64

    record = json.loads(shared_file("vectors/rpc_psbt.json").read_text())
    for text in record["valid"]:
        raw = base64.b64decode(text)
        if b"\xfb\x04\x02\x00\x00\x00" in raw:
            continue  # version 2
        assert read_psbt(raw).inputs is not None
    for text in ("", "cHNidP8=", base64.b64encode(SIGNED.serialize()).decode()):
        with pytest.raises(MalformedBytes):
            read_psbt(base64.b64decode(text))


def test_damaged_psbts_are_read_or_refused_but_never_crash():
    dice = random.Random(6)
    whole = psbt(SIGNED, PAIRS, message=b"m")
    refused = 0
    for _ in range(3_000):
        raw = bytearray(whole)
        for _ in range(dice.randrange(1, 4)):
            raw[dice.randrange(len(raw))] = dice.choice([0, 1, 2, 0xFD, 0xFF, dice.randrange(256)])
        try:
            read_psbt(bytes(raw))
        except MalformedBytes:
            refused += 1
    assert 100 < refused < 3_000
