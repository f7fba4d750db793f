"""Each rule of BIP-322 by itself: a proof that breaks it, and the name it is refused by."""

from dataclasses import replace

import pytest

from khazana.bitcoin import script as scripts
from khazana.bitcoin.address import BadAddress
from khazana.bitcoin.bip322.encoding import write_full, write_simple
from khazana.bitcoin.bip322.kernel_judge import kernel_consensus
from khazana.bitcoin.bip322.transactions import to_sign, to_spend
from khazana.bitcoin.bip322.verdict import Reason, State, Verdict
from khazana.bitcoin.bip322.verify import verify, verify_address
from khazana.bitcoin.hashes import hash160, sha256
from khazana.bitcoin.network import MAINNET, REGTEST
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.units import Sats, Txid
from tests.bitcoin.bip322 import signer
from tests.bitcoin.bip322.signer import (
    CHECKSIG,
    CHECKSIGVERIFY,
    DROP,
    ELSE,
    ENDIF,
    IF,
    Spender,
    answered,
    carried,
    code,
    leaf,
    multi,
    p2pkh,
    p2tr,
    p2wpkh,
    public,
    push,
    secret,
    wrapped_p2wpkh,
)

KEY, OTHER = secret("one"), secret("two")
MESSAGE = b"a message"


def judged(spender: Spender, answer: Transaction | None = None, **options: object) -> Verdict:
    text = write_full((answer or answered(spender, MESSAGE)).serialize())
    return verify(text, script=spender.script, message=MESSAGE, **options)  # type: ignore[arg-type]


def refused(verdict: Verdict, reason: Reason) -> bool:
    return verdict.state is State.INVALID and verdict.reasons == (reason,)


def unjudged(verdict: Verdict, reason: Reason) -> bool:
    return verdict.state is State.INCONCLUSIVE and verdict.reasons == (reason,)


def with_key(*words: int | bytes, carrier: str = "v0") -> Spender:
    """A script that asks for one signature and then does something."""
    run = code(public(KEY), CHECKSIGVERIFY) + b"".join(
        bytes([w]) if isinstance(w, int) else w for w in words
    )
    return carried("odd", carrier, run, lambda s: [s(KEY)])


# Rules that consensus lacks


@pytest.mark.parametrize("carrier", ["v0", "p2sh", "p2sh-v0"])
@pytest.mark.parametrize("before", [b"", b"\x00\x63", b"\x51\x63"])
def test_a_codeseparator_is_refused_wherever_it_stands(carrier, before):
    after = b"\x68" if before else b""
    assert refused(
        judged(with_key(before, 0xAB, after, 0x51, carrier=carrier)), Reason.CODESEPARATOR
    )


def test_a_codeseparator_in_a_tapscript_is_refused():
    run = code(public(KEY)[1:], CHECKSIG) + b"\xab"
    assert refused(judged(leaf("odd", run, lambda s: [s(KEY)])), Reason.CODESEPARATOR)


def test_a_push_longer_than_needed_is_refused():
    assert refused(judged(with_key(b"\x4c\x01\x05", DROP, 0x51)), Reason.MINIMALDATA)
    assert refused(judged(with_key(b"\x01\x05", DROP, 0x51)), Reason.MINIMALDATA)
    assert refused(judged(with_key(b"\x01\x81", DROP, 0x51)), Reason.MINIMALDATA)


def test_a_long_push_in_a_branch_not_taken_is_fine():
    assert judged(with_key(0x00, IF, b"\x4c\x01\x05", ENDIF, 0x51)).holds


def test_a_long_push_in_a_script_signature_is_refused():
    answer = answered(p2pkh(KEY), MESSAGE)
    source = answer.inputs[0]
    size = source.script_sig[0]
    longer = b"\x4c" + bytes([size]) + source.script_sig[1:]
    changed = replace(answer, inputs=(replace(source, script_sig=longer),))
    assert refused(judged(p2pkh(KEY), changed), Reason.MINIMALDATA)


def test_a_number_longer_than_needed_is_refused():
    assert refused(judged(with_key(push(b"\x01\x00"), 0x51, 0x9C)), Reason.MINIMALDATA)


@pytest.mark.parametrize("carrier", ["v0", "p2sh"])
def test_an_if_takes_one_or_nothing(carrier):
    spender = with_key(0x52, IF, 0x51, ELSE, 0x51, ENDIF, carrier=carrier)
    assert refused(judged(spender), Reason.MINIMALIF)


def test_an_uncompressed_key_in_segwit_is_refused():
    pub = public(KEY, compressed=False)
    run = scripts.p2pkh(hash160(pub))
    spender = Spender("p2wpkh", "key", run, lambda s: [s(KEY), pub], scripts.p2wpkh(run[3:23]))
    assert refused(judged(spender), Reason.KEY_ENCODING)


def test_an_uncompressed_key_before_segwit_holds():
    assert judged(p2pkh(KEY, compressed=False)).holds


def test_a_hybrid_key_is_refused():
    pub = public(KEY, compressed=False)
    pub = bytes([6 + (pub[-1] & 1)]) + pub[1:]
    run = scripts.p2pkh(hash160(pub))
    assert refused(
        judged(Spender("hybrid", "base", run, lambda s: [s(KEY), pub], run)), Reason.KEY_ENCODING
    )


def test_an_uncompressed_key_that_is_no_point_signs_nothing():
    pub = bytearray(public(KEY, compressed=False))
    pub[-1] ^= 2
    run = scripts.p2pkh(hash160(bytes(pub)))
    spender = Spender("off the curve", "base", run, lambda s: [s(KEY), bytes(pub)], run)
    assert refused(judged(spender), Reason.NULLFAIL)


def test_a_signature_too_many_among_right_ones_is_refused():
    # 1 of 2 with the wrong second signature where none belongs: NOTIF finds the first one.
    run = code(public(KEY), CHECKSIG, 0x7C, public(OTHER), CHECKSIG, 0x9B)
    right = carried("or_b", "v0", run, lambda s: [b"", s(KEY)])
    wrong = carried("or_b", "v0", run, lambda s: [s(KEY), s(KEY)])
    assert judged(right).holds
    assert judged(right).signers == (public(KEY),)
    assert refused(judged(wrong), Reason.NULLFAIL)


def test_a_script_that_holds_the_signature_it_checks_is_refused():
    fixed = b"\x30\x06\x02\x01\x01\x02\x01\x01\x01"
    run = code(fixed, DROP, public(KEY), CHECKSIG)
    assert refused(judged(carried("odd", "p2sh", run, lambda s: [fixed])), Reason.FIND_AND_DELETE)


def test_more_than_one_item_left_is_refused():
    assert refused(judged(with_key(0x51, 0x51)), Reason.CLEANSTACK)
    assert refused(judged(with_key(0x51, 0x51, carrier="p2sh")), Reason.CLEANSTACK)


# What cannot be judged


@pytest.mark.parametrize("opcode", [0xB0, 0xB3, 0xB9, 0x7E, 0x50, 0xBA, 0xFF, 0x78])
def test_a_word_outside_the_known_ones_is_not_judged(opcode):
    assert judged(with_key(0x00, IF, opcode, ENDIF, 0x51)).state is State.INCONCLUSIVE
    assert unjudged(judged(with_key(opcode, 0x51)), Reason.UNKNOWN_SCRIPT)


def test_what_cannot_be_judged_is_invalid_if_the_kernel_refuses_it():
    kernel = kernel_consensus()
    if kernel is None:
        pytest.skip("py-bitcoinkernel is absent")
    disabled, upgrade = with_key(0x7E, 0x51), with_key(0xB3, 0x51)
    assert judged(disabled).state is State.INCONCLUSIVE
    assert judged(disabled, consensus=kernel).state is State.INVALID
    assert Reason.KERNEL_REFUSES in judged(disabled, consensus=kernel).reasons
    assert unjudged(judged(upgrade, consensus=kernel), Reason.UNKNOWN_SCRIPT)


def test_a_second_judge_that_refuses_makes_a_proof_invalid():
    verdict = judged(p2wpkh(KEY), consensus=lambda transaction, spent: 0)
    assert verdict.state is State.INVALID
    (problem,) = verdict.problems
    assert (problem.reason, problem.position) == (Reason.KERNEL_REFUSES, 0)


@pytest.mark.parametrize("script", ["51024e73", "5220" + "11" * 32, "5114" + "22" * 20])
def test_witness_programs_without_rules_are_not_judged(script):
    raw = bytes.fromhex(script)
    answer = to_sign(to_spend(MESSAGE, raw), (b"\x01",))
    verdict = verify(write_full(answer.serialize()), script=raw, message=MESSAGE)
    assert unjudged(verdict, Reason.UNKNOWN_SCRIPT)


def test_taproot_inside_p2sh_has_no_rules():
    program = p2tr(KEY).script
    script = scripts.p2sh(hash160(program))
    answer = to_sign(to_spend(MESSAGE, script), (bytes(64),))
    wrapped = replace(answer.inputs[0], script_sig=push(program))
    text = write_full(replace(answer, inputs=(wrapped,)).serialize())
    assert unjudged(verify(text, script=script, message=MESSAGE), Reason.UNKNOWN_SCRIPT)


def test_an_annex_has_no_rules():
    answer = answered(p2tr(KEY), MESSAGE)
    source = answer.inputs[0]
    changed = replace(answer, inputs=(replace(source, witness=(*source.witness, b"\x50")),))
    assert unjudged(judged(p2tr(KEY), changed), Reason.UNKNOWN_SCRIPT)


def test_a_leaf_of_another_version_has_no_rules():
    import wallycore

    from khazana.bitcoin.hashes import tagged_hash

    run = code(public(KEY)[1:], CHECKSIG)
    root = tagged_hash("TapLeaf", b"\xc2" + bytes([len(run)]) + run)
    output = bytes(wallycore.ec_public_key_bip341_tweak(b"\x02" + signer.NUMS, root, 0))
    control = bytes([0xC2 | (output[0] & 1)]) + signer.NUMS
    script = scripts.p2tr(output[1:])
    answer = to_sign(to_spend(MESSAGE, script), (b"", run, control))
    verdict = verify(write_full(answer.serialize()), script=script, message=MESSAGE)
    assert unjudged(verdict, Reason.UNKNOWN_SCRIPT)


def test_a_key_of_unknown_length_in_a_tapscript_has_no_rules():
    run = code(public(KEY), CHECKSIG)
    assert unjudged(judged(leaf("odd", run, lambda s: [s(KEY)])), Reason.UNKNOWN_SCRIPT)


def test_a_script_that_needs_no_signature_proves_nothing():
    preimage = b"everybody knows it by now"
    run = code(0xA8, sha256(preimage), 0x87)
    verdict = judged(carried("hash lock", "v0", run, lambda s: [preimage]))
    assert unjudged(verdict, Reason.NO_SIGNATURE)


@pytest.mark.parametrize("version", [1, 3, 0xFFFF_FFFF])
def test_a_transaction_of_another_version_is_not_judged(version):
    verdict = judged(p2wpkh(KEY), answered(p2wpkh(KEY), MESSAGE, version=version))
    assert unjudged(verdict, Reason.UNKNOWN_VERSION)
    assert verdict.version == version


# Form


def test_a_p2sh_address_needs_a_full_signature():
    spender = wrapped_p2wpkh(KEY)
    answer = answered(spender, MESSAGE)
    verdict = verify(write_simple(answer.inputs[0].witness), script=spender.script, message=MESSAGE)
    assert refused(verdict, Reason.SIMPLE_NOT_ALLOWED)
    assert judged(spender).holds


@pytest.mark.parametrize(
    "outputs",
    [
        (),
        (TxOut(Sats(1), b"\x6a"),),
        (TxOut(Sats(0), b"\x6a\x00"),),
        (TxOut(Sats(0), b"\x6a"), TxOut(Sats(0), b"\x6a")),
    ],
)
def test_any_other_output_is_refused(outputs):
    answer = replace(answered(p2wpkh(KEY), MESSAGE), outputs=outputs)
    assert refused(judged(p2wpkh(KEY), answer), Reason.WRONG_FORM)


def test_a_question_put_second_is_refused():
    answer = answered(p2wpkh(KEY), MESSAGE)
    other = TxIn(OutPoint(Txid("11" * 32), 0), b"", 0)
    changed = replace(answer, inputs=(other, answer.inputs[0]))
    assert refused(judged(p2wpkh(KEY), changed), Reason.OTHER_MESSAGE)


def test_coins_in_a_full_signature_cannot_be_judged_without_the_chain():
    answer = answered(p2wpkh(KEY), MESSAGE)
    other = TxIn(OutPoint(Txid("11" * 32), 0), b"", 0)
    verdict = judged(p2wpkh(KEY), replace(answer, inputs=(*answer.inputs, other)))
    assert verdict.state is State.INCONCLUSIVE
    assert set(verdict.reasons) == {Reason.COINS_NOT_CHECKED, Reason.UNKNOWN_PREVOUT}


@pytest.mark.parametrize("spender", [p2wpkh(KEY), p2tr(KEY), multi([KEY, OTHER], [0])])
def test_native_segwit_with_a_script_signature_is_refused(spender):
    answer = answered(spender, MESSAGE)
    changed = replace(answer, inputs=(replace(answer.inputs[0], script_sig=b"\x51"),))
    assert refused(judged(spender, changed), Reason.MALLEATED)


def test_wrapped_segwit_with_more_in_its_script_signature_is_refused():
    spender = wrapped_p2wpkh(KEY)
    answer = answered(spender, MESSAGE)
    more = b"\x51" + answer.inputs[0].script_sig
    changed = replace(answer, inputs=(replace(answer.inputs[0], script_sig=more),))
    assert refused(judged(spender, changed), Reason.MALLEATED)


def test_a_witness_where_none_belongs_is_refused():
    answer = answered(p2pkh(KEY), MESSAGE)
    changed = replace(answer, inputs=(replace(answer.inputs[0], witness=(b"\x01",)),))
    assert refused(judged(p2pkh(KEY), changed), Reason.MALLEATED)


def test_a_p2sh_script_signature_that_does_more_than_push_is_refused():
    spender = multi([KEY, OTHER], [0], carrier="p2sh")
    answer = answered(spender, MESSAGE)
    changed = replace(
        answer,
        inputs=(replace(answer.inputs[0], script_sig=b"\x61" + answer.inputs[0].script_sig),),
    )
    assert refused(judged(spender, changed), Reason.MALLEATED)


def test_a_script_of_another_address_is_refused():
    spender = multi([KEY, OTHER], [0], carrier="p2sh")
    stranger = multi([secret("stranger")], [0], carrier="p2sh")
    answer = answered(spender, MESSAGE)
    theirs = stranger.signed(answer, 0, to_spend(MESSAGE, spender.script).outputs)
    verdict = judged(spender, replace(answer, inputs=(theirs,)))
    assert refused(verdict, Reason.SCRIPT_MISMATCH)


@pytest.mark.parametrize(
    "bend",
    [
        lambda c: c[:-1],
        lambda c: c + bytes(32),
        lambda c: c[:1] + bytes(32),
        lambda c: bytes([c[0] ^ 1]) + c[1:],
    ],
)
def test_a_control_block_of_another_tree_is_refused(bend):
    spender = signer.multi_a([KEY, OTHER], [0])
    answer = answered(spender, MESSAGE)
    *stack, control = answer.inputs[0].witness
    changed = replace(answer.inputs[0], witness=(*stack, bend(control)))
    verdict = judged(spender, replace(answer, inputs=(changed,)))
    assert refused(verdict, Reason.SCRIPT_MISMATCH)


# Limits


def test_limits_of_scripts_are_kept():
    too_many = with_key(*[0x61] * 201, 0x51)
    assert refused(judged(too_many), Reason.SCRIPT_LIMITS)
    assert judged(with_key(*[0x61] * 200, 0x51)).holds
    long = with_key(*[push(bytes(100)), DROP] * 100, 0x51)
    assert refused(judged(long), Reason.SCRIPT_LIMITS)
    big = with_key(push(bytes(521)), DROP, 0x51)
    assert refused(judged(big), Reason.SCRIPT_LIMITS)
    assert judged(with_key(push(bytes(520)), DROP, 0x51)).holds
    run = code(public(KEY), CHECKSIGVERIFY, 0x75, 0x51)
    item = carried("big item", "v0", run, lambda s: [bytes(521), s(KEY)])
    assert refused(judged(item), Reason.SCRIPT_LIMITS)


def test_a_tapscripts_signatures_are_limited_by_the_size_of_its_witness():
    def repeated(times: int) -> Spender:
        run = b"".join(code(0x76, public(KEY)[1:], CHECKSIGVERIFY) for _ in range(times))
        return leaf("repeated", run + code(public(KEY)[1:], CHECKSIG), lambda s: [s(KEY)])

    # Each repetition adds 35 bytes to the witness and costs 50.
    assert judged(repeated(6)).holds
    assert refused(judged(repeated(40)), Reason.SCRIPT_LIMITS)
    kernel = kernel_consensus()
    if kernel is not None:
        for times in range(40):
            alone, both = judged(repeated(times)), judged(repeated(times), consensus=kernel)
            assert alone.state is both.state


def test_a_stack_too_high_is_refused():
    spender = leaf(
        "high", code(public(KEY)[1:], CHECKSIGVERIFY, 0x51), lambda s: [*[b""] * 1_000, s(KEY)]
    )
    assert refused(judged(spender), Reason.SCRIPT_LIMITS)


# What a verdict says


def test_the_keys_that_signed_are_named_in_script_order():
    keys = [secret("q", n) for n in range(4)]
    verdict = judged(multi(keys, [1, 3]))
    assert verdict.signers == (public(keys[1]), public(keys[3]))
    assert judged(p2tr(KEY)).signers == (p2tr(KEY).script[2:],)
    taproot = judged(signer.multi_a(keys, [0, 2]))
    assert taproot.signers == (public(keys[0])[1:], public(keys[2])[1:])


def test_a_verdict_reads_as_a_sentence():
    heir = signer.multi_or_older([KEY, OTHER], secret("heir"), 52560, recover=True)
    assert str(judged(heir)) == "valid at time 0 and age 52560"
    assert str(judged(p2wpkh(KEY))) == "valid"
    wrong = verify("smpAA==", script=p2tr(KEY).script, message=MESSAGE)
    assert str(wrong) == "invalid: input 0: the witness is empty"


def test_an_address_of_another_network_is_the_callers_mistake():
    with pytest.raises(BadAddress):
        verify_address(
            "smpAA==",
            address="bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l",
            network=REGTEST,
            message=MESSAGE,
        )
    assert not verify_address(
        "smpAA==",
        address="bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l",
        network=MAINNET,
        message=MESSAGE,
    ).holds
