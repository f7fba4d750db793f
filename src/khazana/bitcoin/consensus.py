"""Rules every transaction must keep whatever the chain looks like (Bitcoin Core's tx_check.cpp)."""

from dataclasses import dataclass

from khazana.bitcoin.transaction import COINBASE_VOUT, NULL_TXID, OutPoint, Transaction
from khazana.units import MAX_MONEY

MAX_BLOCK_WEIGHT = 4_000_000
"""Weight units (BIP-141)."""

WITNESS_SCALE = 4
"""Weight of a byte outside the witness; a byte of witness weighs 1."""

_NULL_OUTPOINT = OutPoint(NULL_TXID, COINBASE_VOUT)
_COINBASE_SCRIPT_SIZE = range(2, 101)


@dataclass(frozen=True, slots=True)
class TransactionFinding:
    """What makes a transaction invalid everywhere. code: the reason as Bitcoin Core names it."""

    code: str
    problem: str

    def __str__(self) -> str:
        return f"{self.code}: {self.problem}"


def check_transaction(transaction: Transaction) -> tuple[TransactionFinding, ...]:
    """Everything that is wrong with a transaction by itself; nothing when it may be valid."""
    findings = []
    if not transaction.inputs:
        findings.append(TransactionFinding("bad-txns-vin-empty", "it has no inputs"))
    if not transaction.outputs:
        findings.append(TransactionFinding("bad-txns-vout-empty", "it has no outputs"))
    size = len(transaction.serialize(witness=False))
    if size * WITNESS_SCALE > MAX_BLOCK_WEIGHT:
        findings.append(TransactionFinding("bad-txns-oversize", f"{size} bytes fit in no block"))
    return (*findings, *_check_amounts(transaction), *_check_inputs(transaction))


def weight_of(transaction: Transaction) -> int:
    """Weight units: three times the size without witness plus the whole size (BIP-141)."""
    stripped = len(transaction.serialize(witness=False))
    return stripped * (WITNESS_SCALE - 1) + len(transaction.serialize())


def virtual_size_of(transaction: Transaction) -> int:
    """Virtual bytes: a quarter of the weight, rounded up (BIP-141)."""
    return -(-weight_of(transaction) // WITNESS_SCALE)


def _check_amounts(transaction: Transaction) -> list[TransactionFinding]:
    findings = []
    for vout, output in enumerate(transaction.outputs):
        if output.amount < 0:
            problem = f"output {vout} holds {output.amount} sat"
            findings.append(TransactionFinding("bad-txns-vout-negative", problem))
        elif output.amount > MAX_MONEY:
            problem = f"output {vout} holds {output.amount} sat, more than will ever exist"
            findings.append(TransactionFinding("bad-txns-vout-toolarge", problem))
    total = sum(output.amount for output in transaction.outputs)
    if not findings and total > MAX_MONEY:
        problem = f"outputs sum to {total} sat, more than will ever exist"
        findings.append(TransactionFinding("bad-txns-txouttotal-toolarge", problem))
    return findings


def _check_inputs(transaction: Transaction) -> list[TransactionFinding]:
    if transaction.is_coinbase:
        size = len(transaction.inputs[0].script_sig)
        if size in _COINBASE_SCRIPT_SIZE:
            return []
        problem = f"the coinbase script has {size} bytes, 2 to 100 are allowed"
        return [TransactionFinding("bad-cb-length", problem)]
    findings = []
    seen: set[OutPoint] = set()
    for position, spent in enumerate(transaction.inputs):
        # CVE-2018-17144: one coin must not be spent twice by one transaction.
        if spent.outpoint in seen:
            problem = f"input {position} spends {spent.outpoint} a second time"
            findings.append(TransactionFinding("bad-txns-inputs-duplicate", problem))
        elif spent.outpoint == _NULL_OUTPOINT:
            problem = f"input {position} spends nothing, yet this is no coinbase"
            findings.append(TransactionFinding("bad-txns-prevout-null", problem))
        seen.add(spent.outpoint)
    return findings
