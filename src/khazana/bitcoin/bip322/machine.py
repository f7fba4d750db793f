"""Runs a script under BIP-322's strict rules: Bitcoin Core's interpreter, without its leniency.

Consensus lets much pass that BIP-322 forbids, so a script is run here even where Bitcoin Core's
own engine judges it as well. Every rule that is broken stops with its name.
"""

from dataclasses import dataclass, field
from enum import Enum

from khazana.bitcoin.bip322 import opcodes as op
from khazana.bitcoin.bip322.multisig import check_multisig, refuse_signature_in_script
from khazana.bitcoin.bip322.numbers import TRUE, number_of, truth_of, written
from khazana.bitcoin.bip322.opcodes import Step, is_minimal_push, steps_of
from khazana.bitcoin.bip322.signatures import (
    SignatureChecker,
    check_ecdsa_key,
    strict_ecdsa,
)
from khazana.bitcoin.bip322.timelocks import check_lock_time, check_sequence
from khazana.bitcoin.bip322.verdict import Reason, Refusal, beyond_judging
from khazana.bitcoin.hashes import hash160, ripemd160, sha256, sha256d
from khazana.bitcoin.script import MAX_SCRIPT_SIZE
from khazana.bitcoin.transaction import Transaction

MAX_ELEMENT_SIZE = 520
MAX_STACK = 1_000
_MAX_OPCODES = 201
_SIGNATURE_COST = 50
"""What a signature costs of a tapscript's budget, in bytes of witness (BIP-342)."""
_LOCK_BYTES = 5
_ARITHMETIC_BYTES = 4


class Flavour(Enum):
    """Which rules a script runs under."""

    BASE = "before segregated witness"
    V0 = "witness version 0"
    TAPSCRIPT = "tapscript"


@dataclass(slots=True)
class Run:
    """One script being run: its stacks, its branches, and what it may ask of the transaction.

    script: the bytes being run, which signatures before segregated witness must not stand in.
    budget: what a tapscript's signatures may still cost.
    """

    flavour: Flavour
    script: bytes
    stack: list[bytes]
    checker: SignatureChecker
    transaction: Transaction
    position: int
    budget: int = 0
    alt: list[bytes] = field(default_factory=list)
    branches: list[bool] = field(default_factory=list)
    counted: int = 0

    def pop(self) -> bytes:
        if not self.stack:
            raise Refusal(Reason.SCRIPT_FAILED, "the script finds too little on its stack")
        return self.stack.pop()

    def pop_number(self) -> int:
        return number_of(self.pop(), longest=_ARITHMETIC_BYTES)


def run_script(run: Run) -> None:
    """Run to the end; the stack then says whether the spend is allowed."""
    strict_size = run.flavour is not Flavour.TAPSCRIPT
    if strict_size and len(run.script) > MAX_SCRIPT_SIZE:
        raise Refusal(Reason.SCRIPT_LIMITS, f"a script of {len(run.script)} bytes is too long")
    for step in steps_of(run.script, tapscript=run.flavour is Flavour.TAPSCRIPT):
        if strict_size and step[0] > op.SIXTEEN:
            _count(run, 1)
        _take(run, step)
        if len(run.stack) + len(run.alt) > MAX_STACK:
            raise Refusal(Reason.SCRIPT_LIMITS, f"more than {MAX_STACK} items on the stack")
    if run.branches:
        raise Refusal(Reason.SCRIPT_FAILED, "an IF has no ENDIF")


def _count(run: Run, operations: int) -> None:
    run.counted += operations
    if run.counted > _MAX_OPCODES:
        raise Refusal(Reason.SCRIPT_LIMITS, f"more than {_MAX_OPCODES} operations in a script")


def _take(run: Run, step: Step) -> None:
    opcode, data = step
    if data is not None and len(data) > MAX_ELEMENT_SIZE:
        raise Refusal(Reason.SCRIPT_LIMITS, f"a push of {len(data)} bytes is too long")
    if op.IF <= opcode <= op.ENDIF:
        _branch(run, opcode)
        return
    if run.branches and not all(run.branches):
        return
    if data is not None:
        if not is_minimal_push(opcode, data):
            raise Refusal(Reason.MINIMALDATA, "a script pushes bytes in a longer way than needed")
        run.stack.append(data)
    elif opcode <= op.SIXTEEN:
        run.stack.append(written(opcode - op.ONE + 1 if opcode >= op.ONE else -1))
    elif opcode in _SIGNING:
        _SIGNING[opcode](run)
    else:
        _plain(run, opcode)


def _branch(run: Run, opcode: int) -> None:
    if opcode in (op.IF, op.NOTIF):
        taken = False
        if all(run.branches):
            condition = run.pop()
            # BIP-322 asks for MINIMALIF everywhere, Bitcoin Core only from segregated witness on.
            if condition not in (b"", TRUE):
                raise Refusal(Reason.MINIMALIF, "an IF is given something other than 1 or nothing")
            taken = bool(condition) is (opcode == op.IF)
        run.branches.append(taken)
    elif not run.branches:
        raise Refusal(Reason.SCRIPT_FAILED, "an ELSE or ENDIF has no IF")
    elif opcode == op.ELSE:
        run.branches[-1] = not run.branches[-1]
    else:
        run.branches.pop()


def _plain(run: Run, opcode: int) -> None:
    """What neither signs nor branches."""
    stack = run.stack
    match opcode:
        case op.NOP:
            pass
        case op.VERIFY:
            _require(truth_of(run.pop()), "a VERIFY finds false")
        case op.RETURN:
            raise Refusal(Reason.SCRIPT_FAILED, "the script reaches OP_RETURN")
        case op.TOALTSTACK:
            run.alt.append(run.pop())
        case op.FROMALTSTACK:
            _require(bool(run.alt), "the script finds too little on its second stack")
            stack.append(run.alt.pop())
        case op.TWO_DROP:
            run.pop()
            run.pop()
        case op.IFDUP:
            top = run.pop()
            stack += [top, top] if truth_of(top) else [top]
        case op.DROP:
            run.pop()
        case op.DUP:
            top = run.pop()
            stack += [top, top]
        case op.SWAP:
            last, before = run.pop(), run.pop()
            stack += [last, before]
        case op.SIZE:
            top = run.pop()
            stack += [top, written(len(top))]
        case op.EQUAL:
            stack.append(TRUE if run.pop() == run.pop() else b"")
        case op.EQUALVERIFY:
            _require(run.pop() == run.pop(), "two values that must be equal are not")
        case op.NOT:
            stack.append(written(int(run.pop_number() == 0)))
        case op.ZERO_NOTEQUAL:
            stack.append(written(int(run.pop_number() != 0)))
        case op.ADD:
            stack.append(written(run.pop_number() + run.pop_number()))
        case op.BOOLAND | op.BOOLOR | op.NUMEQUAL | op.NUMEQUALVERIFY:
            b, a = run.pop_number(), run.pop_number()
            answer = {op.BOOLAND: bool(a and b), op.BOOLOR: bool(a or b)}.get(opcode, a == b)
            if opcode == op.NUMEQUALVERIFY:
                _require(answer, "two numbers that must be equal are not")
            else:
                stack.append(written(int(answer)))
        case op.RIPEMD160:
            stack.append(ripemd160(run.pop()))
        case op.SHA256:
            stack.append(sha256(run.pop()))
        case op.HASH160:
            stack.append(hash160(run.pop()))
        case op.HASH256:
            stack.append(sha256d(run.pop()))
        case op.CHECKLOCKTIMEVERIFY:
            check_lock_time(_lock(run), run.transaction, run.position)
        case op.CHECKSEQUENCEVERIFY:
            check_sequence(_lock(run), run.transaction, run.position)
        case _:
            raise ValueError(f"opcode {opcode:#04x} is known but not run")


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise Refusal(Reason.SCRIPT_FAILED, otherwise)


def _lock(run: Run) -> int:
    """The number that a time lock finds and leaves where it is."""
    top = run.pop()
    run.stack.append(top)
    return number_of(top, longest=_LOCK_BYTES)


def _checksig(run: Run) -> None:
    key, signature = run.pop(), run.pop()
    run.stack.append(TRUE if _signed(run, signature, key) else b"")


def _checksigverify(run: Run) -> None:
    key, signature = run.pop(), run.pop()
    _require(_signed(run, signature, key), "a signature that must be there is missing")


def _checksigadd(run: Run) -> None:
    key, number, signature = run.pop(), run.pop_number(), run.pop()
    run.stack.append(written(number + _signed(run, signature, key)))


def _checkmultisig(run: Run) -> None:
    if run.flavour is Flavour.TAPSCRIPT:
        raise Refusal(Reason.SCRIPT_FAILED, "a tapscript uses OP_CHECKMULTISIG")
    _count(run, check_multisig(run.stack, run.checker, run.script, v0=run.flavour is Flavour.V0))


def _checkmultisigverify(run: Run) -> None:
    _checkmultisig(run)
    _require(truth_of(run.pop()), "signatures of a multisig that must be there are missing")


_SIGNING = {
    op.CHECKSIG: _checksig,
    op.CHECKSIGVERIFY: _checksigverify,
    op.CHECKSIGADD: _checksigadd,
    op.CHECKMULTISIG: _checkmultisig,
    op.CHECKMULTISIGVERIFY: _checkmultisigverify,
}


def _signed(run: Run, signature: bytes, key: bytes) -> bool:
    """Whether the key signed; an absent signature is no, a wrong one breaks a rule."""
    if run.flavour is Flavour.TAPSCRIPT:
        return _signed_taproot(run, signature, key)
    if run.flavour is Flavour.BASE:
        refuse_signature_in_script(run.script, signature)
    compact = strict_ecdsa(signature) if signature else b""
    check_ecdsa_key(key, compressed=run.flavour is Flavour.V0)
    if not signature:
        return False
    if not run.checker.ecdsa(compact, key):
        raise Refusal(Reason.NULLFAIL, "a signature was not made by its key for this message")
    run.checker.signers.append(key)
    return True


def _signed_taproot(run: Run, signature: bytes, key: bytes) -> bool:
    if signature:
        run.budget -= _SIGNATURE_COST
        if run.budget < 0:
            raise Refusal(Reason.SCRIPT_LIMITS, "more signatures than a witness of this size pays")
    if not key:
        raise Refusal(Reason.SCRIPT_FAILED, "a signature is asked of an empty key")
    if len(key) != 32:
        raise beyond_judging(Reason.UNKNOWN_SCRIPT, f"a key of {len(key)} bytes has no rules yet")
    if not signature:
        return False
    if not run.checker.schnorr(signature, key):
        raise Refusal(Reason.NULLFAIL, "a signature was not made by its key for this message")
    run.checker.signers.append(key)
    return True
