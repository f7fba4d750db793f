"""A returned PSBT that is not the approved order is refused, and the difference is named."""

from dataclasses import replace

import pytest

pytest.importorskip("bdkpython", reason="the office profile brings BDK")

from khazana.bitcoin.transaction import OutPoint, TxIn, TxOut
from khazana.custody.drafting.differences import differences
from khazana.custody.drafting.errors import ReturnedPsbtRefused, SignaturesMissing
from khazana.custody.drafting.signing import collect, finalize
from khazana.custody.psbt_files import psbt_text, written_psbt
from khazana.units import Sats, Txid
from tests.custody.drafting.safes import (
    ENGINE,
    drafted,
    funded,
    safe,
    signed,
    signed_by,
    stranger,
    to,
)
from tests.custody.signing import maps


@pytest.fixture(scope="module")
def order():
    wallet = safe()
    coins, previous = funded(wallet, [600_000, 500_000])
    draft = drafted(wallet, [to("payee", 300_000), to("other", 500_000)], coins, previous)
    return wallet, draft


def with_unsigned(draft, unsigned):
    """The draft's PSBT about another transaction, its maps kept where there are places for them."""
    found = maps(draft.psbt)
    globals_, rest = found[0], found[1:]
    inputs, outputs = rest[: len(draft.inputs)], rest[len(draft.inputs) :]
    globals_[b"\x00"] = unsigned.serialize(witness=False)
    inputs = (inputs + [{}] * len(unsigned.inputs))[: len(unsigned.inputs)]
    outputs = (outputs + [{}] * len(unsigned.outputs))[: len(unsigned.outputs)]
    return written_psbt([globals_, *inputs, *outputs])


def changed_output(draft, vout, **changes):
    outputs = list(draft.unsigned.outputs)
    outputs[vout] = replace(outputs[vout], **changes)
    return replace(draft.unsigned, outputs=tuple(outputs))


def changed_input(draft, position, **changes):
    inputs = list(draft.unsigned.inputs)
    inputs[position] = replace(inputs[position], **changes)
    return replace(draft.unsigned, inputs=tuple(inputs))


LIES = {
    "an output's amount": (
        lambda d: changed_output(d, 0, amount=Sats(d.unsigned.outputs[0].amount - 1)),
        "instead of the",
        "output 0",
    ),
    "a payee": (
        lambda d: changed_output(d, d.payments[0].vout, script=stranger("thief")),
        "instead of the payment",
        None,
    ),
    "the change": (
        lambda d: changed_output(d, d.change[0].vout, script=stranger("thief")),
        "instead of the change",
        None,
    ),
    "one more output": (
        lambda d: replace(
            d.unsigned, outputs=(*d.unsigned.outputs, TxOut(Sats(1_000), stranger("thief")))
        ),
        "one more output",
        "output 3",
    ),
    "an output gone": (
        lambda d: replace(d.unsigned, outputs=d.unsigned.outputs[:-1]),
        "is gone",
        "output 2",
    ),
    "another coin": (
        lambda d: changed_input(d, 0, outpoint=OutPoint(Txid("ee" * 32), 0)),
        "it spends another coin",
        "inputs",
    ),
    "one more input": (
        lambda d: replace(
            d.unsigned,
            inputs=(*d.unsigned.inputs, TxIn(OutPoint(Txid("ee" * 32), 0), b"", 0xFFFFFFFD)),
        ),
        "it spends another coin",
        "inputs",
    ),
    "a sequence": (
        lambda d: changed_input(d, 1, sequence=0xFFFFFFFF),
        "sequence 0xffffffff, not 0xfffffffd",
        "input 1",
    ),
    "the lock time": (lambda d: replace(d.unsigned, lock_time=0), "lock time 0", None),
    "the version": (lambda d: replace(d.unsigned, version=1), "version 1", None),
    "the order of inputs": (
        lambda d: replace(d.unsigned, inputs=d.unsigned.inputs[::-1]),
        "another order",
        "inputs",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_whatever_was_changed_is_named_and_no_signature_is_taken(order, lie):
    wallet, draft = order
    change, words, where = LIES[lie]
    psbt = with_unsigned(draft, change(draft))
    found = differences(draft, psbt)
    assert found
    assert all(finding.rule == "D10" for finding in found)
    assert any(words in f.text and where in (None, f.where) for f in found), found
    with pytest.raises(ReturnedPsbtRefused, match="from-bo"):
        finalize(draft, wallet, [("from-bo", psbt)], engine=ENGINE)


@pytest.mark.parametrize(
    ("position", "key", "value", "words"),
    [
        (0, b"\x03", (3).to_bytes(4, "little"), "asks for SIGHASH_SINGLE"),
        (1, b"\x03", (0x81).to_bytes(4, "little"), "ALL with ANYONECANPAY"),
        (0, b"\x01", bytes(8) + b"\x00", "the spent amount or script was changed"),
        (0, b"\x05", b"\x51", "the witness script was changed"),
        (1, b"\x04", b"\x51", "the redeem script was added"),
    ],
)
def test_a_changed_field_is_named(order, position, key, value, words):
    _, draft = order
    found = maps(draft.psbt)
    found[1 + position][key] = value
    [finding] = differences(draft, written_psbt(found))
    assert words in finding.text
    assert finding.where == f"input {position}"


def test_a_signature_that_leaves_outputs_open_is_refused_by_name(order):
    wallet, draft = order
    found = maps(signed(wallet, "anna", draft.psbt))
    [key] = [key for key in found[1] if key[0] == 2]
    found[1][key] = found[1][key][:-1] + b"\x02"
    [finding] = differences(draft, written_psbt(found))
    assert "is signed with SIGHASH_NONE" in finding.text


def test_the_same_order_signed_has_no_difference_in_either_encoding(order):
    wallet, draft = order
    psbt = signed(wallet, "anna", draft.psbt)
    assert differences(draft, psbt) == ()
    assert differences(draft, psbt_text(psbt).encode()) == ()


def test_what_is_no_psbt_is_said_to_be_none(order):
    _, draft = order
    for raw in (b"", b"psbt\xff", b"hello", draft.psbt[:-1], draft.psbt + b"\x00"):
        [finding] = differences(draft, raw)
        assert "cannot be read" in finding.text


def test_signatures_of_another_order_do_not_hold(order):
    wallet, draft = order
    coins, previous = funded(wallet, [600_000, 500_000])
    other = drafted(wallet, [to("thief", 300_000), to("other", 500_000)], coins, previous)
    ours = maps(draft.psbt)
    for pairs, theirs in zip(ours[1:3], maps(signed(wallet, "anna", other.psbt))[1:3], strict=True):
        pairs.update({key: value for key, value in theirs.items() if key[0] == 2})
    state = collect(draft, wallet, [("anna.psbt", written_psbt(ours))], engine=ENGINE)
    assert state.signed == ()
    assert len(state.bad) == 2
    assert all("is not for this order" in words for words in state.bad)


def test_a_file_that_is_refused_does_not_stop_the_honest_ones(order):
    wallet, draft = order
    lie = with_unsigned(draft, LIES["a payee"][0](draft))
    files = [("lie.psbt", lie), *signed_by(wallet, ["bo", "cia"], draft.psbt)]
    state = collect(draft, wallet, files, engine=ENGINE)
    assert [each.file for each in state.refused] == ["lie.psbt"]
    assert state.transaction is not None


def test_one_signature_of_two_names_who_is_missing(order):
    wallet, draft = order
    fingerprints = [key.fingerprint for key in wallet.descriptor.keys]
    with pytest.raises(SignaturesMissing) as caught:
        finalize(draft, wallet, signed_by(wallet, ["bo"], draft.psbt), engine=ENGINE)
    assert caught.value.signed == fingerprints[1]
    assert caught.value.missing == f"{fingerprints[0]}, {fingerprints[2]}"
