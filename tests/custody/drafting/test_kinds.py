"""Every script kind: drafted, read by another program, signed by it, finished and judged by us."""

import base64
import json

import pytest

pytest.importorskip("bdkpython", reason="the office profile brings BDK")

pytest.importorskip("pbk", reason="the devnet profile brings the kernel")

import bdkpython as bdk

from khazana.bitcoin.consensus import virtual_size_of, weight_of
from khazana.bitcoin.kernel_scripts import first_bad_input
from khazana.custody.drafting.draft_psbt import OUT_TAP_TREE
from khazana.custody.drafting.make import draft_consolidation, draft_split, verify_change
from khazana.custody.drafting.reading import draft_of_psbt
from khazana.custody.drafting.rules import fee_for
from khazana.custody.drafting.signing import collect, finalize
from khazana.custody.drafting.sizes import sizes_of
from tests.custody.drafting.safes import (
    ENGINE,
    KINDS,
    TIP,
    drafted,
    funded,
    rules,
    safe,
    signed,
    signed_by,
    to,
)
from tests.custody.quorums import TWO_OF_THREE
from tests.custody.signing import maps


@pytest.fixture(params=KINDS)
def kind(request):
    text, names = KINDS[request.param]
    wallet = safe(text)
    coins, previous = funded(wallet, [600_000, 500_000, 400_000])
    draft = drafted(wallet, [to("payee", 950_000, reference="7")], coins, previous)
    return wallet, names, draft


def test_signatures_of_another_program_finish_it_and_the_kernel_agrees(kind):
    wallet, names, draft = kind
    final = finalize(draft, wallet, signed_by(wallet, names, draft.psbt), engine=ENGINE)
    assert first_bad_input(final.serialize(), draft.spent_outputs) is None
    # An upper bound: BDK grinds for short signatures, a byte or two each, and before segwit a
    # length may then be written in two bytes less.
    assert 0 <= draft.vsize - virtual_size_of(final) <= 4 * len(draft.inputs)
    assert draft.fee_sats == fee_for(draft.vsize, rules(5).feerate)


def test_a_file_that_goes_from_one_to_the_next_and_is_finished_there_is_taken(kind):
    wallet, names, draft = kind
    psbt = draft.psbt
    for name in names:
        psbt = signed(wallet, name, psbt, finish=name == names[-1])
    final = finalize(draft, wallet, [("round.psbt", psbt)], engine=ENGINE)
    assert first_bad_input(final.serialize(), draft.spent_outputs) is None


def test_another_program_reads_the_same_fee_and_finds_its_own_change(kind):
    _, _, draft = kind
    psbt = bdk.Psbt(draft.psbt_base64)
    theirs = maps(base64.b64decode(psbt.serialize()))
    for ours, read in zip(maps(draft.psbt), theirs, strict=True):
        tree = bytes([OUT_TAP_TREE])
        # Which of two siblings in a taproot tree comes first means nothing (BIP-371).
        assert sorted(ours.pop(tree, b"")) == sorted(read.pop(tree, b""))
        assert ours == read
    assert psbt.fee() == draft.fee_sats
    told = json.loads(psbt.json_serialize())
    [change] = draft.change
    output = told["outputs"][change.vout]
    assert output.get("bip32_derivation") or output.get("tap_key_origins")
    [paid] = draft.payments
    assert not told["outputs"][paid.vout].get("bip32_derivation")


def test_the_change_is_the_wallets_own_by_derivation(kind):
    wallet, _, draft = kind
    assert verify_change(draft, wallet, ENGINE) == ()
    assert [each.place.branch for each in draft.change] == [1]


def test_a_draft_is_read_back_from_its_bytes(kind):
    wallet, _, draft = kind
    paid = {each.vout: ("", "7") for each in draft.payments}
    read = draft_of_psbt(
        draft.psbt, wallet, engine=ENGINE, tip=TIP, purpose=draft.purpose, paid=paid
    )
    assert read == draft


# BDK's figure has no count of witness items; it takes a script path's control block as one longer.
WEIGHTS = {"tr-key": 0, "tr-multi": -1, "tr-tree": -1, "thresh": 2}


@pytest.mark.parametrize("outline", [k for k in KINDS if k != "tr-leaves"])
def test_an_input_weighs_what_another_program_says(outline):
    wallet = safe(KINDS[outline][0])
    body = wallet.descriptor.body.replace("<0;1>", "0")
    theirs = bdk.Descriptor(body, bdk.NetworkKind.TEST).max_weight_to_satisfy()
    sizes = sizes_of(wallet, ENGINE, None)
    unsigned = 4 * (32 + 4 + 1 + 4)
    more = WEIGHTS.get(outline, 1 if sizes.segwit else 0)
    assert sizes.input_weight - unsigned == theirs + more


def test_the_smallest_leaf_is_expected_where_several_are_open():
    sizes = sizes_of(safe(KINDS["tr-leaves"][0]), ENGINE, None)
    # Items, a Schnorr signature, pk(K) of 34 bytes, a control block with two hashes.
    assert sizes.input_weight == 164 + 1 + (1 + 64) + (1 + 34) + (1 + 33 + 64)


def test_cosigners_may_come_in_any_order_and_who_is_missing_is_named():
    wallet = safe(TWO_OF_THREE)
    coins, previous = funded(wallet, [600_000])
    draft = drafted(wallet, [to("payee", 100_000)], coins, previous)
    files = signed_by(wallet, ["anna", "bo", "cia"], draft.psbt)
    names = [key.fingerprint for key in wallet.descriptor.keys]
    none = collect(draft, wallet, [], engine=ENGINE)
    assert none.transaction is None
    assert (none.signed, none.missing, none.needed) == ((), tuple(names), 2)
    one = collect(draft, wallet, files[1:2], engine=ENGINE)
    assert one.transaction is None
    assert (one.signed, one.missing) == ((names[1],), (names[0], names[2]))
    for pair in (files[:2], files[1:], [files[2], files[0]], [files[1], files[0]]):
        assert collect(draft, wallet, pair, engine=ENGINE).transaction is not None
    # What came back so far can go on to the next cosigner.
    relayed = [("relay.psbt", signed(wallet, "cia", one.psbt))]
    assert collect(draft, wallet, relayed, engine=ENGINE).transaction is not None


def test_a_split_stays_under_the_cap_and_a_consolidation_needs_as_few_addresses_as_it_lets():
    wallet = safe(TWO_OF_THREE)
    coins, previous = funded(wallet, [1_000_000, 900_000])
    common = {
        "coins": coins,
        "previous": previous,
        "tip": TIP,
        "rules": rules(3, cap_per_address=400_000),
        "engine": ENGINE,
    }
    split = draft_split(wallet, amount=1_500_000, first_index=2, change_index=0, **common)
    assert [each.payment.amount for each in split.payments] == [375_000] * 4
    assert all(each.amount <= 400_000 for each in split.change)
    assert verify_change(split, wallet, ENGINE) == ()
    merged = draft_consolidation(wallet, first_index=2, **common)
    assert merged.payments == ()
    assert len(merged.change) == 5
    assert all(each.amount <= 400_000 for each in merged.change)
    assert merged.returned + merged.fee_sats == 1_900_000
    assert weight_of(merged.unsigned) < 4 * merged.vsize
