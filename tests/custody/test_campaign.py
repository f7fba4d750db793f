"""A campaign goes out as PSBTs, comes back in any order, and every wrong has its name."""

import base64
from functools import cache
from itertools import permutations

import pytest
import wallycore
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.bip322.verdict import State, Variant
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.descriptor import Descriptor
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import OutPoint
from khazana.custody.campaign import Campaign, CampaignWallet, plan_campaign
from khazana.custody.closing import Closing, ClosingCoin
from khazana.custody.collect import collect
from khazana.custody.message import control_message, read_message
from khazana.custody.psbt_files import psbt_text, written_psbt
from khazana.units import BlockHash, Height, Sats, Txid
from tests.custody.signing import fingerprint, maps, secret, signed, wallet

BLOCK = BlockRef(Height(120), BlockHash("0b" * 32))
MESSAGE = control_message(office="office", network=REGTEST, test=True, root="ab" * 32, block=BLOCK)
QUORUM = ("anna", "bo", "cia")
WALLETS = {
    "wsh": (wallet("wsh(sortedmulti(2,{},{},{}))", *QUORUM), QUORUM[:2], Variant.SIMPLE),
    "wsh-multi": (wallet("wsh(multi(2,{},{},{}))", *QUORUM), QUORUM[1:], Variant.SIMPLE),
    "wpkh": (wallet("wpkh({})", "anna"), ("anna",), Variant.SIMPLE),
    "tr": (wallet("tr({})", "anna"), ("anna",), Variant.SIMPLE),
    "pkh": (wallet("pkh({})", "anna"), ("anna",), Variant.FULL),
    "sh-wpkh": (wallet("sh(wpkh({}))", "anna"), ("anna",), Variant.FULL),
    "sh-wsh": (wallet("sh(wsh(sortedmulti(2,{},{},{})))", *QUORUM), QUORUM[:2], Variant.FULL),
    "sh": (wallet("sh(sortedmulti(2,{},{},{}))", *QUORUM), QUORUM[:2], Variant.FULL),
    "recovery": (
        wallet("wsh(or_d(multi(2,{},{},{}),and_v(v:pk({}),older(52560))))", *QUORUM, "dara"),
        QUORUM[:2],
        Variant.FULL,
    ),
}
SEGWIT = sorted(set(WALLETS) - {"pkh", "sh"})


def coin(number: int, script: bytes, amount: int = 1_000_000) -> ClosingCoin:
    return ClosingCoin("safe", OutPoint(Txid(f"{number:064x}"), 0), Sats(amount), script)


def campaign(descriptor: Descriptor, *, batch: bool = False, message=MESSAGE, **more) -> Campaign:
    """Two receive addresses, one of them with two coins, and one change address."""
    engine = best_engine()
    receive = engine.derive(descriptor, branch=0, start=0, stop=5)
    change = engine.derive(descriptor, branch=1, start=0, stop=1)
    coins = [coin(1, receive[1]), coin(2, receive[4]), coin(3, receive[1], 5), coin(4, change[0])]
    return plan_campaign(
        [CampaignWallet("safe", descriptor, ((0, 5), (1, 5)), batch)],
        Closing(BLOCK, coins, frozenset()),
        message=message,
        engine=engine,
        **more,
    )


def files(planned: Campaign, *names: str, **how) -> list[tuple[str, bytes]]:
    return [(f"{name}.psbt", signed(r, name, **how)) for name in names for r in planned.rounds]


def test_the_message_fits_the_screens_of_devices_and_can_be_read_again():
    longest = control_message(
        office="o" * 64,
        network=REGTEST,
        test=True,
        root="ab" * 32,
        block=BlockRef(Height(9_999_999_999), BlockHash("0b" * 32)),
    )
    text = longest.text
    assert 2 <= len(text) <= 330
    assert text.isascii()
    assert text.isprintable()
    assert "  " not in text
    assert text == text.strip()
    assert read_message(text) == longest
    assert read_message(text + " ") is None
    assert MESSAGE.root in MESSAGE.text
    assert str(BLOCK.hash) in MESSAGE.text


@pytest.mark.parametrize("kind", WALLETS)
def test_every_kind_of_wallet_is_proved_script_by_script(kind):
    descriptor, names, variant = WALLETS[kind]
    planned = campaign(descriptor)
    assert len(planned.rounds) == 3
    assert {r.variant for r in planned.rounds} == {variant}
    done = collect(planned, files(planned, *names))
    assert done.complete, [state.words for state in done.rounds]
    assert all(state.verdict.state is State.VALID for state in done.rounds)
    assert done.stray == ()


@pytest.mark.parametrize("kind", SEGWIT)
def test_a_batch_proves_every_coin_in_one_file_per_device(kind):
    descriptor, names, _ = WALLETS[kind]
    planned = campaign(descriptor, batch=True)
    (round_,) = planned.rounds
    assert round_.variant is Variant.PROOF_OF_FUNDS
    done = collect(planned, files(planned, *names))
    assert done.complete, done.rounds[0].words
    proved = {c.outpoint for c in done.rounds[0].verdict.coins}
    assert proved == {c.outpoint for c in planned.closing.coins}


@pytest.mark.parametrize("kind", ["pkh", "sh"])
def test_before_segwit_no_batch_is_made_for_signatures_do_not_cover_amounts(kind):
    planned = campaign(WALLETS[kind][0], batch=True)
    assert {r.variant for r in planned.rounds} == {Variant.FULL}


def test_the_order_in_which_files_come_back_changes_nothing():
    planned = campaign(WALLETS["wsh"][0])
    returned = files(planned, "anna", "cia")[:4]
    found = {
        tuple((s.proof, s.signed) for s in collect(planned, order).rounds)
        for order in permutations(returned)
    }
    assert len(found) == 1


def test_base64_files_are_read_as_well():
    planned = campaign(WALLETS["wpkh"][0])
    returned = [(n, psbt_text(raw).encode()) for n, raw in files(planned, "anna")]
    assert collect(planned, returned).complete


def test_a_missing_cosigner_is_named_by_fingerprint():
    planned = campaign(WALLETS["wsh"][0])
    done = collect(planned, files(planned, "bo"))
    assert not done.complete
    for state in done.rounds:
        assert state.proof is None
        assert state.signed == (fingerprint("bo"),)
        assert set(state.missing) == {fingerprint("anna"), fingerprint("cia")}
        assert "2 must sign" in state.words
        assert fingerprint("cia") in state.words


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"high_s": True}, "high_s"),
        ({"hash_type": 0x02}, "sighash"),
        ({"hash_type": 0x81}, "sighash"),
    ],
)
def test_a_bad_signature_is_named_with_its_cosigner_and_rule(how, reason):
    planned = campaign(WALLETS["wsh"][0])
    done = collect(planned, [*files(planned, "anna"), *files(planned, "bo", **how)])
    for state in done.rounds:
        assert state.proof is None
        assert [(b.cosigner, b.reason) for b in state.bad] == [(fingerprint("bo"), reason)]
        assert fingerprint("bo") in state.missing


def test_a_good_signature_is_enough_beside_a_bad_one():
    planned = campaign(WALLETS["wsh"][0])
    returned = [*files(planned, "anna", "cia"), *files(planned, "bo", high_s=True)]
    done = collect(planned, returned)
    assert done.complete
    assert all(state.bad for state in done.rounds)


@pytest.mark.parametrize("hash_type", [0x02, 0x81])
def test_taproot_signatures_of_other_types_are_refused(hash_type):
    planned = campaign(WALLETS["tr"][0])
    done = collect(planned, files(planned, "anna", hash_type=hash_type))
    assert {b.reason for state in done.rounds for b in state.bad} == {"sighash"}


def test_a_signature_for_another_message_does_not_fit():
    other = control_message(
        office="office", network=REGTEST, test=True, root="cd" * 32, block=BLOCK
    )
    planned = campaign(WALLETS["wpkh"][0])
    elsewhere = campaign(WALLETS["wpkh"][0], message=other)
    done = collect(planned, files(elsewhere, "anna"))
    assert all("another message" in s.why for s in done.stray)
    assert len(done.stray) == 3
    # The signature of the other message, put into our file.
    mine, theirs = maps(planned.rounds[0].psbt), maps(signed(elsewhere.rounds[0], "anna"))
    mine[1].update({k: v for k, v in theirs[1].items() if k[0] == 2})
    done = collect(planned, [("mixed", written_psbt(mine))])
    assert [b.reason for b in done.rounds[0].bad] == ["nullfail"]


def test_a_signature_of_a_stranger_is_named():
    planned = campaign(WALLETS["wpkh"][0])
    done = collect(planned, [("x", signed(planned.rounds[0], "bo"))])
    assert [b.reason for b in done.rounds[0].bad] == ["foreign_key"]


def test_altered_psbts_are_refused_by_name():
    planned = campaign(WALLETS["wsh"][0], batch=True)
    raw = signed(planned.rounds[0], "anna")
    amount = maps(raw)
    amount[2][b"\x01"] = b"\xff" + amount[2][b"\x01"][1:]
    message = maps(raw)
    message[0][b"\x09"] = b"something else"
    output = maps(raw)
    output[0][b"\x00"] = output[0][b"\x00"][:-5] + b"\x51" + output[0][b"\x00"][-4:]
    for changed in (amount, message, output):
        done = collect(planned, [("back.psbt", written_psbt(changed))])
        assert [s.file for s in done.stray] == ["back.psbt"]
        assert done.stray[0].why.startswith("altered PSBT")
        assert done.rounds[0].signed == ()


def test_files_that_are_no_psbt_are_named_and_the_others_count():
    planned = campaign(WALLETS["wpkh"][0])
    done = collect(planned, [("notes.txt", b"hello"), *files(planned, "anna")])
    assert [s.file for s in done.stray] == ["notes.txt"]
    assert done.complete


def test_keys_that_a_proof_would_expose_are_listed_beforehand():
    descriptor = WALLETS["wsh"][0]
    receive = best_engine().derive(descriptor, branch=0, start=0, stop=5)
    planned = campaign(descriptor, spent_from={receive[1]})
    new = {e.script: e.new for e in planned.exposures}
    assert new == {receive[1]: False, receive[4]: True, planned.closing.coins[3].script: True}
    assert all(len(e.public_keys) == 3 for e in planned.exposures)
    assert not any(e.new for e in campaign(WALLETS["tr"][0]).exposures)


def test_coins_that_no_descriptor_explains_are_listed_with_a_reason():
    descriptor = WALLETS["wpkh"][0]
    stranger = ClosingCoin("other", OutPoint(Txid("09" * 32), 0), Sats(1), b"\x00\x14" + bytes(20))
    beyond = ClosingCoin("safe", OutPoint(Txid("08" * 32), 0), Sats(1), b"\x00\x14" + bytes(20))
    planned = plan_campaign(
        [CampaignWallet("safe", descriptor, ((0, 5),))],
        Closing(BLOCK, [stranger, beyond]),
        message=MESSAGE,
        engine=best_engine(),
    )
    assert planned.rounds == ()
    assert [u.coin for u in planned.unplanned] == [stranger, beyond]


@pytest.mark.parametrize("kind", ["wsh", "sh-wsh", "wpkh", "sh-wpkh", "tr"])
@pytest.mark.parametrize("batch", [False, True])
def test_another_program_reads_signs_and_writes_the_files(kind, batch):
    """libwally's own PSBT code: reading, finding the key's input, signing, serialising."""
    descriptor, names, _ = WALLETS[kind]
    planned = campaign(descriptor, batch=batch)
    returned = []
    for round_ in planned.rounds:
        for name in names:
            psbt = wallycore.psbt_from_bytes(round_.psbt, wallycore.WALLY_PSBT_PARSE_FLAG_STRICT)
            for each in round_.inputs:
                key = secret(name, each.branch, each.index)
                wallycore.psbt_sign(psbt, key, wallycore.EC_FLAG_GRIND_R)
            returned.append((f"{round_.name}-{name}", bytes(wallycore.psbt_to_bytes(psbt, 0))))
    done = collect(planned, returned)
    assert done.stray == ()
    assert done.complete, [state.words for state in done.rounds]


def test_a_finished_file_is_taken_and_a_false_one_does_not_hide_it():
    planned = campaign(WALLETS["wsh"][0])
    round_ = planned.rounds[0]
    done = collect(planned, files(planned, "anna", "bo"))
    stack = base64.b64decode(done.rounds[0].proof[3:])
    good, false = maps(round_.psbt), maps(round_.psbt)
    good[1][b"\x08"] = stack
    false[1][b"\x08"] = stack[:40] + bytes([stack[40] ^ 1]) + stack[41:]
    for order in ((good, false), (false, good)):
        back = [(f"{n}.psbt", written_psbt(each)) for n, each in enumerate(order)]
        assert collect(planned, back).rounds[0].proof == done.rounds[0].proof
    (state, *_) = collect(planned, [("false.psbt", written_psbt(false))]).rounds
    assert state.proof is None
    assert state.bad


@given(st.data())
def test_damaged_files_never_raise_and_never_make_a_false_proof(data):
    planned = damaged_campaign()
    raw = bytearray(signed(planned.rounds[0], "anna"))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    done = collect(planned, [("damaged.psbt", bytes(raw))])
    (state,) = done.rounds
    if state.proof is not None:
        assert state.verdict.state is State.VALID


@cache
def damaged_campaign() -> Campaign:
    return campaign(WALLETS["wpkh"][0], batch=True)
