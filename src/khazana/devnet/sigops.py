"""Signature operations of a transaction: consensus limits their sum in a block.

A template that exceeds the limit would be refused by the engine, so the mempool counts them.
"""

from collections.abc import Sequence

from khazana.bitcoin.script import (
    MAX_MULTISIG_KEYS,
    OP_1,
    OP_16,
    OP_CHECKMULTISIG,
    OP_CHECKSIG,
    Instruction,
    ScriptKind,
    classify,
    instructions,
)
from khazana.bitcoin.transaction import Transaction, TxIn, TxOut

MAX_BLOCK_SIGOPS_COST = 80_000
MAX_TRANSACTION_SIGOPS_COST = MAX_BLOCK_SIGOPS_COST // 5
"""Bitcoin Core's policy: no single transaction may use up a block's signature operations."""

_WITNESS_SCALE = 4
_OP_CHECKSIGVERIFY = OP_CHECKSIG + 1
_OP_CHECKMULTISIGVERIFY = OP_CHECKMULTISIG + 1


def sigops_cost(transaction: Transaction, spent: Sequence[TxOut]) -> int:
    """Core's `GetTransactionSigOpCost`: legacy and P2SH operations × 4, witness ones × 1.

    spent: the outputs that the inputs spend, in their order; empty for a coinbase.
    """
    legacy = sum(_count(i.script_sig) for i in transaction.inputs)
    legacy += sum(_count(o.script) for o in transaction.outputs)
    cost = legacy * _WITNESS_SCALE
    for source, output in zip(transaction.inputs, spent, strict=False):
        cost += _spending_cost(source, output)
    return cost


def _spending_cost(source: TxIn, output: TxOut) -> int:
    kind = classify(output.script).kind
    cost, program = 0, output.script
    if kind is ScriptKind.P2SH:
        program = _last_push(source.script_sig)
        cost = _count(program, exact=True) * _WITNESS_SCALE
        kind = classify(program).kind
    if kind is ScriptKind.P2WPKH:
        cost += 1
    elif kind is ScriptKind.P2WSH and source.witness:
        cost += _count(source.witness[-1], exact=True)
    return cost


def _count(script: bytes, *, exact: bool = False) -> int:
    """Operations in a script; a multisig counts its keys when exact, else twenty."""
    total = 0
    previous: Instruction | None = None
    try:
        for step in instructions(script):
            if step.opcode in (OP_CHECKSIG, _OP_CHECKSIGVERIFY):
                total += 1
            elif step.opcode in (OP_CHECKMULTISIG, _OP_CHECKMULTISIGVERIFY):
                if exact and previous is not None and OP_1 <= previous.opcode <= OP_16:
                    total += previous.opcode - OP_1 + 1
                else:
                    total += MAX_MULTISIG_KEYS
            previous = step
    except ValueError:
        pass  # as Core does: what stands before a broken push counts
    return total


def _last_push(script_sig: bytes) -> bytes:
    pushed = b""
    try:
        for step in instructions(script_sig):
            if step.opcode > OP_16:
                return b""
            pushed = step.pushed or b""
    except ValueError:
        return b""
    return pushed
