"""Time locks in scripts: BIP-65 and BIP-112, asked of the transaction alone."""

from khazana.bitcoin.bip322.verdict import Reason, Refusal
from khazana.bitcoin.transaction import Transaction

FINAL = 0xFFFF_FFFF
DISABLED = 1 << 31
"""A sequence with this bit says nothing about age (BIP-68)."""
_TIME_BASED = 1 << 22
_COUNTED = _TIME_BASED | 0xFFFF
_FIRST_UNIX_TIME = 500_000_000
"""From here on a lock time is a time, below it a height (Bitcoin Core, LOCKTIME_THRESHOLD)."""


def check_lock_time(wanted: int, transaction: Transaction, position: int) -> None:
    """OP_CHECKLOCKTIMEVERIFY (BIP-65)."""
    actual = transaction.lock_time
    if wanted < 0:
        raise _not_met("a lock time is negative")
    if (wanted < _FIRST_UNIX_TIME) != (actual < _FIRST_UNIX_TIME):
        raise _not_met("the script locks by height and to_sign by time, or vice versa")
    if wanted > actual:
        raise _not_met(f"the script is locked until {wanted}, to_sign's lock time is {actual}")
    if transaction.inputs[position].sequence == FINAL:
        raise _not_met("the script is locked, but the input's sequence switches lock times off")


def check_sequence(wanted: int, transaction: Transaction, position: int) -> None:
    """OP_CHECKSEQUENCEVERIFY (BIP-112)."""
    if wanted < 0:
        raise _not_met("an age is negative")
    if wanted & DISABLED:
        return
    actual = transaction.inputs[position].sequence
    if transaction.version < 2:
        raise _not_met("the script asks for an age; to_sign must be version 2 to have one")
    if actual & DISABLED:
        raise _not_met("the script asks for an age, but the input's sequence switches ages off")
    asked, given = wanted & _COUNTED, actual & _COUNTED
    if (asked < _TIME_BASED) != (given < _TIME_BASED):
        raise _not_met(
            "the script asks for an age in blocks and to_sign counts time, or vice versa"
        )
    if asked > given:
        raise _not_met(f"the script asks for an age of {asked}, to_sign's is {given}")


def asks_for_age(version: int, sequence: int) -> bool:
    """Whether a coin must have some age before a transaction can spend it so (BIP-68)."""
    return version >= 2 and not sequence & DISABLED and bool(sequence & 0xFFFF)


def _not_met(words: str) -> Refusal:
    return Refusal(Reason.LOCK_NOT_MET, words)
