"""Miniscript of every fragment spent: our witness, Bitcoin Core's code as the judge."""

import hashlib

import pytest

pytest.importorskip("bdkpython", reason="the office profile brings BDK")
pytest.importorskip("pbk", reason="the devnet profile brings the kernel")

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.consensus import virtual_size_of
from khazana.bitcoin.kernel_scripts import first_bad_input
from khazana.custody.drafting.errors import DraftRefused, SignaturesMissing
from khazana.custody.drafting.signing import collect, finalize
from khazana.custody.policy import SignedBy, every, policy_of
from khazana.custody.ways import Way, ways_of
from khazana.units import BlockHash, Height
from tests.bitcoin.descriptor_keys_for_tests import account
from tests.custody.drafting.safes import ENGINE, drafted, funded, safe, signed_by, to
from tests.custody.quorums import NUMS, RECOVERY, A, B, C, D

SECRET = b"the preimage, 32 bytes of it....."[:32]
SHA = hashlib.sha256(SECRET).digest()
HASH256 = hashlib.sha256(SHA).digest()
RIPEMD = hashlib.new("ripemd160", SECRET).digest()
HASH160 = hashlib.new("ripemd160", SHA).digest()
KNOWN = dict.fromkeys((SHA, HASH256, RIPEMD, HASH160), SECRET)

# script, who signs
SPENDS = {
    "and_v sha256": (f"wsh(and_v(v:pk({A}),sha256({SHA.hex()})))", ["anna"]),
    "and_b hash256": (f"wsh(and_b(pk({A}),a:hash256({HASH256.hex()})))", ["anna"]),
    "and_n ripemd160": (f"wsh(and_n(pk({A}),ripemd160({RIPEMD.hex()})))", ["anna"]),
    "and_v hash160 t": (f"wsh(and_v(v:hash160({HASH160.hex()}),pkh({A})))", ["anna"]),
    "or_b first": (f"wsh(or_b(pk({A}),s:pk({B})))", ["anna"]),
    "or_b second": (f"wsh(or_b(pk({A}),s:pk({B})))", ["bo"]),
    "or_c": (f"wsh(t:or_c(pk({A}),v:pkh({B})))", ["bo"]),
    "or_d second": (f"wsh(or_d(pk({A}),pkh({B})))", ["bo"]),
    "or_i first": (f"wsh(or_i(pk({A}),pkh({B})))", ["anna"]),
    "or_i second": (f"wsh(or_i(pk({A}),pkh({B})))", ["bo"]),
    "andor then": (f"wsh(andor(pk({A}),pkh({B}),pk({C})))", ["anna", "bo"]),
    "andor else": (f"wsh(andor(pk({A}),pkh({B}),pk({C})))", ["cia"]),
    "thresh 2 of 3": (f"wsh(thresh(2,pk({A}),s:pk({B}),a:pkh({C})))", ["anna", "cia"]),
    "thresh with multi": (f"wsh(thresh(2,multi(1,{A},{B}),a:pkh({C}),s:pk({D})))", ["bo", "dara"]),
    "wrappers": (f"wsh(or_d(c:pk_k({A}),c:pk_h({B})))", ["bo"]),
    "j": (f"wsh(or_b(j:and_v(v:pkh({A}),pk({B})),a:pk({C})))", ["anna", "bo"]),
    "j unmet": (f"wsh(or_b(j:and_v(v:pkh({A}),pk({B})),a:pk({C})))", ["cia"]),
    "l met": (f"wsh(andor(pk({A}),pk({B}),l:pk({C})))", ["cia"]),
    "u met": (f"wsh(andor(pk({A}),u:pk({B}),pk({C})))", ["anna", "bo"]),
    "leaf and_v": (f"tr({NUMS},and_v(v:pk({A}),sha256({SHA.hex()})))", ["anna"]),
    "leaf thresh": (f"tr({NUMS},thresh(2,pk({A}),s:pk({B}),s:pk({C})))", ["bo", "cia"]),
    "deep leaf": (f"tr({NUMS},{{pk({A}),{{pk({B}),{{pk({C}),pk({D})}}}}}})", ["dara"]),
    "key beside tree": (f"tr({A},multi_a(2,{B},{C},{D}))", ["anna"]),
    "tree beside key": (f"tr({A},multi_a(2,{B},{C},{D}))", ["bo", "dara"]),
}


@pytest.mark.parametrize("spend", SPENDS)
def test_the_kernel_accepts_what_we_finish(spend):
    text, names = SPENDS[spend]
    wallet = safe(text)
    coins, previous = funded(wallet, [600_000, 500_000])
    held = {account(name).xpub for name in names}
    signers = Way(every(*(SignedBy(k) for k in wallet.descriptor.keys if k.key in held)))
    draft = drafted(wallet, [to("payee", 1_000_000)], coins, previous, way=signers)
    files = signed_by(wallet, names, draft.psbt)
    final = finalize(draft, wallet, files, engine=ENGINE, preimages=KNOWN)
    assert first_bad_input(final.serialize(), draft.spent_outputs) is None
    assert 0 <= draft.vsize - virtual_size_of(final) <= len(final.inputs)
    for missing in range(len(files)):
        with pytest.raises(SignaturesMissing):
            finalize(draft, wallet, files[:missing] + files[missing + 1 :], engine=ENGINE)


def test_signers_with_a_larger_witness_than_was_sized_are_told_the_rate_that_remains():
    wallet = safe(SPENDS["tree beside key"][0])
    coins, previous = funded(wallet, [600_000])
    draft = drafted(wallet, [to("payee", 100_000)], coins, previous, feerate=1)
    files = signed_by(wallet, ["bo", "dara"], draft.psbt)
    state = collect(draft, wallet, files, engine=ENGINE)
    assert state.transaction is not None
    assert state.vsize == virtual_size_of(state.transaction) > draft.vsize
    [warning] = state.bad
    assert "below what nodes relay" in warning
    by_key = collect(draft, wallet, signed_by(wallet, ["anna"], draft.psbt), engine=ENGINE)
    assert by_key.bad == ()


def test_a_recovery_by_its_own_way_is_sized_and_finished():
    wallet = safe(RECOVERY)
    recovery = ways_of(policy_of(wallet.descriptor))[1]
    coins, previous = funded(wallet, [600_000, 500_000])
    tip = BlockRef(Height(700 + 52_560), BlockHash("0d" * 32))
    draft = drafted(wallet, [to("payee", 1_000_000)], coins, previous, tip=tip, way=recovery)
    final = finalize(draft, wallet, signed_by(wallet, ["dara"], draft.psbt), engine=ENGINE)
    assert first_bad_input(final.serialize(), draft.spent_outputs) is None
    assert 0 <= draft.vsize - virtual_size_of(final) <= len(final.inputs)
    with pytest.raises(SignaturesMissing):
        finalize(draft, wallet, [], engine=ENGINE)


def test_a_wallet_that_must_always_wait_needs_its_way_named():
    wallet = safe(f"wsh(and_v(v:pk({A}),older(10)))")
    coins, previous = funded(wallet, [600_000])
    with pytest.raises(DraftRefused, match="name one of its other ways"):
        drafted(wallet, [to("payee", 100_000)], coins, previous)
    way = ways_of(policy_of(wallet.descriptor))[0]
    draft = drafted(wallet, [to("payee", 100_000)], coins, previous, way=way)
    final = finalize(draft, wallet, signed_by(wallet, ["anna"], draft.psbt), engine=ENGINE)
    assert first_bad_input(final.serialize(), draft.spent_outputs) is None


def test_a_height_lock_sets_the_lock_time_and_is_waited_for():
    wallet = safe(f"wsh(or_d(pk({A}),and_v(v:pk({B}),after(850))))")
    way = ways_of(policy_of(wallet.descriptor))[1]
    coins, previous = funded(wallet, [600_000])
    late = BlockRef(Height(850), BlockHash("0d" * 32))
    draft = drafted(wallet, [to("payee", 100_000)], coins, previous, tip=late, way=way)
    assert draft.unsigned.lock_time == 850
    final = finalize(draft, wallet, signed_by(wallet, ["bo"], draft.psbt), engine=ENGINE)
    assert first_bad_input(final.serialize(), draft.spent_outputs) is None
