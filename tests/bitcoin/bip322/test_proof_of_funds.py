"""Proofs of funds: batches of coins, and every way in which one of them is not what it says."""

import random
from dataclasses import replace

import pytest

from khazana.bitcoin.bip322.coins import KnownCoins
from khazana.bitcoin.bip322.encoding import write_full, write_proof_of_funds
from khazana.bitcoin.bip322.kernel_judge import kernel_consensus
from khazana.bitcoin.bip322.verdict import Reason, State, Variant
from khazana.bitcoin.chain import BlockRef, Coin
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.units import MAX_MONEY, BlockHash, Height, Sats, Txid
from tests.bitcoin.bip322.cases import spender_of
from tests.bitcoin.bip322.funds import BLOCK, Funds, funds
from tests.bitcoin.bip322.psbt_writer import Pairs, input_pairs, output, psbt
from tests.bitcoin.bip322.signer import Manner, multi, p2pkh, p2tr, p2wpkh, secret

KEYS = [secret("quorum", place) for place in range(3)]


@pytest.fixture
def batch() -> Funds:
    """Three coins of one 2-of-3, claimed in one PSBT."""
    quorum = multi(KEYS, [0, 2])
    return funds("closing", quorum, [quorum, quorum, quorum])


def test_a_batch_holds_and_names_who_signed_for_each_coin(batch):
    verdict = batch.judged(batch.signature(), consensus=kernel_consensus())
    assert verdict.state is State.VALID, str(verdict)
    assert [coin.outpoint for coin in verdict.coins] == [outpoint for outpoint, _ in batch.coins]
    assert {len(coin.signers) for coin in verdict.inputs} == {2}


def test_coins_of_every_kind_hold_together():
    dice = random.Random(7)
    kinds = [s for n in range(28) if not (s := spender_of(dice, n)).version and not s.lock_time]
    assert len({s.name for s in kinds}) > 8
    mixed = funds("mixed", p2tr(secret("office")), kinds)
    verdict = mixed.judged(mixed.signature(), consensus=kernel_consensus())
    assert verdict.state is State.VALID, str(verdict)
    assert all(coin.signers for coin in verdict.coins)


def test_a_coin_that_needs_an_age_makes_the_proof_wait():
    dice = random.Random(3)
    late = next(s for n in range(14) if (s := spender_of(dice, n)).version == 2)
    waiting = funds("late", p2wpkh(KEYS[0]), [late])
    verdict = waiting.judged(waiting.signature(), consensus=kernel_consensus())
    assert verdict.state is State.VALID_AT
    assert verdict.coins[0].sequence == late.sequence


def test_without_the_chain_a_proof_of_funds_does_not_hold(batch):
    from khazana.bitcoin.bip322.verify import verify

    verdict = verify(batch.signature(), script=batch.spender.script, message=batch.message)
    assert verdict.state is State.INCONCLUSIVE
    assert verdict.reasons == (Reason.COINS_NOT_CHECKED,)
    assert all(coin.signers for coin in verdict.coins)


def test_a_foreign_coin_is_named(batch):
    known = dict(batch.coins[:2])
    verdict = batch.judged(batch.signature(), known=KnownCoins(BLOCK, known))
    assert verdict.state is State.INVALID
    (problem,) = verdict.problems
    assert (problem.reason, problem.position) == (Reason.FOREIGN_COIN, 3)
    assert str(batch.coins[2][0]) in problem.words


def test_a_spent_coin_is_named(batch):
    gone = batch.coins[0][0]
    known = KnownCoins(BLOCK, dict(batch.coins[1:]), frozenset({gone}))
    verdict = batch.judged(batch.signature(), known=known)
    (problem,) = verdict.problems
    assert (problem.reason, problem.position) == (Reason.SPENT_COIN, 1)
    assert str(gone) in problem.words


def test_all_bad_coins_are_listed_not_only_the_first(batch):
    verdict = batch.judged(batch.signature(), known=KnownCoins(BLOCK, {}))
    assert verdict.reasons == (Reason.FOREIGN_COIN,) * 3
    assert not verdict.holds


def claims(position: int, claimed: TxOut):
    """Change what the PSBT says input `position` spends."""

    def change(pairs: list[Pairs]) -> None:
        pairs[position] = [
            (key, output(claimed) if key == b"\x01" else value) for key, value in pairs[position]
        ]

    return change


def test_an_altered_amount_is_invalid_though_the_coin_exists(batch):
    _, real = batch.coins[1]
    verdict = batch.judged(batch.signature(claims(2, replace(real, amount=Sats(10**9)))))
    assert verdict.state is State.INVALID
    assert Reason.OTHER_AMOUNT in verdict.reasons
    assert Reason.NULLFAIL in verdict.reasons  # segwit signatures also sign the amount


def test_an_altered_amount_of_an_old_coin_is_seen_although_signatures_do_not_cover_it():
    old = funds("old", p2wpkh(KEYS[0]), [p2pkh(KEYS[1])])
    _, real = old.coins[0]
    verdict = old.judged(old.signature(claims(1, replace(real, amount=Sats(10**9)))))
    assert verdict.reasons == (Reason.OTHER_AMOUNT,)


def test_somebody_elses_coin_signed_with_ones_own_key_is_seen(batch):
    thief = p2wpkh(secret("thief"))
    claimed = funds("closing", batch.spender, [thief])
    real = {claimed.coins[0][0]: TxOut(claimed.coins[0][1].amount, p2wpkh(KEYS[0]).script)}
    verdict = claimed.judged(claimed.signature(), known=KnownCoins(BLOCK, real))
    assert verdict.reasons == (Reason.OTHER_SCRIPT,)


def test_a_signature_lifted_from_a_real_payment_does_not_serve():
    # With ANYONECANPAY a signature signs its own input only: it fits into any proof.
    holder = p2wpkh(KEYS[1])
    lifted = funds("lifted", p2wpkh(KEYS[0]), [holder])
    signed = lifted.signed(manners=[Manner(), Manner(hash_type=0x82)])
    text = write_proof_of_funds(psbt(signed, lifted.pairs(signed)))
    verdict = lifted.judged(text, consensus=kernel_consensus())
    (problem,) = verdict.problems
    assert (problem.reason, problem.position) == (Reason.SIGHASH, 1)


def test_another_message_in_the_psbts_own_field_is_invalid(batch):
    signed = batch.signed()
    text = write_proof_of_funds(psbt(signed, batch.pairs(signed), message=b"another"))
    verdict = batch.judged(text)
    assert verdict.reasons == (Reason.OTHER_MESSAGE,)


def test_the_message_field_may_be_absent(batch):
    signed = batch.signed()
    text = write_proof_of_funds(psbt(signed, batch.pairs(signed)))
    assert batch.judged(text).holds


def test_an_input_that_is_not_finalized_is_named(batch):
    def change(pairs: list[Pairs]) -> None:
        pairs[2] = [(key, value) for key, value in pairs[2] if key != b"\x08"]

    verdict = batch.judged(batch.signature(change))
    assert verdict.reasons == (Reason.NOT_FINALIZED,)
    assert "input 2" in str(verdict)


def test_a_first_input_said_to_spend_something_else_is_invalid(batch):
    change = claims(0, TxOut(Sats(5), batch.spender.script))
    verdict = batch.judged(batch.signature(change))
    assert verdict.reasons == (Reason.PREVOUT_MISMATCH,)


def test_an_amount_that_cannot_exist_is_invalid(batch):
    change = claims(1, TxOut(Sats(MAX_MONEY + 1), batch.spender.script))
    assert batch.judged(batch.signature(change)).reasons == (Reason.WRONG_FORM,)


def test_the_same_coin_twice_is_invalid():
    holder = p2wpkh(KEYS[1])
    twice = funds("twice", p2wpkh(KEYS[0]), [holder, holder])
    twice = replace(twice, coins=(twice.coins[0], twice.coins[0]))
    assert twice.judged(twice.signature()).reasons == (Reason.WRONG_FORM,)


def made_by(holder: bytes, *amounts: int) -> Transaction:
    source = TxIn(OutPoint(Txid("22" * 32), 7), b"", 0)
    return Transaction(2, (source,), tuple(TxOut(Sats(a), holder) for a in amounts), 0)


def test_a_transaction_given_once_serves_all_its_coins():
    holder = p2pkh(KEYS[1])
    previous = made_by(holder.script, 1_000, 2_000)
    coins = tuple((previous.outpoint(v), previous.outputs[v]) for v in (0, 1))
    old = replace(funds("old", p2wpkh(KEYS[0]), [holder, holder]), coins=coins)
    signed = old.signed()
    first, *rest = old.pairs(signed)
    given = [first, input_pairs(signed.inputs[1], previous), input_pairs(signed.inputs[2], None)]
    assert old.judged(write_proof_of_funds(psbt(signed, given))).holds
    # It must come before the input that leans on it.
    late = [first, input_pairs(signed.inputs[1], None), input_pairs(signed.inputs[2], previous)]
    script = old.spender.script
    from khazana.bitcoin.bip322.verify import verify

    verdict = verify(write_proof_of_funds(psbt(signed, late)), script=script, message=old.message)
    assert Reason.UNKNOWN_PREVOUT in verdict.reasons
    assert rest


def test_a_transaction_that_is_not_the_one_spent_is_invalid():
    holder = p2pkh(KEYS[1])
    previous, other = made_by(holder.script, 1_000), made_by(holder.script, 9_000)
    coins = ((previous.outpoint(0), previous.outputs[0]),)
    old = replace(funds("old", p2wpkh(KEYS[0]), [holder]), coins=coins)
    signed = old.signed()
    pairs = [old.pairs(signed)[0], input_pairs(signed.inputs[1], other)]
    verdict = old.judged(write_proof_of_funds(psbt(signed, pairs)))
    assert verdict.reasons == (Reason.PREVOUT_MISMATCH,)


@pytest.mark.parametrize("wrong", ["output beyond the end", "two stories"])
def test_a_psbt_that_contradicts_itself_is_invalid(wrong):
    holder = p2wpkh(KEYS[1])
    previous = made_by(holder.script, 1_000)
    vout = 1 if wrong == "output beyond the end" else 0
    coins = ((OutPoint(previous.txid, vout), previous.outputs[0]),)
    one = replace(funds("one", p2wpkh(KEYS[0]), [holder]), coins=coins)
    signed = one.signed()
    pairs = [one.pairs(signed)[0], input_pairs(signed.inputs[1], previous)]
    if wrong == "two stories":
        pairs[1].append((b"\x01", output(TxOut(Sats(7), holder.script))))
    verdict = one.judged(write_proof_of_funds(psbt(signed, pairs)))
    assert verdict.reasons == (Reason.PREVOUT_MISMATCH,)


def test_a_full_signature_with_coins_is_judged_by_what_the_chain_says(batch):
    text = write_full(batch.signed().serialize())
    verdict = batch.judged(text, consensus=kernel_consensus())
    assert verdict.state is State.VALID
    assert verdict.variant is Variant.FULL
    unknown = batch.judged(text, known=KnownCoins(BLOCK, dict(batch.coins[:1])))
    assert unknown.state is State.INVALID
    assert Reason.FOREIGN_COIN in unknown.reasons


def test_too_many_coins_are_not_judged(batch):
    verdict = batch.judged(batch.signature(), max_inputs=3)
    assert verdict.state is State.INCONCLUSIVE
    assert verdict.reasons == (Reason.TOO_LARGE,)
    assert batch.judged(batch.signature(), max_inputs=4).holds


def test_known_coins_come_from_a_chain_view(batch):
    block = BlockRef(Height(5), BlockHash("22" * 32))
    coins = [Coin(o, out.amount, out.script, block, False) for o, out in batch.coins]
    known = KnownCoins.of(BLOCK, coins)
    assert known == batch.known
    assert batch.judged(batch.signature(), known=known).holds


def test_damaged_proofs_never_raise_and_never_hold_for_other_coins():
    dice = random.Random(322)
    spenders = [s for n in range(14) if not (s := spender_of(dice, n)).version and not s.lock_time]
    mixed = funds("damaged", multi(KEYS, [0, 1]), spenders)
    signed = mixed.signed()
    whole = psbt(signed, mixed.pairs(signed), message=mixed.message)
    states = set()
    for _ in range(1_500):
        raw = bytearray(whole)
        for _ in range(dice.choice([1, 1, 1, 2, 5])):
            place = dice.randrange(6, len(raw))
            raw[place] = dice.choice([0, 1, 2, 0x80, 0xFF, dice.randrange(256)])
        if raw == whole:
            continue
        writer = dice.choice([write_proof_of_funds, write_full])
        verdict = mixed.judged(writer(bytes(raw)))
        states.add(verdict.state)
        if verdict.holds:  # only what says nothing about the coins may have changed
            assert {c.outpoint for c in verdict.coins} == set(mixed.known.unspent)
    assert State.INVALID in states
