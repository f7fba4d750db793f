"""Bitcoin Core's own script interpreter, as a judge of transactions that are in no chain.

Needs py-bitcoinkernel, which is no part of the base profile: import this module only where it may
be absent, or where the profile brings it. Pinned to 0.1.0a5.
"""

import ctypes
from collections.abc import Sequence
from typing import Any

import pbk
import pbk.capi.bindings as capi
from pbk.script import PrecomputedTransactionData

from khazana.bitcoin.transaction import TxOut


def first_bad_input(raw: bytes, spent: Sequence[TxOut]) -> int | None:
    """The first input whose script does not allow the spend, under all consensus flags.

    raw: the serialised transaction. spent: the outputs its inputs spend, in their order.
    None when every script is satisfied. A transaction the kernel cannot read fails at input 0.
    """
    try:
        transaction = pbk.Transaction._from_handle(kernel_object(capi.btck_transaction_create, raw))
    except (ValueError, RuntimeError):
        return 0
    scripts = [
        pbk.ScriptPubkey._from_handle(kernel_object(capi.btck_script_pubkey_create, output.script))
        for output in spent
    ]
    outputs = [
        pbk.TransactionOutput(script, output.amount)
        for script, output in zip(scripts, spent, strict=True)
    ]
    prepared = PrecomputedTransactionData(transaction, outputs)
    for position, (script, output) in enumerate(zip(scripts, spent, strict=True)):
        # A bad signature is a falsy answer, not an exception.
        if not script.verify(
            output.amount, transaction, prepared, position, pbk.ScriptVerificationFlags.ALL
        ):
            return position
    return None


def kernel_object(create: Any, raw: bytes) -> Any:
    """Create a kernel object from bytes with one copy instead of one conversion per byte."""
    # A zero-length ctypes array cannot be made from an empty buffer; one spare byte can.
    buffer = (ctypes.c_ubyte * max(len(raw), 1)).from_buffer_copy(raw or b"\x00")
    return create(buffer, len(raw))
