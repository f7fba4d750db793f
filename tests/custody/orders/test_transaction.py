"""A PSBT does exactly what the order asks for, or is refused by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.bip322.psbt import IN_NON_WITNESS_UTXO, IN_WITNESS_UTXO
from khazana.bitcoin.reader import compact_size
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.custody.orders.errors import TransactionDiffers
from khazana.custody.orders.transaction import facts_of, require_same, unsigned_form
from khazana.custody.psbt_files import maps_of, written_psbt
from khazana.units import Sats, Txid
from tests.custody.orders.desk import (
    BTC,
    facts,
    funding,
    order,
    psbt_of,
    signed,
    spending,
    wallet_scripts,
)
from tests.reserve.simulator import OUTSIDER, script

HOT = wallet_scripts("hot")


def refused(psbt: bytes, ordered=None, **how) -> TransactionDiffers:
    with pytest.raises(TransactionDiffers) as error:
        facts_of(ordered or order(), psbt, wallet_scripts=HOT, **how)
    return error.value


def with_outputs(*outputs: TxOut) -> bytes:
    unsigned, came = spending(order())
    return psbt_of(Transaction(2, unsigned.inputs, outputs, 0), came)


def test_a_batch_is_bound_with_its_fee_and_change():
    """Rule O9."""
    ordered = order(BTC, 2 * BTC, 3 * BTC)
    found = facts(ordered, fee=1_234)
    assert (found.fee, found.change) == (1_234, frozenset({3}))
    assert found.txid == spending(ordered, fee=1_234)[0].txid


def test_one_output_more_less_or_other_is_refused_by_name():
    """Rule O9."""
    unsigned, _ = spending(order())
    paid, change = unsigned.outputs
    for outputs, name, words in (
        ((paid, change, TxOut(Sats(1), OUTSIDER)), "foreign_output", "does not ask for"),
        ((change,), "missing_payment", "no output pays the 1000000000 sat"),
        ((TxOut(Sats(paid.amount - 1), paid.script), change), "foreign_output", "999999999 sat"),
        ((TxOut(paid.amount, OUTSIDER), change), "foreign_output", "does not ask for"),
        ((paid, paid, TxOut(Sats(1), change.script)), "foreign_output", "does not ask for"),
        ((paid, TxOut(Sats(0), change.script)), "amount", "pays 0 sat"),
        ((paid, TxOut(Sats(200 * BTC), change.script)), "fee", "exceed its inputs"),
    ):
        error = refused(with_outputs(*outputs))
        assert (error.name, words in error.difference) == (name, True), error.difference


def test_a_coin_of_another_wallet_is_refused():
    """Rule O9."""
    came = funding("cold", 200 * BTC)
    unsigned, _ = spending(order())
    other = Transaction(2, (TxIn(came.outpoint(0), b"", 0),), unsigned.outputs, 0)
    assert refused(psbt_of(other, came)).name == "foreign_input"


def test_one_coin_twice_and_no_coin_at_all_are_refused():
    """Rule O9."""
    unsigned, came = spending(order())
    twice = Transaction(2, unsigned.inputs * 2, unsigned.outputs, 0)
    assert "one coin twice" in refused(psbt_of(twice, came)).difference


def test_a_signature_type_that_leaves_something_open_is_refused():
    """Rule O9: SINGLE, NONE and ANYONECANPAY let others change what was approved."""
    unsigned, came = spending(order())
    for kind in (2, 3, 0x81, 0x82, 0x83):
        psbt = psbt_of(unsigned, came, sighash=kind.to_bytes(4, "little"))
        assert refused(psbt).name == "sighash"
    psbt = psbt_of(unsigned, came, sighash=b"\x01\x00\x00\x00")
    assert facts_of(order(), psbt, wallet_scripts=HOT).fee == 1_000


def test_an_amount_that_only_the_psbt_states_is_refused():
    """Rule O9: a false amount hides a fee."""
    unsigned, came = spending(order())
    coin = came.outputs[0]
    transaction, maps = maps_of(psbt_of(unsigned))
    stated = coin.amount.to_bytes(8, "little") + compact_size(len(coin.script)) + coin.script
    maps[0][bytes([IN_WITNESS_UTXO])] = stated
    globals_ = {b"\x00": transaction.serialize(witness=False)}
    psbt = written_psbt([globals_, *maps, {}, {}])
    assert refused(psbt).name == "unproven_amount"
    known = {came.outpoint(0): coin}
    assert facts_of(order(), psbt, wallet_scripts=HOT, coins=known).fee == 1_000
    false = {came.outpoint(0): TxOut(Sats(coin.amount + 1), coin.script)}
    assert "contradicts the chain" in refused(psbt, coins=false).difference


def test_a_previous_transaction_that_is_another_is_refused():
    """Rule O9."""
    unsigned, came = spending(order())
    transaction, maps = maps_of(psbt_of(unsigned, came))
    maps[0][bytes([IN_NON_WITNESS_UTXO])] = funding("hot", 300 * BTC).serialize()
    psbt = written_psbt([{b"\x00": transaction.serialize(witness=False)}, *maps, {}, {}])
    assert "another transaction's outputs" in refused(psbt).difference


def test_old_inputs_are_compared_without_their_signatures():
    """Rule O9: a P2SH signature changes the txid, not what is paid."""
    unsigned = spending(order())[0]
    final = Transaction(
        2,
        tuple(TxIn(i.outpoint, b"\x16" + bytes(22), i.sequence) for i in unsigned.inputs),
        unsigned.outputs,
        0,
    )
    assert final.txid != unsigned.txid
    require_same(order(), unsigned, final)
    assert unsigned_form(signed(unsigned)) == unsigned


@given(st.integers(0, 4), st.integers(0, 2**32 - 1), st.integers(1, 10**9))
def test_whatever_is_changed_is_noticed(which, number, sats):
    """Rule O9."""
    unsigned = spending(order(BTC, 2 * BTC))[0]
    inputs, outputs = unsigned.inputs, list(unsigned.outputs)
    stray = OutPoint(Txid(f"{number:064x}"), 0)
    more = TxOut(Sats(sats + 2 * BTC), outputs[0].script)
    changed = {
        0: Transaction(2, (TxIn(stray, b"", inputs[0].sequence),), tuple(outputs), 0),
        1: Transaction(2, (*inputs, TxIn(stray, b"", 0)), tuple(outputs), 0),
        2: Transaction(2, inputs, (more, *outputs[1:]), 0),
        3: Transaction(2, inputs, (*outputs, TxOut(Sats(sats), script("x", number))), 0),
        4: Transaction(2, inputs, tuple(reversed(outputs)), 0),
    }[which]
    with pytest.raises(TransactionDiffers):
        require_same(order(), unsigned, signed(changed))
