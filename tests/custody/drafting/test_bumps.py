"""Stuck transactions: replaced by BIP-125's rules, or lifted by a child that pays for both."""

import dataclasses
from fractions import Fraction

import pytest

pytest.importorskip("bdkpython", reason="the office profile brings BDK")

from khazana.custody.drafting.child import Stuck, child_of
from khazana.custody.drafting.draft import Purpose
from khazana.custody.drafting.errors import BumpRefused
from khazana.custody.drafting.make import draft_consolidation
from khazana.custody.drafting.replace import Descendant, replacement_of
from khazana.custody.drafting.rules import fee_for
from khazana.custody.drafting.signing import finalize
from khazana.units import Sats
from tests.custody.drafting.safes import (
    ENGINE,
    KINDS,
    TIP,
    drafted,
    funded,
    ground,
    rules,
    safe,
    signed_by,
    to,
)


@pytest.fixture(scope="module")
def wallet():
    return safe()


def paid_of(draft):
    return {(each.payment.script, each.payment.amount) for each in draft.payments}


def test_the_change_bears_the_higher_fee_and_the_payments_stay(wallet):
    coins, previous = funded(wallet, [600_000, 500_000])
    stuck = drafted(wallet, [to("payee", 100_000), to("other", 90_000)], coins, previous, feerate=1)
    new = replacement_of(stuck, ground(wallet, 20))
    assert new.purpose is Purpose.REPLACEMENT
    assert new.replaces == stuck.txid
    assert {i.outpoint for i in new.inputs} == {i.outpoint for i in stuck.inputs}
    assert paid_of(new) == paid_of(stuck)
    assert [each.place for each in new.change] == [each.place for each in stuck.change]
    assert new.fee_sats == fee_for(new.vsize, Fraction(20))
    assert new.returned == stuck.returned - (new.fee_sats - stuck.fee_sats)


def test_a_replacement_pays_for_its_own_relay_beside_all_that_falls_with_it(wallet):
    coins, previous = funded(wallet, [600_000])
    stuck = drafted(wallet, [to("payee", 100_000)], coins, previous, feerate=5)
    fallen = [Descendant("aa" * 32, Sats(7_000))]
    new = replacement_of(stuck, ground(wallet, "5.001"), descendants=fallen)
    assert new.fee_sats == stuck.fee_sats + 7_000 + new.vsize
    slightly = replacement_of(stuck, ground(wallet, "5.001"))
    assert slightly.fee_sats == stuck.fee_sats + slightly.vsize


def test_the_same_or_a_lower_rate_replaces_nothing(wallet):
    coins, previous = funded(wallet, [600_000])
    stuck = drafted(wallet, [to("payee", 100_000)], coins, previous, feerate=5)
    for rate in (5, 2):
        with pytest.raises(BumpRefused, match="pays 5 sat/vB already"):
            replacement_of(stuck, ground(wallet, rate))


def test_change_that_cannot_bear_it_refuses_and_added_coins_do(wallet):
    coins, previous = funded(wallet, [600_000])
    stuck = drafted(wallet, [to("payee", 596_000)], coins, previous, feerate=1)
    assert stuck.change
    with pytest.raises(BumpRefused, match="sat are missing"):
        replacement_of(stuck, ground(wallet, 100))
    more, more_previous = funded(wallet, [400_000], branch=1)
    bumped = replacement_of(stuck, ground(wallet, 100, previous=more_previous), coins=more)
    assert len(bumped.inputs) == 2
    assert paid_of(bumped) == paid_of(stuck)
    assert bumped.fee_sats == fee_for(bumped.vsize, Fraction(100))


def test_change_that_would_become_dust_goes_to_the_fee(wallet):
    coins, previous = funded(wallet, [600_000])
    stuck = drafted(wallet, [to("payee", 597_000)], coins, previous, feerate=1)
    [change] = stuck.change
    rate = Fraction(stuck.fee_sats + change.amount - 200, stuck.vsize)
    new = replacement_of(stuck, ground(wallet, rate))
    assert new.change == ()
    assert new.fee_sats == 3_000
    assert new.fee_sats >= stuck.fee_sats + new.vsize


def test_a_consolidation_is_replaced_from_its_own_outputs(wallet):
    coins, previous = funded(wallet, [600_000, 500_000])
    stuck = draft_consolidation(
        wallet,
        first_index=4,
        coins=coins,
        previous=previous,
        tip=TIP,
        rules=rules(1),
        engine=ENGINE,
    )
    new = replacement_of(stuck, ground(wallet, 30))
    assert new.payments == ()
    assert new.returned == 1_100_000 - fee_for(new.vsize, Fraction(30))
    with pytest.raises(BumpRefused, match="sat are missing"):
        replacement_of(stuck, ground(wallet, 999_999, highest_feerate=Fraction(10**6)))


def test_a_child_lifts_both_to_the_rate_that_is_asked(wallet):
    coins, previous = funded(wallet, [600_000])
    stuck = drafted(wallet, [to("payee", 100_000)], coins, previous, feerate=1)
    signed = finalize(stuck, wallet, signed_by(wallet, ["anna", "bo"], stuck.psbt), engine=ENGINE)
    parent = Stuck.of_draft(stuck, signed)
    child = child_of(parent, ground(wallet, 25), change_index=1)
    assert child.purpose is Purpose.CHILD
    assert child.parent == signed.txid
    assert [i.outpoint.txid for i in child.inputs] == [signed.txid]
    together = Fraction(child.fee_sats + parent.fee_sats, child.vsize + parent.vsize)
    assert 25 <= together < Fraction(251, 10)
    assert child.payments == ()


def test_waiting_ancestors_are_lifted_too(wallet):
    coins, previous = funded(wallet, [600_000])
    stuck = drafted(wallet, [to("payee", 100_000)], coins, previous, feerate=1)
    plain = Stuck(transaction=stuck.unsigned, fee_sats=stuck.fee_sats, vsize=stuck.vsize)
    deep = Stuck(
        transaction=stuck.unsigned,
        fee_sats=stuck.fee_sats,
        vsize=stuck.vsize,
        ancestors_fee=200,
        ancestors_vsize=200,
    )
    one = child_of(plain, ground(wallet, 10), change_index=1)
    both = child_of(deep, ground(wallet, 10), change_index=1)
    assert both.fee_sats - one.fee_sats == 200 * 10 - 200


def test_what_cannot_be_lifted_says_why(wallet):
    coins, previous = funded(wallet, [600_000])
    stuck = drafted(wallet, [to("payee", 596_000)], coins, previous, feerate=1)
    parent = Stuck(transaction=stuck.unsigned, fee_sats=stuck.fee_sats, vsize=stuck.vsize)
    with pytest.raises(BumpRefused, match="the child's fee would be"):
        child_of(parent, ground(wallet, 100), change_index=1)
    with pytest.raises(BumpRefused, match="or more already"):
        child_of(parent, ground(wallet, 1), change_index=1)
    nothing = drafted(wallet, [to("payee", 599_800)], coins, previous, feerate=1)
    alone = Stuck(transaction=nothing.unsigned, fee_sats=nothing.fee_sats, vsize=nothing.vsize)
    with pytest.raises(BumpRefused, match="none of its outputs"):
        child_of(alone, ground(wallet, 50), change_index=1)


def test_before_segwit_the_transaction_that_was_sent_has_the_final_name():
    wallet = safe(KINDS["sh-wpkh"][0])
    coins, previous = funded(wallet, [600_000])
    stuck = drafted(wallet, [to("payee", 100_000)], coins, previous, feerate=1)
    sent = finalize(stuck, wallet, signed_by(wallet, ["anna"], stuck.psbt), engine=ENGINE)
    assert sent.txid != stuck.txid
    assert replacement_of(stuck, ground(wallet, 20), broadcast=sent).replaces == sent.txid
    child = child_of(Stuck.of_draft(stuck, sent), ground(wallet, 20), change_index=1)
    assert child.parent == sent.txid
    other = drafted(wallet, [to("other", 100_000)], coins, previous, feerate=1)
    for wrong in (
        lambda: replacement_of(other, ground(wallet, 20), broadcast=sent),
        lambda: Stuck.of_draft(other, sent),
    ):
        with pytest.raises(ValueError, match="is not this draft's"):
            wrong()


def test_what_does_not_signal_replacement_is_not_replaced(wallet):
    coins, previous = funded(wallet, [600_000])
    stuck = drafted(wallet, [to("payee", 100_000)], coins, previous, feerate=1)
    final = dataclasses.replace(
        stuck.unsigned,
        inputs=tuple(dataclasses.replace(i, sequence=0xFFFF_FFFE) for i in stuck.unsigned.inputs),
    )
    with pytest.raises(BumpRefused, match="does not signal replacement"):
        replacement_of(dataclasses.replace(stuck, unsigned=final), ground(wallet, 20))
    many = [Descendant("aa" * 32, Sats(1))] * 100
    with pytest.raises(BumpRefused, match="100 descendants"):
        replacement_of(stuck, ground(wallet, 20), descendants=many)
