"""The two virtual transactions of a signed message: `to_spend` poses it, `to_sign` answers."""

from khazana.bitcoin.bip322.verdict import Reason, Refusal
from khazana.bitcoin.hashes import tagged_hash
from khazana.bitcoin.script import OP_0, OP_RETURN
from khazana.bitcoin.transaction import (
    COINBASE_VOUT,
    NULL_TXID,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
)
from khazana.units import MAX_MONEY, Sats

_TAG = "BIP0322-signed-message"
_OUTPUTS = (TxOut(Sats(0), bytes([OP_RETURN])),)
_NOWHERE = OutPoint(NULL_TXID, COINBASE_VOUT)
MAX_TRANSACTION_SIZE = 1_000_000
"""Bytes without witnesses: four weight units each, at most 4,000,000 in a block (BIP-141)."""


def message_hash(message: bytes) -> bytes:
    """What `to_spend` holds of the message, 32 bytes (BIP-322, "Full").

    >>> message_hash(b"Hello World").hex()[:16]
    'f0eb03b1a75ac6d9'
    """
    return tagged_hash(_TAG, message)


def to_spend(message: bytes, script: bytes) -> Transaction:
    """The transaction that poses `message` to whoever can satisfy the output script `script`.

    Its only input spends an output that cannot exist, so it can never enter a block.
    """
    challenge = bytes([OP_0, 32]) + message_hash(message)
    return Transaction(0, (TxIn(_NOWHERE, challenge, 0),), (TxOut(Sats(0), script),), 0)


def to_sign(posed: Transaction, witness: tuple[bytes, ...] = ()) -> Transaction:
    """The answer as a *simple* signature means it: version, lock time and sequence 0."""
    return Transaction(0, (TxIn(posed.outpoint(0), b"", 0, witness),), _OUTPUTS, 0)


def check_form(answer: Transaction, posed: Transaction) -> None:
    """Refuse a `to_sign` that does not answer `posed` or is not shaped as BIP-322 fixes it."""
    if not answer.inputs:
        raise Refusal(Reason.WRONG_FORM, "to_sign has no input")
    first = answer.inputs[0].outpoint
    if first != posed.outpoint(0):
        words = f"the first input spends {first}; this message and address need {posed.outpoint(0)}"
        raise Refusal(Reason.OTHER_MESSAGE, words)
    if answer.outputs != _OUTPUTS:
        words = "to_sign must have one output, of 0 satoshi to a bare OP_RETURN"
        raise Refusal(Reason.WRONG_FORM, words)
    # Consensus on transactions alone (Bitcoin Core, consensus/tx_check.cpp).
    outpoints = [i.outpoint for i in answer.inputs]
    if len(set(outpoints)) != len(outpoints):
        raise Refusal(Reason.WRONG_FORM, "two inputs of to_sign spend the same output")
    if _NOWHERE in outpoints:
        raise Refusal(Reason.WRONG_FORM, "an input of to_sign spends the null output")
    if len(answer.serialize(witness=False)) > MAX_TRANSACTION_SIZE:
        raise Refusal(Reason.WRONG_FORM, "to_sign is larger than a block")


def check_amount(spent: TxOut) -> None:
    """Refuse an amount that no output can hold."""
    if not 0 <= spent.amount <= MAX_MONEY:
        raise Refusal(Reason.WRONG_FORM, f"no output can hold {spent.amount} satoshi")
