"""The words of Script that are judged here: those of keys, multisig, P2PKH and miniscript.

A script with any other word is not judged: such words are disabled, reserved for upgrades or in
no use for holding coins, and a rule that nobody tested is worse than "inconclusive".
"""

from khazana.bitcoin.bip322.verdict import Reason, Refusal, beyond_judging
from khazana.bitcoin.script import OP_CODESEPARATOR, OP_PUSHDATA4, instructions

PUSHDATA1, PUSHDATA2 = 0x4C, 0x4D
ONE_NEGATE, ONE, SIXTEEN = 0x4F, 0x51, 0x60
NOP, IF, NOTIF, ELSE, ENDIF, VERIFY, RETURN = 0x61, 0x63, 0x64, 0x67, 0x68, 0x69, 0x6A
TOALTSTACK, FROMALTSTACK, TWO_DROP, IFDUP = 0x6B, 0x6C, 0x6D, 0x73
DROP, DUP, SWAP, SIZE = 0x75, 0x76, 0x7C, 0x82
EQUAL, EQUALVERIFY, NOT, ZERO_NOTEQUAL, ADD = 0x87, 0x88, 0x91, 0x92, 0x93
BOOLAND, BOOLOR, NUMEQUAL, NUMEQUALVERIFY = 0x9A, 0x9B, 0x9C, 0x9D
RIPEMD160, SHA256, HASH160, HASH256 = 0xA6, 0xA8, 0xA9, 0xAA
CHECKSIG, CHECKSIGVERIFY, CHECKMULTISIG, CHECKMULTISIGVERIFY = 0xAC, 0xAD, 0xAE, 0xAF
CHECKLOCKTIMEVERIFY, CHECKSEQUENCEVERIFY, CHECKSIGADD = 0xB1, 0xB2, 0xBA

_EVERYWHERE = frozenset((
    ONE_NEGATE, *range(ONE, SIXTEEN + 1), NOP, IF, NOTIF, ELSE, ENDIF, VERIFY, RETURN,
    TOALTSTACK, FROMALTSTACK, TWO_DROP, IFDUP, DROP, DUP, SWAP, SIZE,
    EQUAL, EQUALVERIFY, NOT, ZERO_NOTEQUAL, ADD, BOOLAND, BOOLOR, NUMEQUAL, NUMEQUALVERIFY,
    RIPEMD160, SHA256, HASH160, HASH256, CHECKSIG, CHECKSIGVERIFY,
    CHECKMULTISIG, CHECKMULTISIGVERIFY, CHECKLOCKTIMEVERIFY, CHECKSEQUENCEVERIFY,
))  # fmt: skip
_KNOWN = {False: _EVERYWHERE, True: _EVERYWHERE | {CHECKSIGADD}}

Step = tuple[int, bytes | None]
"""An opcode and the bytes it pushes, None if it pushes none of its own."""


def steps_of(script: bytes, *, tapscript: bool) -> list[Step]:
    """The steps of a script, every one of them known; refuses CODESEPARATOR wherever it stands."""
    steps: list[Step] = []
    known = _KNOWN[tapscript]
    try:
        for step in instructions(script):
            if step.opcode > OP_PUSHDATA4 and step.opcode not in known:
                if step.opcode == OP_CODESEPARATOR:
                    raise Refusal(Reason.CODESEPARATOR, "a script uses OP_CODESEPARATOR")
                raise beyond_judging(
                    Reason.UNKNOWN_SCRIPT, f"a script uses opcode {step.opcode:#04x}, not judged"
                )
            steps.append((step.opcode, step.pushed))
    except ValueError as problem:
        raise Refusal(Reason.SCRIPT_FAILED, str(problem)) from None
    return steps


def is_minimal_push(opcode: int, data: bytes) -> bool:
    """Whether there is no shorter way to push these bytes (BIP-62, rule 3)."""
    size = len(data)
    if size == 0:
        return opcode == 0
    if size == 1 and (1 <= data[0] <= 16 or data[0] == 0x81):
        return False  # a number of its own opcode
    if size < PUSHDATA1:
        return opcode == size
    return opcode == (PUSHDATA1 if size <= 0xFF else PUSHDATA2)
