"""Closing coins that were spent since: a move on the chain as a proof, or after a proof."""

from collections.abc import Collection, Mapping
from typing import Any

from khazana.bitcoin.bip322.spends import judge_input
from khazana.bitcoin.bip322.transactions import message_hash
from khazana.bitcoin.bip322.verdict import Refusal
from khazana.bitcoin.block import merkle_proof_holds
from khazana.bitcoin.chain import BlockRef, ConfirmedTransaction, TransactionNotInBlock
from khazana.bitcoin.script import OP_RETURN
from khazana.bitcoin.transaction import OutPoint, TxOut
from khazana.custody.control_evidence import read_moved
from khazana.custody.coverage import ControlGrade
from khazana.custody.judging import Judging
from khazana.custody.message import ControlMessage
from khazana.statement.errors import StatementMalformed
from khazana.units import BlockHash, Height, Txid

_PUSH_32 = 32


def commitment_script(message: ControlMessage) -> bytes:
    """The output that ties a move to a statement: OP_RETURN and BIP-322's hash of the message."""
    return bytes([OP_RETURN, _PUSH_32]) + message_hash(message.text.encode("ascii"))


def judge_moved(judging: Judging, fields: Mapping[str, Any], where: str) -> None:
    """One piece of evidence: transactions that spent closing coins after the closing block."""
    try:
        file = read_moved(fields, where)
    except StatementMalformed as wrong:
        judging.wrong("C1", wrong.problem, wrong.path)
        return
    if file.subject_root != judging.about.root:
        judging.wrong("C2", f"wrong root: the moves are about {file.subject_root}", where)
        return
    said: ControlMessage | None = None
    if isinstance(file.message, str):
        said = judging.message(
            file.message, subject_root=file.subject_root, stated=None, where=where
        )
        if said is None:
            return
    for row, move in enumerate(file.moves):
        place = f"{where}.moves[{row}]"
        if judging.is_new(move.txid, place):
            block = BlockRef(Height(move.block.height), BlockHash(move.block.hash))
            _move(judging, said, Txid(move.txid), block, place)


def _move(
    judging: Judging, said: ControlMessage | None, txid: Txid, block: BlockRef, where: str
) -> None:
    closing = judging.about.closing.block
    if block.height <= closing.height:
        text = f"moved in block {block.height}, not after the closing block {closing.height}"
        judging.wrong("C3", text, where)
        return
    if judging.chain.block_at(block.height) != block:
        judging.wrong("C3", f"block {block} is not in the best chain", where)
        return
    try:
        confirmed = judging.chain.transaction(txid, block)
    except TransactionNotInBlock:
        judging.wrong("C8", f"no transaction {txid} is in block {block.height}", where)
        return
    if not _is_in_its_block(judging, confirmed):
        judging.wrong("C8", f"transaction {txid} is not in block {block.height}", where)
        return
    spent = {i.outpoint for i in confirmed.transaction.inputs} & set(judging.about.by_outpoint)
    if not spent:
        judging.wrong("C8", "it spends no closing coin of this statement", where)
        return
    problem = _not_fresh(judging, confirmed)
    if problem is None:
        judging.moved.update(dict.fromkeys(spent, block))
    if said is not None and _commits(judging, said, confirmed, where):
        judging.count(spent, ControlGrade.NAMED_MOVE, block)
    elif problem is not None:
        judging.doubt(problem, where)
    else:
        judging.count(spent, ControlGrade.MOVE, block)


def _is_in_its_block(judging: Judging, confirmed: ConfirmedTransaction) -> bool:
    """By the Merkle branch to a header that stands in the best chain."""
    (header,) = judging.chain.headers(confirmed.block.height, confirmed.block)
    return header.hash == confirmed.block.hash and merkle_proof_holds(
        confirmed.transaction,
        position=confirmed.position,
        branch_le=confirmed.branch_le,
        root_le=header.merkle_root_le,
    )


def _commits(
    judging: Judging, said: ControlMessage, confirmed: ConfirmedTransaction, where: str
) -> bool:
    """Whether those who moved the coins put this statement's message into the transaction.

    Every signature must cover every output, or somebody else could have added the message; so each
    input is judged as in a proof, which asks for what all of them spend.
    """
    transaction = confirmed.transaction
    if commitment_script(said) not in {output.script for output in transaction.outputs}:
        judging.doubt("no output of it holds the message's hash", where)
        return False
    spent: list[TxOut] = []
    for each in transaction.inputs:
        coin = judging.about.by_outpoint.get(each.outpoint)
        if coin is None:
            judging.doubt(
                f"it also spends {each.outpoint}, no closing coin, so its signatures were not "
                "judged",
                where,
            )
            return False
        spent.append(TxOut(coin.amount, coin.script))
    for position in range(len(spent)):
        try:
            judge_input(transaction, position, spent)
        except Refusal as refusal:
            text = f"that its signers meant the message is not sure: {refusal.words}"
            judging.doubt(f"{text} [{refusal.reason.value}]", where)
            return False
    return True


def _not_fresh(judging: Judging, confirmed: ConfirmedTransaction) -> str | None:
    """Why a move was not to fresh addresses declared beforehand; None if it was."""
    about = judging.about
    if confirmed.block.height <= about.made_at:
        return (
            f"it was moved in block {confirmed.block.height}, when the statement was not made yet: "
            "its addresses were not declared beforehand"
        )
    note = bytes([OP_RETURN])
    paid = {o.script for o in confirmed.transaction.outputs if o.amount or o.script[:1] != note}
    if not paid:
        return "it pays no address: its coins were burnt or left to the miners"
    if not paid <= set(about.declared):
        return "it pays addresses that the statement does not declare"
    if _used(judging, paid):
        return "it pays addresses that were used before the closing block"
    return None


def _used(judging: Judging, scripts: Collection[bytes]) -> bool:
    return bool(judging.chain.history(scripts, None, judging.about.closing.block))


def moved_words(moved: Mapping[OutPoint, BlockRef], judging: Judging) -> str:
    """What was moved to fresh addresses since, in one sentence."""
    total = sum(judging.about.by_outpoint[outpoint].amount for outpoint in moved)
    last = max(block.height for block in moved.values())
    return (
        f"{len(moved)} closing coins of {total} sat were moved to fresh declared addresses since, "
        f"up to block {last}"
    )
