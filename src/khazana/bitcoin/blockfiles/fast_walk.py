"""The compiled walk: chunks walked in parallel, their fingerprints joined in chain order.

A chunk does not know the coins that chunks before it made. So it hands back, beside the outputs
that may be ours, a fingerprint of every coin it spends (8 bytes for an input, about 3 % of what it
read). The joining goes through chunks in chain order with the table of all coins so far, and looks
closer at the few blocks that match. Nothing is read twice but these.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from khazana.bitcoin.block import HEADER_SIZE, Block
from khazana.bitcoin.blockfiles import kernel
from khazana.bitcoin.blockfiles.chunks import (
    SHORT,
    Chunk,
    Walked,
    headers_of,
    key_at,
    tree_rows,
    walk_chunk,
)
from khazana.bitcoin.blockfiles.directory import MAX_BLOCK_SIZE, BlockDirectory, OpenFiles
from khazana.bitcoin.blockfiles.index import damaged
from khazana.bitcoin.blockfiles.kernel_tables import unmask
from khazana.bitcoin.blockfiles.tables import Array, CoinTable, ScriptTable
from khazana.bitcoin.blockfiles.walk import Question, other_block, wrong_root
from khazana.bitcoin.chain import BlockRef, ConfirmedTransaction
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.transaction import OutPoint, Transaction

CHUNK_BYTES = 8 << 20
CHUNK_BLOCKS = 4_096


class Pending(Protocol):
    """A chunk that somebody is walking."""

    def result(self) -> Walked: ...


class Workers(AbstractContextManager["Workers"], Protocol):
    """Who walks chunks. ahead: how many may be under way; chunk_bytes: how large they should be."""

    ahead: int
    chunk_bytes: int

    def prepare(self, directory: BlockDirectory, table: ScriptTable) -> None: ...

    def submit(self, chunk: Chunk) -> Pending: ...


class Threads:
    """Threads of this process; with one, the caller's own."""

    chunk_bytes = CHUNK_BYTES

    def __init__(self, count: int) -> None:
        if count < 1:
            raise ValueError(f"{count} threads walk nowhere")
        self.ahead = 1 if count == 1 else 2 * count
        self._pool = ThreadPoolExecutor(count, "walk") if count > 1 else None
        self._files: OpenFiles | None = None
        self._directory: BlockDirectory | None = None
        self._table: ScriptTable | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            # Whatever ended the walk: what has not begun never begins, what has ends in moments.
            self._pool.shutdown(cancel_futures=True)
        if self._files is not None:
            self._files.close()

    def prepare(self, directory: BlockDirectory, table: ScriptTable) -> None:
        self._directory, self._table = directory, table
        self._files = OpenFiles(directory)

    def submit(self, chunk: Chunk) -> Pending:
        if self._pool is not None:
            return self._pool.submit(self._walk_alone, chunk)
        done: Future[Walked] = Future()
        if self._files is None or self._table is None:
            raise RuntimeError("prepare comes before submit")
        done.set_result(walk_chunk(self._files, chunk, self._table))
        return done

    def _walk_alone(self, chunk: Chunk) -> Walked:
        if self._directory is None or self._table is None:
            raise RuntimeError("prepare comes before submit")
        with OpenFiles(self._directory) as files:
            return walk_chunk(files, chunk, self._table)


def walk_fast(question: Question, workers: Workers) -> list[ConfirmedTransaction]:
    """Answer a question with compiled code; `workers` is used up."""
    directory = question.index.directory
    table = ScriptTable.of(question.scripts)
    chunks = _chunks(question, workers.chunk_bytes)
    total = sum(question.index.size(number) for number in question.chain[question.first :])
    done = 0
    with OpenFiles(directory) as files, workers:
        workers.prepare(directory, table)
        join = _Join(question, files, table)
        under_way: deque[tuple[Chunk, Pending]] = deque()
        while True:
            while len(under_way) < workers.ahead and (chunk := next(chunks, None)) is not None:
                under_way.append((chunk, workers.submit(chunk)))
            if not under_way:
                return join.found
            chunk, pending = under_way.popleft()
            join.add(chunk, pending.result())
            done += chunk.size
            question.progress(done, total)


def _chunks(question: Question, chunk_bytes: int) -> Iterator[Chunk]:
    index, chain = question.index, question.chain
    first = int(question.first)
    while first < len(chain):
        last, size = first, 0
        while last < len(chain) and last - first < CHUNK_BLOCKS and size < chunk_bytes:
            size += index.size(chain[last])
            last += 1
        numbers = chain[first:last]
        yield Chunk(
            first,
            tuple(index.place(number) for number in numbers),
            headers_of(b"".join(index.header_bytes(number) for number in numbers)),
            question.full,
            question.digests is not None,
        )
        first = last


class _Join:
    """Chunks' fingerprints put together in chain order, and the transactions they lead to."""

    def __init__(self, question: Question, files: OpenFiles, table: ScriptTable) -> None:
        self.found: list[ConfirmedTransaction] = []
        self._question = question
        self._files = files
        self._table = table
        self._paid: set[OutPoint] = set(question.paid)
        self._coins = CoinTable(question.paid)
        self._message = np.empty(MAX_BLOCK_SIZE + 256, np.uint8)
        self._ids = np.empty((0, 32), np.uint8)
        self._spent = np.empty(MAX_BLOCK_SIZE // 41 + 1, np.uint64)

    def add(self, chunk: Chunk, walked: Walked) -> None:
        if self._question.digests is not None:
            for at, digest in enumerate(walked.digests):
                self._question.digests[self._question.chain[chunk.first + at]] = digest
        block = 0
        while True:
            block = kernel.next_touched(
                walked.spent,
                walked.bounds,
                walked.ours,
                self._coins.prints,
                self._coins.bits,
                block,
            )
            if block >= walked.good:
                break
            self._coins.make_room(int(walked.ours[block]))
            self._look_closer(chunk.first + block)
            block += 1
        if walked.status != kernel.OK:
            raise self._wrong(chunk.first + walked.good, walked.status)

    def _look_closer(self, height: int) -> None:
        raw = self._read(height)
        if len(self._ids) < tree_rows(len(raw)):
            self._ids = np.empty((tree_rows(len(raw)), 32), np.uint8)
        most = len(raw) // 10 + 2
        places, touched = np.zeros(most, np.int64), np.zeros(most, np.bool_)
        table, coins = self._table, self._coins
        status, count, _ = kernel.look_closer(
            raw,
            table.prints,
            table.bits,
            table.lengths,
            coins.prints,
            coins.bits,
            self._spent,
            self._message,
            self._ids,
            places,
            touched,
        )
        if status != kernel.OK:
            raise self._wrong(height, status)
        ref: BlockRef | None = None
        for position in np.flatnonzero(touched[:count]).tolist():
            piece = raw[places[position] : places[position + 1]]
            transaction = Transaction.parse(piece.tobytes())
            if self._concerns_us(transaction):
                ref = ref or self._question.block(height)
                branch = branch_in(self._ids, int(count), position)
                self.found.append(ConfirmedTransaction(transaction, ref, position, branch))

    def _concerns_us(self, transaction: Transaction) -> bool:
        """Fingerprints may agree by chance or by design; bytes decide."""
        scripts = self._question.scripts
        ours = [v for v, output in enumerate(transaction.outputs) if output.script in scripts]
        spends = any(spent.outpoint in self._paid for spent in transaction.inputs)
        self._paid.update(transaction.outpoint(vout) for vout in ours)
        return spends or bool(ours)

    def _read(self, height: int) -> Array:
        number = self._question.chain[height]
        place = self._question.index.place(number)
        raw = np.empty(place.size, np.uint8)
        done = self._files.file(place.file).read_into(raw.data, place.offset)
        unmask(raw, 0, place.size, key_at(self._files.directory.key, place.offset))
        header = raw[:HEADER_SIZE].tobytes()
        if done < place.size or header != self._question.index.header_bytes(number):
            raise other_block(self._question, number)
        return raw

    def _wrong(self, height: int, status: int) -> Exception:
        number = self._question.chain[height]
        if status == SHORT:
            return damaged(self._question.index, number, "the file ends before the block does")
        if status == kernel.OTHER_HEADER:
            return other_block(self._question, number)
        if status == kernel.OTHER_ROOT:
            return wrong_root(self._question, number)
        # The compiled walk only knows that something is wrong; the plain parser says what.
        try:
            Block.parse(self._read(height).tobytes())
        except MalformedBytes as error:
            text = f"{error.problem} at its byte {error.offset}"
            return damaged(self._question.index, number, text)
        return RuntimeError(f"the compiled walk refuses block {self._question.block(height)}")


def branch_in(tree: Array, count: int, position: int) -> tuple[bytes, ...]:
    """The Merkle branch of a leaf, from a tree whose levels lie one after the other."""
    branch = []
    first, size = 0, count
    while size > 1:
        sibling = position ^ 1
        branch.append(tree[first + (sibling if sibling < size else position)].tobytes())
        first += size
        size = (size + 1) // 2
        position >>= 1
    return tuple(branch)
