"""What a transaction must satisfy to wait for a block: consensus first, then a node's fee rules.

Reasons carry the names Bitcoin Core gives them, so that wallets react as they would to a node.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from khazana.bitcoin.kernel_scripts import first_bad_input
from khazana.bitcoin.network import COINBASE_MATURITY
from khazana.bitcoin.standardness import MAX_TRANSACTION_WEIGHT
from khazana.bitcoin.standardness import dust_limit as dust_limit
from khazana.bitcoin.transaction import NULL_TXID, OutPoint, Transaction, TxOut
from khazana.devnet.index import ChainIndex
from khazana.devnet.locks import is_final, sequence_locks_hold
from khazana.devnet.sigops import MAX_TRANSACTION_SIGOPS_COST, sigops_cost
from khazana.errors import KhazanaError
from khazana.units import MAX_MONEY, Height, Sats

MIN_RELAY_SAT_PER_KVB = 1_000
"""The lowest fee rate the mempool takes: 1 satoshi per virtual byte."""

_SMALLEST_TRANSACTION = 65  # bytes without witness; 64 could pass for an inner Merkle node


@dataclass(eq=False, kw_only=True)
class TransactionRefused(KhazanaError):
    """A transaction may not wait in the mempool.

    reason: Bitcoin Core's name for it. detail: what exactly, in words.
    """

    txid: str
    reason: str
    detail: str
    code = "transaction_refused"
    words = "Transaction {txid} is refused: {reason} ({detail})."

    @property
    def rpc_code(self) -> int:
        """The error number of Bitcoin Core's sendrawtransaction for this refusal."""
        if self.reason == "txn-already-known":
            return -27
        return -25 if self.reason == "bad-txns-inputs-missingorspent" else -26


@dataclass(frozen=True, slots=True)
class Appraisal:
    """What a transaction costs and takes up.

    vsize: virtual bytes, weight / 4 rounded up, or more for many signature operations.
    spent: the outputs its inputs spend, in their order.
    """

    fee: Sats
    weight: int
    vsize: int
    sigops_cost: int
    spent: tuple[TxOut, ...]


Unconfirmed = Callable[[OutPoint], TxOut | None]
"""Looks up an output of a transaction that itself waits in the mempool."""


def weight_of(transaction: Transaction) -> int:
    """BIP-141 weight units: bytes without witness × 3 + all bytes."""
    full = len(transaction.serialize())
    stripped = len(transaction.serialize(witness=False)) if transaction.has_witness else full
    return 3 * stripped + full


def relay_fee(vsize: int) -> Sats:
    """The fee at the lowest rate, rounded up."""
    return Sats(-(-vsize * MIN_RELAY_SAT_PER_KVB // 1_000))


def appraise(
    transaction: Transaction,
    index: ChainIndex,
    unconfirmed: Unconfirmed,
    *,
    scripts_known_good: bool = False,
) -> Appraisal:
    """Check everything about a transaction that does not depend on what else waits.

    scripts_known_good: the scripts were run before against the same coins (a returning one).
    Raises `TransactionRefused`.
    """
    weight = weight_of(transaction)
    _check_form(transaction, weight)
    tip = index.tip
    next_height = Height(tip.height + 1)
    if not is_final(transaction, height=next_height, median_time=index.median_time):
        raise refused(
            transaction,
            "non-final",
            f"lock time {transaction.lock_time}; the next block is {next_height}, "
            f"median time {index.median_time}",
        )
    if index.placed(transaction.txid) is not None:
        raise refused(transaction, "txn-already-known", "it is in a block of the active chain")
    spent, heights = _find_coins(transaction, index, unconfirmed)
    fee = _fee(transaction, spent)
    if not sequence_locks_hold(transaction, heights, index):
        raise refused(
            transaction, "non-BIP68-final", "an input's relative lock has not run out yet"
        )
    cost = sigops_cost(transaction, spent)
    if cost > MAX_TRANSACTION_SIGOPS_COST:
        raise refused(
            transaction,
            "bad-txns-too-many-sigops",
            f"{cost} exceeds {MAX_TRANSACTION_SIGOPS_COST}",
        )
    if not scripts_known_good:
        bad = first_bad_input(transaction.serialize(), spent)
        if bad is not None:
            raise refused(
                transaction,
                "mandatory-script-verify-flag-failed",
                f"the script of input {bad} ({transaction.inputs[bad].outpoint}) does not allow "
                "this spend",
            )
    # Core's virtual size also pays for signature operations, 20 bytes for each.
    vsize = -(-max(weight, 20 * cost) // 4)
    return Appraisal(fee, weight, vsize, cost, tuple(spent))


def check_dust(transaction: Transaction) -> None:
    """Refuse outputs that cost more to spend than they hold. Raises `TransactionRefused`."""
    for vout, output in enumerate(transaction.outputs):
        if output.amount < dust_limit(output.script):
            raise refused(
                transaction,
                "dust",
                f"output {vout} holds {output.amount} sat, at least "
                f"{dust_limit(output.script)} are needed",
            )


def refused(transaction: Transaction, reason: str, detail: str) -> TransactionRefused:
    return TransactionRefused(txid=transaction.txid, reason=reason, detail=detail)


def _check_form(transaction: Transaction, weight: int) -> None:
    if transaction.is_coinbase:
        raise refused(transaction, "coinbase", "only a block may bring a coinbase")
    if not transaction.inputs:
        raise refused(transaction, "bad-txns-vin-empty", "it spends nothing")
    if not transaction.outputs:
        raise refused(transaction, "bad-txns-vout-empty", "it pays nobody")
    if weight > MAX_TRANSACTION_WEIGHT:
        raise refused(transaction, "tx-size", f"weight {weight} exceeds {MAX_TRANSACTION_WEIGHT}")
    if len(transaction.serialize(witness=False)) < _SMALLEST_TRANSACTION:
        raise refused(transaction, "tx-size-small", f"under {_SMALLEST_TRANSACTION} bytes")
    total = 0
    for vout, output in enumerate(transaction.outputs):
        if output.amount < 0:
            raise refused(transaction, "bad-txns-vout-negative", f"output {vout}")
        if output.amount > MAX_MONEY:
            raise refused(transaction, "bad-txns-vout-toolarge", f"output {vout}")
        total += output.amount
    if total > MAX_MONEY:
        raise refused(transaction, "bad-txns-txouttotal-toolarge", f"{total} sat")
    outpoints = {i.outpoint for i in transaction.inputs}
    if len(outpoints) != len(transaction.inputs):
        raise refused(transaction, "bad-txns-inputs-duplicate", "one coin is spent twice in it")
    if any(o.txid == NULL_TXID for o in outpoints):
        raise refused(transaction, "bad-txns-prevout-null", "an input spends no coin")


def _find_coins(
    transaction: Transaction, index: ChainIndex, unconfirmed: Unconfirmed
) -> tuple[list[TxOut], list[Height]]:
    next_height = Height(index.tip.height + 1)
    spent: list[TxOut] = []
    heights: list[Height] = []
    for source in transaction.inputs:
        coin = index.coin(source.outpoint)
        if coin is None:
            output = unconfirmed(source.outpoint)
            if output is None:
                raise refused(
                    transaction,
                    "bad-txns-inputs-missingorspent",
                    f"{source.outpoint} does not exist or is spent",
                )
            spent.append(output)
            heights.append(next_height)
            continue
        if not coin.is_mature(index.tip.height):
            raise refused(
                transaction,
                "bad-txns-premature-spend-of-coinbase",
                f"tried to spend coinbase at depth {next_height - coin.block.height}, "
                f"{COINBASE_MATURITY} is needed",
            )
        spent.append(TxOut(coin.amount, coin.script))
        heights.append(coin.block.height)
    return spent, heights


def _fee(transaction: Transaction, spent: Sequence[TxOut]) -> Sats:
    paid_in = sum(output.amount for output in spent)
    paid_out = sum(output.amount for output in transaction.outputs)
    if paid_in > MAX_MONEY:
        raise refused(transaction, "bad-txns-inputvalues-outofrange", f"{paid_in} sat")
    if paid_in < paid_out:
        raise refused(
            transaction, "bad-txns-in-belowout", f"value in {paid_in} < value out {paid_out} sat"
        )
    return Sats(paid_in - paid_out)
