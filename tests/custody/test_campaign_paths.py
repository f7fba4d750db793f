"""Recovery paths behind time locks and the leaves of taproot trees: signed alone, put together."""

from itertools import permutations

import pytest

from khazana.bitcoin.bip322.kernel_judge import kernel_consensus
from khazana.bitcoin.bip322.verdict import Reason, State, Variant
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.custody.campaign import Campaign, CampaignWallet, NoSuchWay, plan_campaign
from khazana.custody.closing import Closing
from khazana.custody.collect import collect
from khazana.custody.psbt_files import written_psbt
from tests.custody.quorums import NUMS
from tests.custody.signing import fingerprint, maps, signed, wallet
from tests.custody.test_campaign import BLOCK, MESSAGE, coin

QUORUM = ("anna", "bo", "cia")
LEAVES = wallet(
    f"tr({NUMS},{{{{multi_a(2,{{}},{{}},{{}}),and_v(v:pk({{}}),older(52560))}}}})", *QUORUM, "dara"
)
DEEP = wallet(
    f"tr({NUMS},{{{{sortedmulti_a(2,{{}},{{}},{{}}),"
    f"{{{{and_v(v:multi_a(1,{{}},{{}}),after(900000)),pk({{}})}}}}}}}})",
    *QUORUM,
    "dara",
    "esa",
    "fay",
)
RECOVERY = wallet("wsh(or_d(multi(2,{},{},{}),and_v(v:pk({}),older(52560))))", *QUORUM, "dara")
SECONDS = wallet("wsh(or_d(pk({}),and_v(v:pkh({}),older(4194404))))", "anna", "bo")
HEIGHT = wallet("sh(wsh(andor(pk({}),after(900000),pk({}))))", "anna", "bo")
DECAYING = wallet("wsh(thresh(2,pk({}),s:pk({}),sln:older(144)))", "anna", "bo")


def campaign(descriptor, *, recovery: int = 0, batch: bool = False) -> Campaign:
    engine = best_engine()
    scripts = engine.derive(descriptor, branch=0, start=0, stop=3)
    coins = [coin(1, scripts[0]), coin(2, scripts[2])]
    return plan_campaign(
        [CampaignWallet("safe", descriptor, ((0, 3),), batch, recovery)],
        Closing(BLOCK, coins),
        message=MESSAGE,
        engine=engine,
    )


def back(planned: Campaign, *names: str, **how) -> list[tuple[str, bytes]]:
    return [(f"{name}.psbt", signed(r, name, **how)) for r in planned.rounds for name in names]


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(
    ("descriptor", "names"),
    [
        (LEAVES, ("anna", "cia")),
        (LEAVES, ("cia", "bo")),
        (DEEP, ("bo", "anna")),
        (DEEP, ("fay",)),
        (RECOVERY, ("bo", "cia")),
        (SECONDS, ("anna",)),
        (HEIGHT, ("bo",)),
        (DECAYING, ("anna", "bo")),
    ],
)
def test_what_is_open_at_once_is_proved_without_a_wait(descriptor, names, batch):
    planned = campaign(descriptor, batch=batch)
    done = collect(planned, back(planned, *names), consensus=kernel_consensus())
    assert done.complete, [state.words for state in done.rounds]
    assert {state.verdict.state for state in done.rounds} == {State.VALID}


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(
    ("descriptor", "names", "words"),
    [
        (LEAVES, ("dara",), "valid for coins 52560 blocks old"),
        (RECOVERY, ("dara",), "valid for coins 52560 blocks old"),
        (SECONDS, ("bo",), "valid for coins 51200 seconds old"),
        (HEIGHT, ("anna",), "valid from block 900000 on"),
        (DEEP, ("esa",), "valid from block 900000 on"),
        (DECAYING, ("bo",), "valid for coins 144 blocks old"),
    ],
)
def test_a_recovery_path_is_proved_for_whoever_waits(descriptor, names, words, batch):
    planned = campaign(descriptor, recovery=1, batch=batch)
    variant = Variant.PROOF_OF_FUNDS if batch else Variant.FULL
    assert {r.variant for r in planned.rounds} == {variant}
    done = collect(planned, back(planned, *names), consensus=kernel_consensus())
    assert done.complete, [state.words for state in done.rounds]
    assert {state.verdict.state for state in done.rounds} == {State.VALID_AT}
    assert all(words in state.words for state in done.rounds)


def test_leaf_signatures_come_back_in_any_order_from_files_of_their_own():
    planned = campaign(LEAVES)
    returned = back(planned, "anna", "bo", "cia")
    found = {
        tuple(state.proof for state in collect(planned, order).rounds)
        for order in permutations(returned[:3] + returned[3:5])
    }
    assert len(found) == 1
    assert None not in found.pop()


def test_the_missing_cosigner_of_a_leaf_is_named_and_nobody_else_is_asked():
    planned = campaign(LEAVES)
    state, *_ = collect(planned, back(planned, "bo")).rounds
    assert state.signed == (fingerprint("bo"),)
    assert state.missing == (fingerprint("anna"), fingerprint("cia"))
    assert "2 must sign" in state.words
    recovering = campaign(LEAVES, recovery=1)
    state, *_ = collect(recovering, []).rounds
    assert state.missing == (fingerprint("dara"),)
    assert state.needed == 1


@pytest.mark.parametrize("hash_type", [0x02, 0x81])
def test_a_bad_leaf_signature_is_named_with_its_cosigner(hash_type):
    planned = campaign(LEAVES)
    files = [*back(planned, "anna"), *back(planned, "cia", hash_type=hash_type)]
    for state in collect(planned, files).rounds:
        assert state.proof is None
        assert [(b.cosigner, b.reason) for b in state.bad] == [(fingerprint("cia"), "sighash")]


def test_a_signature_for_another_leaf_or_of_a_stranger_counts_for_nothing():
    planned = campaign(DEEP)
    parts = maps(signed(planned.rounds[0], "anna"))
    (field,) = [key for key in parts[1] if key[0] == 0x14]
    signature = parts[1].pop(field)
    leaves = planned.rounds[0].inputs[0].scripts.tree
    other = next(leaf for leaf in leaves if field[1:33] not in leaf.script)
    parts[1][field[:33] + other.hash] = signature
    state, *_ = collect(planned, [("other leaf", written_psbt(parts))]).rounds
    assert [b.reason for b in state.bad] == ["foreign_key"]
    stranger = maps(planned.rounds[0].psbt)
    stranger[1][b"\x14" + b"\x07" * 32 + leaves[0].hash] = signature
    state, *_ = collect(planned, [("stranger", written_psbt(stranger))]).rounds
    assert [b.reason for b in state.bad] == ["foreign_key"]


def test_a_leaf_that_was_swapped_in_the_file_is_an_altered_psbt():
    planned = campaign(LEAVES)
    parts = maps(signed(planned.rounds[0], "anna"))
    leaf = next(key for key in parts[1] if key[0] == 0x15)
    parts[1][leaf] = b"\x51\xc0"
    done = collect(planned, [("back.psbt", written_psbt(parts))])
    assert [s.why for s in done.stray] == ["altered PSBT: field 0x15 of input 0 was changed"]


def test_signatures_of_the_quorum_without_its_wait_do_not_prove_the_recovery_path():
    at_once, recovering = campaign(RECOVERY), campaign(RECOVERY, recovery=1)
    done = collect(recovering, back(at_once, "dara"))
    assert not done.complete
    assert all("altered PSBT" in stray.why for stray in done.stray)
    done = collect(at_once, back(at_once, "dara"))
    assert all(state.proof is None for state in done.rounds)


def test_a_recovery_proof_whose_age_was_taken_out_is_invalid():
    """Shown without its wait, the script itself refuses the key of the recovery path."""
    from dataclasses import replace

    from khazana.bitcoin.bip322.encoding import read_text, write_full
    from khazana.bitcoin.bip322.verify import verify
    from khazana.bitcoin.transaction import Transaction

    planned = campaign(RECOVERY, recovery=1)
    state, *_ = collect(planned, back(planned, "dara")).rounds
    _, raw = read_text(state.proof, allow_unprefixed=False)
    answer = Transaction.parse(raw)
    now = replace(answer, inputs=(replace(answer.inputs[0], sequence=0),))
    verdict = verify(
        write_full(now.serialize()), script=state.round.script, message=MESSAGE.text.encode()
    )
    assert verdict.state is State.INVALID
    assert {Reason.LOCK_NOT_MET, Reason.NULLFAIL} & set(verdict.reasons)


@pytest.mark.parametrize(("descriptor", "way"), [(RECOVERY, 2), (DEEP, 3)])
def test_a_way_that_a_wallet_does_not_have_is_refused(descriptor, way):
    with pytest.raises(NoSuchWay, match="none with the number"):
        campaign(descriptor, recovery=way)


def test_a_tree_is_described_so_that_devices_find_their_leaves():
    """BIP-371: root, every leaf with its control block, and each key's leaves."""
    (round_, *_) = campaign(DEEP).rounds
    pairs = maps(round_.psbt)[1]
    scripts = round_.inputs[0].scripts
    assert pairs[b"\x18"] == scripts.root
    shown = {key[1:]: value for key, value in pairs.items() if key[0] == 0x15}
    assert shown == {leaf.control: leaf.script + b"\xc0" for leaf in scripts.tree}
    derivations = {key[1:]: value for key, value in pairs.items() if key[0] == 0x16}
    assert len(derivations) == 6  # nobody has the internal key
    for public, value in derivations.items():
        inside = [leaf.hash for leaf in scripts.tree if public in leaf.script]
        assert value[0] == len(inside) == 1
        assert value[1:33] == inside[0]
