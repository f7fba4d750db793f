"""The walk in plain Python: every transaction parsed, every output and input looked at."""

from khazana.bitcoin.block import Block, merkle_branch
from khazana.bitcoin.blockfiles.directory import OpenFiles
from khazana.bitcoin.blockfiles.index import damaged
from khazana.bitcoin.blockfiles.walk import Question, digest_of, other_block, wrong_root
from khazana.bitcoin.chain import ConfirmedTransaction
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.transaction import OutPoint


def walk_plainly(question: Question) -> list[ConfirmedTransaction]:
    """Answer a question without any package beyond the base profile."""
    index = question.index
    sizes = [index.size(number) for number in question.chain[question.first :]]
    total, done = sum(sizes), 0
    paid: set[OutPoint] = set(question.paid)
    found: list[ConfirmedTransaction] = []
    with OpenFiles(index.directory) as files:
        for height in range(question.first, len(question.chain)):
            number = question.chain[height]
            place = index.place(number)
            raw = files.file(place.file).read(place.offset, place.size)
            if raw[:80] != index.header_bytes(number):
                raise other_block(question, number)
            found += _of_block(question, height, raw, paid)
            if question.digests is not None:
                question.digests[number] = digest_of(raw)
            done += place.size
            question.progress(done, total)
    return found


def _of_block(
    question: Question, height: int, raw: bytes, paid: set[OutPoint]
) -> list[ConfirmedTransaction]:
    number = question.chain[height]
    try:
        block = Block.parse(raw)
    except MalformedBytes as error:
        text = f"{error.problem} at its byte {error.offset}"
        raise damaged(question.index, number, text) from error
    touched: list[int] = []
    for position, transaction in enumerate(block.transactions):
        ours = [
            vout
            for vout, output in enumerate(transaction.outputs)
            if output.script in question.scripts
        ]
        spends = any(spent.outpoint in paid for spent in transaction.inputs)
        paid.update(transaction.outpoint(vout) for vout in ours)
        if ours or spends:
            touched.append(position)
    if (question.full or touched) and not block.merkle_root_holds():
        raise wrong_root(question, number)
    if not touched:
        return []
    leaves = [transaction.txid_le for transaction in block.transactions]
    ref = question.block(height)
    return [
        ConfirmedTransaction(
            block.transactions[position], ref, position, merkle_branch(leaves, position)
        )
        for position in touched
    ]
