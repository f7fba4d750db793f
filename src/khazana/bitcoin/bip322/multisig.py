"""OP_CHECKMULTISIG under the strict rules: every signature given belongs to a key, in order."""

from khazana.bitcoin.bip322.numbers import TRUE, number_of
from khazana.bitcoin.bip322.signatures import SignatureChecker, check_ecdsa_key, strict_ecdsa
from khazana.bitcoin.bip322.verdict import Reason, Refusal
from khazana.bitcoin.script import MAX_MULTISIG_KEYS, instructions


def check_multisig(
    stack: list[bytes], checker: SignatureChecker, script: bytes, *, v0: bool
) -> int:
    """Replace  dummy sig... m key... n  on the stack by true or false; gives n.

    As in Bitcoin Core, signatures and keys are compared from the last to the first, and only what
    is compared is looked at. Fewer than m right ones with any signature present is invalid.
    """
    total = _small(stack, MAX_MULTISIG_KEYS, "keys")
    keys = _popped(stack, total)
    required = _small(stack, total, "signatures")
    signatures = _popped(stack, required)
    if not v0:
        for signature in signatures:
            refuse_signature_in_script(script, signature)
    holders = _holders(checker, signatures, keys, v0=v0)
    (dummy,) = _popped(stack, 1)
    if holders is None and any(signatures):
        words = "a signature of the multisig was made by none of its keys, or they are out of order"
        raise Refusal(Reason.NULLFAIL, words)
    if dummy:
        raise Refusal(Reason.NULLDUMMY, "the unused first item of a multisig is not empty")
    checker.signers += holders or []
    stack.append(b"" if holders is None else TRUE)
    return total


def refuse_signature_in_script(script: bytes, signature: bytes) -> None:
    """FindAndDelete would change the script that is signed: BIP-322 forbids its use."""
    if signature and any(step.pushed == signature for step in instructions(script)):
        raise Refusal(Reason.FIND_AND_DELETE, "a script contains the signature it checks")


def _holders(
    checker: SignatureChecker, signatures: list[bytes], keys: list[bytes], *, v0: bool
) -> list[bytes] | None:
    """The key of each signature in script order, None when some signature finds none."""
    found: list[bytes] = []
    left = len(signatures)
    compact: bytes | None = None
    for place in range(len(keys), 0, -1):
        if left == 0:
            break
        if left > place:
            return None
        signature, key = signatures[left - 1], keys[place - 1]
        if compact is None:
            compact = strict_ecdsa(signature) if signature else b""
        check_ecdsa_key(key, compressed=v0)
        if signature and checker.ecdsa(compact, key):
            found.insert(0, key)
            left -= 1
            compact = None
    return None if left else found


def _small(stack: list[bytes], most: int, what: str) -> int:
    (item,) = _popped(stack, 1)
    count = number_of(item, longest=4)
    if not 0 <= count <= most:
        raise Refusal(Reason.SCRIPT_FAILED, f"a multisig cannot have {count} {what} here")
    return count


def _popped(stack: list[bytes], count: int) -> list[bytes]:
    if len(stack) < count:
        raise Refusal(Reason.SCRIPT_FAILED, "a multisig finds too little on its stack")
    taken = stack[len(stack) - count :]
    del stack[len(stack) - count :]
    return taken
