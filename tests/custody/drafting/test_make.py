"""Which coins a draft spends, what it pays for its own size, where its change goes."""

from dataclasses import replace
from fractions import Fraction

import pytest

pytest.importorskip("bdkpython", reason="the office profile brings BDK")

from hypothesis import given, settings
from hypothesis import strategies as st

from khazana.bitcoin.address import address_of
from khazana.bitcoin.chain import BlockRef
from khazana.custody.drafting.assemble import Ground, assembled, input_of
from khazana.custody.drafting.coin_control import CoinControl, frozen_by_labels
from khazana.custody.drafting.draft import Purpose
from khazana.custody.drafting.errors import (
    DraftRefused,
    NotEnoughCoins,
    PaymentsRefused,
    PreviousTransactionMissing,
)
from khazana.custody.drafting.make import draft_consolidation, draft_split, verify_change
from khazana.custody.drafting.payments import Payment
from khazana.custody.drafting.reading import draft_of_psbt
from khazana.custody.drafting.rules import DraftRules, fee_for, feerate_of_text
from khazana.custody.drafting.wallet import Place, first_unused, wallet_coins
from khazana.custody.labels import Label, LabelKind
from khazana.custody.policy import policy_of
from khazana.custody.ways import ways_of
from khazana.ledger.accounts import Lane
from khazana.units import BlockHash, Height, Sats
from tests.custody.drafting.safes import ENGINE, TIP, drafted, funded, rules, safe, to
from tests.custody.quorums import RECOVERY, TWO_OF_THREE, A


@pytest.fixture(scope="module")
def wallet():
    return safe()


def test_a_draft_signals_replacement_and_cannot_be_mined_below_its_tip(wallet):
    coins, previous = funded(wallet, [600_000])
    draft = drafted(wallet, [to("payee", 100_000)], coins, previous)
    assert {each.sequence for each in draft.unsigned.inputs} == {0xFFFF_FFFD}
    assert draft.unsigned.lock_time == TIP.height
    assert draft.unsigned.version == 2


def test_the_same_order_is_the_same_bytes(wallet):
    coins, previous = funded(wallet, [600_000, 500_000, 400_000])
    orders = [to("payee", 700_000), to("other", 100_000)]
    one = drafted(wallet, orders, coins, previous)
    again = drafted(wallet, orders[::-1], coins[::-1], previous)
    assert one.psbt == again.psbt
    assert one.digest == again.digest


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(20_000, 900_000), min_size=1, max_size=8),
    st.integers(1_000, 2_000_000),
    st.sampled_from(["1", "2.5", "11", "40"]),
)
def test_the_fee_is_the_target_rate_or_less_than_change_would_cost_above_it(
    amounts, wanted, feerate
):
    wallet = safe(TWO_OF_THREE)
    coins, previous = funded(wallet, amounts)
    rate = feerate_of_text(feerate)
    try:
        draft = drafted(wallet, [to("payee", wanted)], coins, previous, feerate=rate)
    except NotEnoughCoins as short:
        refused = short.largest
    else:
        refused = None
    if refused is not None:
        assert refused < wanted
        return
    exact = fee_for(draft.vsize, rate)
    assert draft.spent == draft.paid + draft.returned + draft.fee_sats
    if draft.change:
        assert draft.fee_sats == exact
        assert all(each.amount >= 330 for each in draft.change)
    else:
        assert 0 <= draft.fee_sats - exact <= fee_for(43, rate) + 105 * 10 + 330 + 1


def test_the_largest_payment_that_is_named_is_the_largest_that_passes(wallet):
    coins, previous = funded(wallet, [600_000, 500_000])
    with pytest.raises(NotEnoughCoins) as caught:
        drafted(wallet, [to("payee", 2_000_000)], coins, previous)
    most = caught.value.largest
    draft = drafted(wallet, [to("payee", most)], coins, previous)
    assert draft.paid == most
    assert draft.change == ()
    with pytest.raises(NotEnoughCoins):
        drafted(wallet, [to("payee", most + 1)], coins, previous)


@pytest.mark.parametrize("lane", [Lane.SEIZED, Lane.PLEDGED, Lane.HELD_FOR_CLIENTS])
def test_coins_that_are_not_the_states_are_not_spent(lane):
    wallet = safe(lane=lane)
    coins, previous = funded(wallet, [600_000])
    with pytest.raises(NotEnoughCoins, match=f"lane of wallet safe is {lane.value}"):
        drafted(wallet, [to("payee", 100_000)], coins, previous)
    named = CoinControl(only=frozenset({coins[0].outpoint}))
    with pytest.raises(DraftRefused, match=lane.value):
        drafted(wallet, [to("payee", 100_000)], coins, previous, control=named)


def test_frozen_excluded_young_and_immature_coins_stay_where_they_are(wallet):
    coins, previous = funded(wallet, [600_000, 500_000, 400_000, 300_000])
    coins[3] = replace(
        coins[3], is_coinbase=True, block=replace(coins[3].block, height=Height(750))
    )
    coins[2] = replace(coins[2], block=replace(coins[2].block, height=Height(799)))
    labels = [Label(kind=LabelKind.OUTPUT, ref=str(coins[0].outpoint), spendable=False)]
    control = CoinControl(
        frozen=frozen_by_labels(labels), exclude=frozenset({coins[1].outpoint}), min_depth=6
    )
    with pytest.raises(NotEnoughCoins) as caught:
        drafted(wallet, [to("payee", 100_000)], coins, previous, control=control)
    assert caught.value.left_out == (
        "600000 sat: a label freezes it; 400000 sat: it has fewer than 6 blocks; "
        "300000 sat: it is an immature coinbase; 500000 sat: the order excludes it"
    )


def test_named_coins_are_spent_all_of_them_and_no_other(wallet):
    coins, previous = funded(wallet, [600_000, 500_000, 400_000])
    named = frozenset({coins[1].outpoint, coins[2].outpoint})
    draft = drafted(
        wallet, [to("payee", 100_000)], coins, previous, control=CoinControl(only=named)
    )
    assert {each.outpoint for each in draft.inputs} == named
    assert draft.returned == 900_000 - 100_000 - draft.fee_sats
    stranger = CoinControl(only=frozenset({replace(coins[0].outpoint, vout=7)}))
    with pytest.raises(DraftRefused, match="no such unspent coin"):
        drafted(wallet, [to("payee", 100_000)], coins, previous, control=stranger)


def test_change_beyond_the_declared_range_is_refused(wallet):
    coins, previous = funded(wallet, [600_000])
    with pytest.raises(DraftRefused, match="declares no branch 1, index 12"):
        drafted(wallet, [to("payee", 100_000)], coins, previous, change_index=12)


def test_an_address_that_holds_coins_is_not_used_again(wallet):
    coins, previous = funded(wallet, [600_000], branch=1)
    with pytest.raises(DraftRefused, match="branch 1, index 0 of wallet safe holds coins"):
        drafted(wallet, [to("payee", 100_000)], coins, previous, change_index=0)
    used = {wallet.script_at(Place(1, n), ENGINE) for n in (0, 3)}
    assert first_unused(wallet, 1, used) == 4
    assert first_unused(wallet, 0, used) == 0


def test_change_above_the_cap_is_parted(wallet):
    coins, previous = funded(wallet, [1_000_000])
    draft = drafted(wallet, [to("payee", 50_000)], coins, previous, cap_per_address=Sats(300_000))
    assert len(draft.change) == 4
    assert max(each.amount for each in draft.change) <= 300_000
    assert sorted(each.place.index for each in draft.change) == [0, 1, 2, 3]
    assert draft.fee_sats == fee_for(draft.vsize, Fraction(5))


def test_a_payment_to_an_own_address_above_the_cap_is_refused(wallet):
    coins, previous = funded(wallet, [600_000, 200_000])
    mine = wallet.script_at(Place(0, 1), ENGINE)
    to_self = Payment(address_of(mine, wallet.descriptor.network), mine, Sats(150_000))
    with pytest.raises(DraftRefused, match="would hold 350000 sat"):
        drafted(wallet, [to_self], coins, previous, cap_per_address=Sats(300_000))


def test_devices_get_the_transaction_behind_each_coin_or_nothing_is_drafted(wallet):
    coins, previous = funded(wallet, [600_000])
    with pytest.raises(PreviousTransactionMissing):
        drafted(wallet, [to("payee", 100_000)], coins, {})
    [(txid, made)] = previous.items()
    lie = replace(made, outputs=(made.outputs[0], replace(made.outputs[1], amount=Sats(700_000))))
    with pytest.raises(PreviousTransactionMissing):
        drafted(wallet, [to("payee", 100_000)], coins, {txid: lie})


def test_an_order_that_pays_nobody_or_dust_is_refused(wallet):
    coins, previous = funded(wallet, [600_000])
    with pytest.raises(DraftRefused, match="pays nobody"):
        drafted(wallet, [], coins, previous)
    with pytest.raises(PaymentsRefused, match="dust"):
        drafted(wallet, [to("payee", 293)], coins, previous)
    drafted(wallet, [to("payee", 294)], coins, previous)


def test_fee_rates_outside_reason_are_refused():
    with pytest.raises(ValueError, match=r"0\.5 sat/vB is below"):
        DraftRules(feerate=Fraction(1, 2))
    with pytest.raises(ValueError, match="above the highest allowed"):
        DraftRules(feerate=Fraction(5_000))


def test_change_that_is_not_derived_is_found(wallet):
    coins, previous = funded(wallet, [600_000])
    draft = drafted(wallet, [to("payee", 100_000)], coins, previous)
    [change] = draft.change
    moved = replace(draft, change=(replace(change, place=Place(1, 5)),))
    [finding] = verify_change(moved, wallet, ENGINE)
    assert finding.rule == "D6"
    assert "is called change, but branch 1, index 5" in finding.text


def test_a_draft_read_back_must_be_exactly_what_drafting_writes(wallet):
    coins, previous = funded(wallet, [600_000])
    draft = drafted(wallet, [to("payee", 100_000)], coins, previous)
    facts = {"engine": ENGINE, "tip": TIP, "purpose": draft.purpose}
    [paid] = draft.payments
    other = safe(f"wpkh({A})", name="other")
    with pytest.raises(DraftRefused, match="spends no coin of wallet other"):
        draft_of_psbt(draft.psbt, other, **facts)
    with pytest.raises(DraftRefused, match="which the order does not name"):
        draft_of_psbt(draft.psbt, wallet, paid={}, **facts)
    with pytest.raises(DraftRefused, match="no output 9"):
        draft_of_psbt(draft.psbt, wallet, paid={paid.vout: ("", ""), 9: ("", "")}, **facts)
    later = BlockRef(Height(900), BlockHash("0d" * 32))
    with pytest.raises(DraftRefused, match="lock time"):
        draft_of_psbt(draft.psbt, wallet, **{**facts, "tip": later})


def test_a_recovery_waits_for_its_coins_and_sizes_its_own_witness():
    wallet = safe(RECOVERY)
    recovery = ways_of(policy_of(wallet.descriptor))[1]
    coins, previous = funded(wallet, [600_000, 500_000])
    late = BlockRef(Height(700 + 52_560 - 1), BlockHash("0d" * 32))
    early = BlockRef(Height(late.height - 1), BlockHash("0e" * 32))
    draft = drafted(wallet, [to("payee", 100_000)], coins, previous, tip=late, way=recovery)
    assert {each.sequence for each in draft.unsigned.inputs} == {52_560}
    with pytest.raises(NotEnoughCoins, match="must wait for 52560"):
        drafted(wallet, [to("payee", 100_000)], coins, previous, tip=early, way=recovery)


def test_a_consolidation_leaves_coins_that_cost_more_than_they_bring(wallet):
    coins, previous = funded(wallet, [600_000, 500_000, 900])
    merged = draft_consolidation(
        wallet,
        first_index=5,
        coins=coins,
        previous=previous,
        tip=TIP,
        rules=rules(20),
        engine=ENGINE,
    )
    assert merged.spent == 1_100_000
    [only] = merged.change
    assert only.place == Place(0, 5)
    assert only.amount == 1_100_000 - merged.fee_sats


def test_a_split_takes_equal_parts_and_its_change_goes_elsewhere(wallet):
    coins, previous = funded(wallet, [1_000_000])
    draft = draft_split(
        wallet,
        amount=Sats(600_001),
        parts=3,
        first_index=2,
        change_index=1,
        coins=coins,
        previous=previous,
        tip=TIP,
        rules=rules(2),
        engine=ENGINE,
    )
    assert sorted(each.payment.amount for each in draft.payments) == [200_000, 200_000, 200_001]
    assert {p.payment.script for p in draft.payments} == {
        wallet.script_at(Place(0, n), ENGINE) for n in (2, 3, 4)
    }
    assert [each.place for each in draft.change] == [Place(1, 1)]


def test_an_order_larger_than_nodes_relay_is_refused():
    wallet = safe(f"wpkh({A})", stop=6)
    coins, previous = funded(wallet, [60_000_000])
    many = [
        Payment(p.address, p.script, p.amount)
        for p in (to(f"payee {n}", 1_000) for n in range(3_300))
    ]
    base = Ground(wallet=wallet, engine=ENGINE, tip=TIP, rules=rules(5), previous=previous)
    with pytest.raises(DraftRefused, match="make two orders"):
        assembled(base, Purpose.PAYMENT, map(input_of, wallet_coins(wallet, coins)), many, ())
