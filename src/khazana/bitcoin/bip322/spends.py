"""Judges whether an input satisfies the output it spends: our own judge, for every profile."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import wallycore

from khazana.bitcoin.bip322.machine import MAX_ELEMENT_SIZE, MAX_STACK, Flavour, Run, run_script
from khazana.bitcoin.bip322.numbers import truth_of
from khazana.bitcoin.bip322.opcodes import is_minimal_push
from khazana.bitcoin.bip322.signatures import SignatureChecker
from khazana.bitcoin.bip322.verdict import Reason, Refusal, beyond_judging
from khazana.bitcoin.hashes import hash160, sha256, tagged_hash
from khazana.bitcoin.reader import compact_size
from khazana.bitcoin.script import (
    OP_16,
    OP_EQUAL,
    OP_HASH160,
    instructions,
    p2pkh,
    witness_program,
)
from khazana.bitcoin.sighash import legacy_sighash, segwit_v0_sighash, taproot_sighash
from khazana.bitcoin.transaction import Transaction, TxOut

_ANNEX: Final = 0x50
_TAPSCRIPT: Final = 0xC0
_CONTROL_BASE, _CONTROL_NODE, _CONTROL_MOST = 33, 32, 128
_BUDGET_START = 50


@dataclass(frozen=True, slots=True)
class _Spend:
    transaction: Transaction
    position: int
    spent: Sequence[TxOut]

    @property
    def output(self) -> TxOut:
        return self.spent[self.position]

    @property
    def witness(self) -> tuple[bytes, ...]:
        return self.transaction.inputs[self.position].witness

    @property
    def script_sig(self) -> bytes:
        return self.transaction.inputs[self.position].script_sig


def judge_input(
    transaction: Transaction, position: int, spent: Sequence[TxOut]
) -> tuple[bytes, ...]:
    """The public keys that signed this input, in script order; raises Refusal.

    spent: the outputs that all inputs spend, in order. Never empty: a script that is satisfied
    without any signature says nothing about this message.
    """
    spend = _Spend(transaction, position, spent)
    program = witness_program(spend.output.script)
    if program is not None:
        if spend.script_sig:
            raise Refusal(Reason.MALLEATED, "a native segwit input has a script signature")
        signers = _witness(spend, *program, wrapped=False)
    else:
        signers = _before_segwit(spend)
    if not signers:
        raise beyond_judging(
            Reason.NO_SIGNATURE,
            "the script is satisfied without a signature, so nothing ties it to this message",
        )
    return tuple(signers)


def _before_segwit(spend: _Spend) -> list[bytes]:
    """Bare scripts, P2PKH and P2SH."""
    script = spend.output.script
    p2sh = len(script) == 23 and script[:2] == bytes([OP_HASH160, 20]) and script[22] == OP_EQUAL
    pushed = _pushes_of(spend.script_sig, p2sh=p2sh)
    stack = list(pushed)
    signers = _run_base(spend, script, stack)
    if not p2sh:
        _check_end(stack)
        _check_no_witness(spend)
        return signers
    if not stack or not truth_of(stack[-1]):
        raise Refusal(Reason.SCRIPT_MISMATCH, "the redeem script is not the one of this address")
    redeem = pushed.pop()
    program = witness_program(redeem)
    if program is not None:
        if spend.script_sig != bytes([len(redeem)]) + redeem:
            words = "a P2SH-wrapped segwit input has more in its script signature than its program"
            raise Refusal(Reason.MALLEATED, words)
        return _witness(spend, *program, wrapped=True)
    signers = _run_base(spend, redeem, pushed)
    _check_end(pushed)
    _check_no_witness(spend)
    return signers


def _run_base(spend: _Spend, script: bytes, stack: list[bytes]) -> list[bytes]:
    def digest(hash_type: int) -> bytes:
        return legacy_sighash(
            spend.transaction, spend.position, script_code=script, hash_type=hash_type
        )

    return _run(spend, Flavour.BASE, script, stack, SignatureChecker(digest))


def _witness(spend: _Spend, version: int, program: bytes, *, wrapped: bool) -> list[bytes]:
    if version == 0 and len(program) == 20:
        return _v0_key(spend, program)
    if version == 0 and len(program) == 32:
        return _v0_script(spend, program)
    if version == 0:
        words = f"a version 0 witness program of {len(program)} bytes can never be satisfied"
        raise Refusal(Reason.SCRIPT_FAILED, words)
    if version == 1 and len(program) == 32 and not wrapped:
        return _taproot(spend, program)
    raise beyond_judging(
        Reason.UNKNOWN_SCRIPT,
        f"witness version {version} with {len(program)} bytes"
        + (" inside P2SH" if wrapped else "")
        + " has no rules yet",
    )


def _v0_key(spend: _Spend, program: bytes) -> list[bytes]:
    if len(spend.witness) != 2:
        words = f"P2WPKH needs a signature and a key as witness, not {len(spend.witness)} items"
        raise Refusal(Reason.SCRIPT_MISMATCH, words)
    if hash160(spend.witness[1]) != program:
        raise Refusal(Reason.SCRIPT_MISMATCH, "the key in the witness is not the address's")
    return _run_v0(spend, p2pkh(program), list(spend.witness))


def _v0_script(spend: _Spend, program: bytes) -> list[bytes]:
    if not spend.witness:
        raise Refusal(Reason.SCRIPT_MISMATCH, "the witness is empty")
    *stack, script = spend.witness
    if sha256(script) != program:
        raise Refusal(Reason.SCRIPT_MISMATCH, "the script in the witness is not the address's")
    return _run_v0(spend, script, stack)


def _run_v0(spend: _Spend, script: bytes, stack: list[bytes]) -> list[bytes]:
    def digest(hash_type: int) -> bytes:
        return segwit_v0_sighash(
            spend.transaction,
            spend.position,
            script_code=script,
            amount=spend.output.amount,
            hash_type=hash_type,
        )

    _check_sizes(stack)
    signers = _run(spend, Flavour.V0, script, stack, SignatureChecker(digest))
    _check_end(stack)
    return signers


def _taproot(spend: _Spend, output_key: bytes) -> list[bytes]:
    """BIP-341: one item is a signature of the output key, more are a script and its place."""
    stack = list(spend.witness)
    if not stack:
        raise Refusal(Reason.SCRIPT_MISMATCH, "the witness is empty")
    if len(stack) >= 2 and stack[-1][:1] == bytes([_ANNEX]):
        raise beyond_judging(Reason.UNKNOWN_SCRIPT, "the witness has an annex, which has no rules")
    if len(stack) == 1:
        return _taproot_key(spend, output_key, stack[0])
    control, script = stack.pop(), stack.pop()
    leaf_version = _check_control(control, script, output_key)
    if leaf_version != _TAPSCRIPT:
        raise beyond_judging(
            Reason.UNKNOWN_SCRIPT, f"leaf version {leaf_version:#04x} has no rules yet"
        )
    if len(stack) > MAX_STACK:
        raise Refusal(Reason.SCRIPT_LIMITS, f"more than {MAX_STACK} items in the witness")
    _check_sizes(stack)
    leaf = _leaf_hash(leaf_version, script)

    def digest(hash_type: int) -> bytes:
        return taproot_sighash(
            spend.transaction,
            spend.position,
            spent=spend.spent,
            hash_type=hash_type,
            leaf_hash=leaf,
        )

    checker = SignatureChecker(digest)
    signers = _run(
        spend,
        Flavour.TAPSCRIPT,
        script,
        stack,
        checker,
        budget=_BUDGET_START + _witness_size(spend.witness),
    )
    _check_end(stack)
    return signers


def _taproot_key(spend: _Spend, output_key: bytes, signature: bytes) -> list[bytes]:
    def digest(hash_type: int) -> bytes:
        return taproot_sighash(
            spend.transaction, spend.position, spent=spend.spent, hash_type=hash_type
        )

    if not SignatureChecker(digest).schnorr(signature, output_key):
        words = "the signature was not made by the address's key for this message"
        raise Refusal(Reason.NULLFAIL, words)
    return [output_key]


def _check_control(control: bytes, script: bytes, output_key: bytes) -> int:
    """The leaf version, after checking that the script stands in the tree of the output key."""
    nodes, rest = divmod(len(control) - _CONTROL_BASE, _CONTROL_NODE)
    if not 0 <= nodes <= _CONTROL_MOST or rest:
        raise Refusal(Reason.SCRIPT_MISMATCH, "the control block has a length that none can have")
    leaf_version, node = control[0] & 0xFE, b""
    node = _leaf_hash(leaf_version, script)
    for start in range(_CONTROL_BASE, len(control), _CONTROL_NODE):
        pair = sorted((node, control[start : start + _CONTROL_NODE]))
        node = tagged_hash("TapBranch", b"".join(pair))
    try:
        tweaked = bytes(
            wallycore.ec_public_key_bip341_tweak(b"\x02" + control[1:_CONTROL_BASE], node, 0)
        )
    except ValueError:
        tweaked = b""
    # The first byte carries the parity of the output key, which the output itself leaves out.
    if tweaked != bytes([2 + (control[0] & 1)]) + output_key:
        raise Refusal(Reason.SCRIPT_MISMATCH, "the script is not in the tree of the address")
    return leaf_version


def _leaf_hash(leaf_version: int, script: bytes) -> bytes:
    return tagged_hash("TapLeaf", bytes([leaf_version]) + compact_size(len(script)) + script)


def _run(
    spend: _Spend,
    flavour: Flavour,
    script: bytes,
    stack: list[bytes],
    checker: SignatureChecker,
    *,
    budget: int = 0,
) -> list[bytes]:
    run_script(
        Run(flavour, script, stack, checker, spend.transaction, spend.position, budget=budget)
    )
    return checker.signers


def _pushes_of(script_sig: bytes, *, p2sh: bool) -> list[bytes]:
    """What a script signature puts on the stack; it may do nothing but push."""
    pushed: list[bytes] = []
    try:
        for step in instructions(script_sig):
            if step.opcode > OP_16 or (step.pushed is None and step.opcode == 0x50):
                words = "a script signature does more than push"
                if p2sh:
                    raise Refusal(Reason.MALLEATED, words)
                raise beyond_judging(Reason.UNKNOWN_SCRIPT, words)
            if step.pushed is None:
                value = step.opcode - 0x50
                pushed.append(bytes([value]) if value > 0 else b"\x81")
                continue
            if not is_minimal_push(step.opcode, step.pushed):
                words = "a script signature pushes bytes in a longer way than needed"
                raise Refusal(Reason.MINIMALDATA, words)
            pushed.append(step.pushed)
    except ValueError as problem:
        raise Refusal(Reason.MALFORMED, str(problem)) from None
    _check_sizes(pushed)
    return pushed


def _check_sizes(stack: Sequence[bytes]) -> None:
    if any(len(item) > MAX_ELEMENT_SIZE for item in stack):
        raise Refusal(Reason.SCRIPT_LIMITS, f"an item has more than {MAX_ELEMENT_SIZE} bytes")


def _check_end(stack: Sequence[bytes]) -> None:
    if not stack or not truth_of(stack[-1]):
        raise Refusal(Reason.SCRIPT_FAILED, "the script ends with false")
    if len(stack) > 1:
        raise Refusal(Reason.CLEANSTACK, "the script leaves more than one item behind")


def _check_no_witness(spend: _Spend) -> None:
    if spend.witness:
        raise Refusal(Reason.MALLEATED, "an input without segregated witness has one")


def _witness_size(witness: Sequence[bytes]) -> int:
    return len(compact_size(len(witness))) + sum(
        len(compact_size(len(item))) + len(item) for item in witness
    )
