"""Planning a branch that replaces the newest blocks: which transactions go where."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.transaction import OutPoint, Transaction, TxOut
from khazana.devnet.admission import refused
from khazana.devnet.index import MEDIAN_TIME_SPAN, ChainIndex
from khazana.devnet.miner import Chosen
from khazana.errors import KhazanaError
from khazana.units import Sats, Txid


@dataclass(eq=False, kw_only=True)
class TooDeep(KhazanaError):
    """A reorganisation that would replace blocks the chain does not have."""

    depth: int
    tip: BlockRef
    code = "reorganisation_too_deep"
    words = "Cannot replace {depth} blocks: the chain has 1 to {tip.height} that can be replaced."


@dataclass(eq=False, kw_only=True)
class NotReplaced(KhazanaError):
    """A transaction to leave out is in none of the blocks that would be replaced."""

    txid: str
    depth: int
    code = "transaction_not_replaced"
    words = (
        "Transaction {txid} is in none of the newest {depth} blocks, so a branch that replaces "
        "them cannot leave it out. Give its txid as displayed, or reorganise deeper."
    )


@dataclass(frozen=True)
class BranchPlan:
    """A branch on `fork`: what each of its blocks holds.

    times: of the replaced blocks, seconds since 1970 (UTC); the branch has one block more.
    """

    fork: BlockRef
    blocks: tuple[Chosen, ...]
    times: tuple[int, ...]


def plan(
    index: ChainIndex,
    depth: int,
    *,
    keep: bool,
    leave_out: Collection[Txid],
    insert: Sequence[Transaction],
) -> BranchPlan:
    """A branch one block longer than the `depth` newest blocks. Raises `TooDeep`,
    `NotReplaced`.

    What spends from a left-out transaction, from a replaced coinbase, or a coin that an inserted
    transaction spends, is left out too.
    """
    if not 1 <= depth <= index.tip.height:
        raise TooDeep(depth=depth, tip=index.tip)
    replaced = index.blocks[-depth:]
    fork = index.blocks[-depth - 1].ref
    known = {
        txid: placed.transaction
        for block in replaced
        for txid in block.txids
        if (placed := index.placed(txid)) is not None
    }
    for txid in leave_out:
        if txid not in known:
            raise NotReplaced(txid=txid, depth=depth)
    taken = {i.outpoint for transaction in insert for i in transaction.inputs}
    dropped = set(leave_out) | {block.txids[0] for block in replaced}
    inserted = {transaction.txid for transaction in insert}
    new = {transaction.txid: transaction for transaction in insert}
    blocks = [list(insert)] + [[] for _ in range(depth)]
    for number, block in enumerate(replaced):
        for txid in block.txids[1:]:
            transaction = known[txid]
            depends = any(
                i.outpoint.txid in dropped or i.outpoint in taken for i in transaction.inputs
            )
            if txid in inserted:
                continue
            if not keep or txid in dropped or depends:
                dropped.add(txid)
            else:
                blocks[number].append(transaction)
                new[txid] = transaction
    return BranchPlan(
        fork=fork,
        blocks=tuple(_with_fees(transactions, index, new) for transactions in blocks),
        times=tuple(block.header.time for block in replaced),
    )


def with_fees(transactions: Sequence[Transaction], index: ChainIndex) -> Chosen:
    """Given transactions for the next block with the fees they leave to the miner."""
    return _with_fees(transactions, index, {t.txid: t for t in transactions})


def median_time(times: Sequence[int]) -> int:
    """The median of the newest eleven block times (BIP-113), seconds since 1970 (UTC)."""
    newest = sorted(times[-MEDIAN_TIME_SPAN:])
    return newest[len(newest) // 2]


def _with_fees(
    transactions: Iterable[Transaction], index: ChainIndex, new: dict[Txid, Transaction]
) -> Chosen:
    chosen = tuple(transactions)
    fees = 0
    for transaction in chosen:
        for source in transaction.inputs:
            output = _output(source.outpoint, index, new)
            if output is None:
                raise refused(
                    transaction,
                    "bad-txns-inputs-missingorspent",
                    f"{source.outpoint} does not exist",
                )
            fees += output.amount
        fees -= sum(output.amount for output in transaction.outputs)
    return Chosen(chosen, Sats(fees))


def _output(outpoint: OutPoint, index: ChainIndex, new: dict[Txid, Transaction]) -> TxOut | None:
    transaction = new.get(outpoint.txid)
    if transaction is None:
        placed = index.placed(outpoint.txid)
        transaction = None if placed is None else placed.transaction
    if transaction is None or outpoint.vout >= len(transaction.outputs):
        return None
    return transaction.outputs[outpoint.vout]
