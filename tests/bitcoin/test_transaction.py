"""Transactions are read and written byte for byte, or refused whole."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import wallycore
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.block import Block
from khazana.bitcoin.consensus import check_transaction, virtual_size_of, weight_of
from khazana.bitcoin.hashes import displayed, from_displayed, hash160
from khazana.bitcoin.reader import MalformedBytes, Reader, compact_size
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.units import MAX_MONEY, Sats, Txid
from tests.shared import shared_file

# BIP-144's example: the second input is P2WPKH (BIP-143, "Native P2WPKH", signed).
WITH_WITNESS = bytes.fromhex(
    "01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450"
    "221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2"
    "b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe"
    "287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a"
    "76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac0002473044022"
    "03609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f9030"
    "0e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc"
    "70f07aeee635711000000"
)
WITHOUT_WITNESS = Transaction.parse(WITH_WITNESS).serialize(witness=False)

u32 = st.integers(0, 2**32 - 1)
short_bytes = st.binary(max_size=80)
hashes = st.binary(min_size=32, max_size=32)
outpoints = st.builds(OutPoint, hashes.map(displayed).map(Txid), u32)
inputs = st.builds(TxIn, outpoints, short_bytes, u32, st.lists(short_bytes, max_size=3).map(tuple))
outputs = st.builds(TxOut, st.integers(-(2**63), 2**63 - 1).map(Sats), short_bytes)
transactions = st.builds(
    Transaction,
    u32,
    st.lists(inputs, min_size=1, max_size=4).map(tuple),
    st.lists(outputs, max_size=4).map(tuple),
    u32,
)


def vectors(name: str) -> Iterator[list[Any]]:
    for entry in json.loads(shared_file(f"vectors/{name}").read_text()):
        if len(entry) > 1 and isinstance(entry[0], list):
            yield entry


@given(transactions)
def test_what_is_written_is_read_back(transaction: Transaction) -> None:
    again = Transaction.parse(transaction.serialize())
    assert again == transaction
    assert again.txid == transaction.txid
    assert again.wtxid == transaction.wtxid


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_written_back_unchanged(raw: bytes) -> None:
    try:
        transaction = Transaction.parse(raw)
    except MalformedBytes:
        return
    assert transaction.serialize() == raw


@given(st.integers(0, len(WITH_WITNESS) - 1), st.integers(0, 255))
def test_a_changed_byte_never_reads_as_the_same_transaction(place: int, value: int) -> None:
    changed = bytearray(WITH_WITNESS)
    changed[place] = value
    try:
        transaction = Transaction.parse(bytes(changed))
    except MalformedBytes:
        return
    assert transaction.serialize() == bytes(changed)


@pytest.mark.parametrize("raw", [WITH_WITNESS, WITHOUT_WITNESS], ids=["witness", "no witness"])
def test_a_transaction_cut_anywhere_is_refused(raw: bytes) -> None:
    for size in range(len(raw)):
        with pytest.raises(MalformedBytes) as caught:
            Transaction.parse(raw[:size])
        assert caught.value.what == "transaction"
        assert 0 <= caught.value.offset <= size


def test_bytes_after_a_transaction_are_refused() -> None:
    with pytest.raises(MalformedBytes, match="1 bytes too many at byte 343"):
        Transaction.parse(WITH_WITNESS + b"\x00")


def test_ids_and_sizes_agree_with_libwally() -> None:
    theirs = wallycore.tx_from_bytes(WITH_WITNESS, wallycore.WALLY_TX_FLAG_USE_WITNESS)
    ours = Transaction.parse(WITH_WITNESS)
    assert ours.txid_le == wallycore.tx_get_txid(theirs)
    assert ours.wtxid_le != ours.txid_le == Transaction.parse(WITHOUT_WITNESS).txid_le
    assert weight_of(ours) == wallycore.tx_get_weight(theirs)
    assert virtual_size_of(ours) == wallycore.tx_get_vsize(theirs)


def test_nothing_at_all_is_a_transaction_of_ten_bytes() -> None:
    raw = bytes.fromhex("01000000000000000000")
    transaction = Transaction.parse(raw)
    assert not transaction.inputs
    assert not transaction.outputs
    assert transaction.serialize() == raw
    codes = [finding.code for finding in check_transaction(transaction)]
    assert codes == ["bad-txns-vin-empty", "bad-txns-vout-empty"]


@pytest.mark.parametrize(
    ("hexed", "problem"),
    [
        ("010000000002" + "00" * 30, r"unknown optional data \(flag 2\)"),
        ("010000000003" + "00" * 30, r"unknown optional data \(flag 3\)"),
        ("010000000001000000000000", "every stack is empty"),
        ("01000000000100", "1 bytes announced, 0 left"),
        ("01000000fd0100", r"length 1 written in 3 bytes"),
        ("01000000fe01000000", r"length 1 written in 5 bytes"),
        ("01000000ff0100000000000000", r"length 1 written in 9 bytes"),
        ("01000000ffffffffffffffffff", "items announced, too few bytes left"),
        ("0100000001" + "00" * 36 + "ffffffffffffffffff" + "00" * 20, "bytes announced"),
    ],
)
def test_structures_that_core_refuses_are_refused(hexed: str, problem: str) -> None:
    with pytest.raises(MalformedBytes, match=problem):
        Transaction.parse(bytes.fromhex(hexed))


def test_a_witness_serialisation_without_witness_is_refused() -> None:
    stripped = Transaction.parse(WITHOUT_WITNESS)
    body, lock_time = WITHOUT_WITNESS[4:-4], WITHOUT_WITNESS[-4:]
    superfluous = WITHOUT_WITNESS[:4] + b"\x00\x01" + body + b"\x00\x00" + lock_time
    assert len(stripped.inputs) == 2
    with pytest.raises(MalformedBytes, match="every stack is empty"):
        Transaction.parse(superfluous)


def test_an_unsigned_transaction_without_inputs_can_be_read_without_witness() -> None:
    one_output = Transaction(2, (), (TxOut(Sats(1), b"\x51"),), 0)
    raw = one_output.serialize(witness=False)
    assert Transaction.parse(raw, witness=False) == one_output
    with pytest.raises(MalformedBytes):
        Transaction.parse(raw)


def test_versions_are_unsigned_as_in_bip_68() -> None:
    raw = b"\xff\xff\xff\xff" + WITHOUT_WITNESS[4:]
    assert Transaction.parse(raw).version == 2**32 - 1
    assert Transaction.parse(raw).serialize() == raw


def test_valid_transactions_of_core() -> None:
    count = 0
    for _, hexed, _ in vectors("tx_valid.json"):
        transaction = Transaction.parse(bytes.fromhex(hexed))
        assert transaction.serialize().hex() == hexed
        assert check_transaction(transaction) == ()
        count += 1
    assert count > 100


def test_spent_outputs_of_cores_vectors_are_named_alike() -> None:
    for spent, hexed, _ in vectors("tx_valid.json"):
        transaction = Transaction.parse(bytes.fromhex(hexed))
        named = {OutPoint(Txid(txid), vout % 2**32) for txid, vout, *_ in spent}
        assert {i.outpoint for i in transaction.inputs} == named


def test_invalid_transactions_of_core_are_refused_for_their_reason() -> None:
    reasons: list[str] = []
    for _, hexed, flags in vectors("tx_invalid.json"):
        transaction = Transaction.parse(bytes.fromhex(hexed))
        assert transaction.serialize().hex() == hexed
        findings = check_transaction(transaction)
        assert bool(findings) == (flags == "BADTX"), hexed
        reasons += [finding.code for finding in findings]
    assert set(reasons) == {
        "bad-txns-vout-empty",
        "bad-txns-vout-negative",
        "bad-txns-vout-toolarge",
        "bad-txns-txouttotal-toolarge",
        "bad-txns-inputs-duplicate",
        "bad-cb-length",
        "bad-txns-prevout-null",
    }


def test_a_transaction_too_large_for_any_block_is_found() -> None:
    spent = TxIn(OutPoint(Txid("11" * 32), 0), b"", 0)
    huge = Transaction(1, (spent,), (TxOut(Sats(0), bytes(1_000_000)),), 0)
    assert [f.code for f in check_transaction(huge)] == ["bad-txns-oversize"]


def test_every_wrong_output_is_named() -> None:
    spent = TxIn(OutPoint(Txid("11" * 32), 0), b"", 0)
    outs = (TxOut(Sats(-1), b""), TxOut(Sats(5), b""), TxOut(Sats(MAX_MONEY + 1), b""))
    findings = check_transaction(Transaction(1, (spent,), outs, 0))
    assert [str(finding).split(" holds")[0] for finding in findings] == [
        "bad-txns-vout-negative: output 0",
        "bad-txns-vout-toolarge: output 2",
    ]


def test_a_real_block_holds_only_transactions_that_keep_the_rules() -> None:
    block = Block.parse(shared_file("vectors/block413567.raw").read_bytes())
    assert block.transactions[0].is_coinbase
    assert not any(transaction.is_coinbase for transaction in block.transactions[1:])
    assert all(check_transaction(transaction) == () for transaction in block.transactions)


@given(st.integers(0, 2**64 - 1))
def test_lengths_are_read_back(value: int) -> None:
    reader = Reader(compact_size(value), "length")
    assert reader.compact_size() == value
    reader.finish()


@pytest.mark.parametrize("value", [-1, 2**64])
def test_lengths_out_of_range_cannot_be_written(value: int) -> None:
    with pytest.raises((ValueError, OverflowError)):
        compact_size(value)


@pytest.mark.parametrize("text", ["00" * 31, "00" * 33, "00" * 32 + " ", "zz" * 32, ""])
def test_a_hash_has_64_hex_digits_and_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match="hex"):
        from_displayed(text)


def test_hash160_of_the_genesis_key() -> None:
    # The address 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa stands for this hash.
    key = bytes.fromhex(
        "04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb6"
        "49f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f"
    )
    assert hash160(key).hex() == "62e907b15cbf27d5425399ebf6f0fb50ebb88f18"
