"""The devnet: an embedded Bitcoin network in a directory, mined and reorganised at will."""

import threading
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from khazana.bitcoin.block import Block
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.network import REGTEST, Network
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.transaction import Transaction, TxOut
from khazana.devnet import branch
from khazana.devnet.admission import TransactionRefused
from khazana.devnet.directory import DevnetDirectory
from khazana.devnet.faucet import DEFAULT_SEED, Faucet
from khazana.devnet.index import ChainIndex, genesis_block
from khazana.devnet.kernel import Kernel, Verdict
from khazana.devnet.mempool import Mempool
from khazana.devnet.mempool_log import MempoolLog
from khazana.devnet.miner import build_block, choose
from khazana.devnet.wal import BlockLog, BlockLogDamaged, CutTail
from khazana.errors import KhazanaError
from khazana.units import BlockHash, Height, Txid


@dataclass(eq=False, kw_only=True)
class BlockRefused(KhazanaError):
    """The validation engine does not take a block."""

    block: str
    problem: str
    code = "block_refused"
    words = "Block {block} is refused: {problem}. The chain is as it was."


@dataclass(eq=False, kw_only=True)
class ClockBehindBlocks(KhazanaError):
    """The machine's clock stands before the blocks in the log."""

    path: str
    code = "clock_behind_blocks"
    words = (
        "The block log {path} holds blocks from over two hours after this machine's clock. "
        "Set the clock right and open again; nothing was changed."
    )


@dataclass(frozen=True)
class Reorganisation:
    """What a reorganisation did.

    fork: the last block both branches share. waiting: transactions of the old branch that wait in
    the mempool again. gone: those that neither wait nor are in the new branch.
    """

    fork: BlockRef
    old_tip: BlockRef
    new_tip: BlockRef
    waiting: tuple[Txid, ...]
    gone: tuple[Txid, ...]


class Devnet:
    """An open devnet. Safe for many threads: hold `lock` to read `index` and `mempool` together.

    What a method returns is on the disk: it survives the process being killed at any moment.
    Block times are passed in, seconds since 1970 (UTC); the engine refuses times more than two
    hours ahead of the machine's clock.
    """

    network: Network = REGTEST

    def __init__(
        self, directory: Path, *, faucet_seed: bytes = DEFAULT_SEED, refuse_dust: bool = True
    ) -> None:
        """Open or create the devnet in `directory`.

        faucet_seed: used when the directory has none yet. refuse_dust: as nodes do by default.
        Raises `DevnetInUse`, `NotADevnet`, `BlockLogDamaged`, `MempoolLogDamaged`.
        """
        self.lock = threading.RLock()
        self._open = True
        self._halfway = False
        self._place = DevnetDirectory(directory)
        with ExitStack() as on_failure:
            on_failure.callback(self._place.release)
            self.faucet = Faucet(self._place.faucet_seed(faucet_seed))
            self._log = BlockLog(self._place.blocks)
            on_failure.callback(self._log.close)
            self._kernel = Kernel(self._place.engine)
            on_failure.callback(self._kernel.close)
            self.index = ChainIndex()
            self._replay()
            self.mempool = Mempool(refuse_dust=refuse_dust)
            self._mempool_log = MempoolLog(self._place.mempool)
            for transaction in self._mempool_log.load():
                self.mempool.restore(transaction, self.index)
            self._mempool_log.rewrite(waiting.transaction for waiting in self.mempool)
            on_failure.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the directory. Everything is on the disk already."""
        with self.lock:
            if self._open:
                self._open = False
                self._mempool_log.close()
                self._kernel.close()
                self._log.close()
                self._place.release()

    @property
    def directory(self) -> Path:
        return self._place.path

    @property
    def cut(self) -> CutTail | None:
        """What was cut off the block log on opening: an append that a stop interrupted."""
        return self._log.cut

    def tip(self) -> BlockRef:
        with self.lock:
            return self.index.tip

    def block(self, block_hash: BlockHash) -> Block | None:
        """A block by its hash, stale ones included; None when the devnet never had it."""
        raw = self.raw_block(block_hash)
        return None if raw is None else Block.parse(raw)

    def raw_block(self, block_hash: BlockHash) -> bytes | None:
        with self.lock:
            self._check_open()
            return self._log.read(block_hash) if block_hash in self._log else None

    def submit_transaction(self, transaction: Transaction) -> Txid:
        """Let a transaction wait for a block. Raises `TransactionRefused`.

        One that waits already is fine, as nodes have it: its txid is returned again.
        """
        with self.lock:
            self._check_open()
            try:
                waiting, replaced = self.mempool.judge(transaction, self.index)
            except TransactionRefused as problem:
                if problem.reason == "txn-already-in-mempool":
                    return transaction.txid
                raise
            self._mempool_log.append(joined=[transaction], left=replaced, sync=True)
            self.mempool.join(waiting, replaced)
            self._tidy_mempool_log()
            return transaction.txid

    def mine(
        self,
        count: int = 1,
        script: bytes | None = None,
        *,
        time: int,
        spacing: int = 600,
        transactions: Sequence[Transaction] | None = None,
    ) -> list[BlockRef]:
        """Mine blocks on the tip; subsidy and fees go to `script`, by default the faucet's.

        time: of the first block; each further one is `spacing` seconds later. A time that
        consensus finds too early (not after the median of eleven blocks) is moved to the first
        allowed second.
        transactions: exactly these in the first block, without passing through the mempool, each
        parent before its children (the way to build long demo chains fast); by default the best
        paying of what waits.
        """
        if count < 1:
            raise ValueError(f"cannot mine {count} blocks")
        mined = []
        with self.lock:
            self._check_open()
            for number in range(count):
                if number == 0 and transactions is not None:
                    chosen = branch.with_fees(transactions, self.index)
                else:
                    chosen = choose(self.mempool)
                tip = self.index.tip
                block = build_block(
                    previous=tip.hash,
                    height=Height(tip.height + 1),
                    time=max(time + number * spacing, self.index.median_time + 1),
                    script=self.faucet.script if script is None else script,
                    chosen=chosen,
                    extra_nonce=len(self._log),
                )
                self._submit(block, block.serialize())
                mined.append(self.index.tip)
        return mined

    def submit_block(self, raw: bytes) -> BlockHash:
        """Take a block made elsewhere; it becomes the tip when its branch is the longest.

        Raises `MalformedBytes`, `BlockRefused`.
        """
        block = Block.parse(raw)
        with self.lock:
            self._check_open()
            if block.hash not in self._log:
                self._submit(block, raw)
        return block.hash

    def pay(self, outputs: Sequence[TxOut], *, sat_per_vbyte: int = 2) -> Txid:
        """Let the faucet pay. Raises `FaucetIsDry`, `TransactionRefused`."""
        if not outputs or sat_per_vbyte < 1:
            raise ValueError("the faucet pays at least one output at 1 sat/vB or more")
        with self.lock:
            self._check_open()
            return self.submit_transaction(
                self.faucet.payment(self.index, self.mempool, outputs, sat_per_vbyte=sat_per_vbyte)
            )

    def reorganise(
        self,
        depth: int,
        *,
        time: int,
        script: bytes | None = None,
        keep: bool = True,
        leave_out: Collection[Txid] = (),
        insert: Sequence[Transaction] = (),
    ) -> Reorganisation:
        """Replace the newest `depth` blocks by a branch that is one block longer.

        keep: mine the old blocks' transactions again at their heights, except `leave_out` and
        what depends on it; else they all return to the mempool.
        insert: transactions mined in the branch's first block, as a double spend would be.
        time: of the block beyond the replaced ones, which keep their times where consensus allows.
        Raises `branch.TooDeep`, `branch.NotReplaced`, `BlockRefused`, `TransactionRefused`.
        """
        with self.lock:
            self._check_open()
            plan = branch.plan(
                self.index, depth, keep=keep, leave_out=frozenset(leave_out), insert=tuple(insert)
            )
            old_tip, before = self.index.tip, self._transactions_above(plan.fork.height)
            times = [block.header.time for block in self.index.blocks[: plan.fork.height + 1]]
            previous = plan.fork
            for number, chosen in enumerate(plan.blocks):
                wanted = plan.times[number] if number < len(plan.times) else time
                block = build_block(
                    previous=previous.hash,
                    height=Height(previous.height + 1),
                    time=max(wanted, branch.median_time(times) + 1),
                    script=self.faucet.script if script is None else script,
                    chosen=chosen,
                    extra_nonce=len(self._log),
                )
                self._submit(block, block.serialize())
                previous = BlockRef(Height(previous.height + 1), block.hash)
                times.append(block.header.time)
            unplaced = [t for t in before if self.index.placed(t) is None]
            return Reorganisation(
                fork=plan.fork,
                old_tip=old_tip,
                new_tip=self.index.tip,
                waiting=tuple(t for t in unplaced if t in self.mempool),
                gone=tuple(t for t in unplaced if t not in self.mempool),
            )

    def _transactions_above(self, height: Height) -> list[Txid]:
        """Txids of the active chain above a height, without coinbases, in chain order."""
        return [t for block in self.index.blocks[height + 1 :] for t in block.txids[1:]]

    def _submit(self, block: Block, raw: bytes) -> None:
        """Log a block, let the engine judge it, follow the active chain. Raises `BlockRefused`."""
        self._log_what_would_return(block)
        self._log.append(raw, block.hash)
        self._halfway = True
        verdict = self._kernel.submit(raw, block.hash)
        if verdict.refusal is not None:
            self._log.drop_last()
        before = {waiting.txid for waiting in self.mempool}
        returned, confirmed = self._follow(verdict, block)
        # Also without returning transactions: locks may close again, coinbases vanish.
        if any(not change.connected for change in verdict.changes):
            candidates = [*returned, *(waiting.transaction for waiting in self.mempool)]
            self.mempool.readmit(candidates, self.index)
            before.update(transaction.txid for transaction in returned)
            gone = [txid for txid in before if txid not in self.mempool]
        else:
            gone = self.mempool.block_connected(confirmed)
        self._halfway = False
        # Not synced: on opening, what is in a block or conflicts with one is dropped again.
        self._mempool_log.append(left=gone, sync=False)
        self._tidy_mempool_log()
        if verdict.refusal is not None:
            raise BlockRefused(block=block.hash, problem=verdict.refusal)

    def _log_what_would_return(self, block: Block) -> None:
        """Before a reorganisation: promise the disk the transactions it will disconnect.

        They were acknowledged once; a kill between the block log and the mempool log must not
        lose them. On opening, those that are in a block are dropped again.
        """
        parent = block.header.previous
        steps = 1
        while self.index.height_of(parent) is None and parent in self._log:
            parent = Block.parse(self._log.read(parent)).header.previous
            steps += 1
        fork = self.index.height_of(parent)
        if fork is None or fork == self.index.tip.height:
            return
        # Work is the same for every regtest block, so the longer branch wins.
        if fork + steps > self.index.tip.height:
            leaving = [self.index.placed(txid) for txid in self._transactions_above(fork)]
            self._mempool_log.append(joined=[p.transaction for p in leaving if p], sync=True)

    def _follow(
        self, verdict: Verdict, block: Block
    ) -> tuple[list[Transaction], list[Transaction]]:
        """Move the index as the engine moved; returns what was disconnected and connected."""
        returned: list[Transaction] = []
        confirmed: list[Transaction] = []
        for change in verdict.changes:
            if change.connected:
                joined = block if change.block == block.hash else self._logged(change.block)
                self.index.connect(joined)
                confirmed.extend(joined.transactions[1:])
            else:
                returned[:0] = self.index.disconnect()[1:]
        if self.index.tip.hash != self._kernel.tip():
            raise RuntimeError("the index and the validation engine disagree about the tip")
        return returned, confirmed

    def _logged(self, block_hash: BlockHash) -> Block:
        return Block.parse(self._log.read(block_hash))

    def _replay(self) -> None:
        """Feed the log to the engine in its order, so that ties fall as they fell before."""
        genesis = genesis_block()
        if not len(self._log):
            self._log.append(genesis.serialize(), genesis.hash)
        hashes = list(self._log)
        for number, block_hash in enumerate(hashes):
            raw = self._log.read(block_hash)
            try:
                block = Block.parse(raw)
            except MalformedBytes as error:
                raise self._damaged(block_hash, str(error)) from error
            verdict = self._kernel.submit(raw, block_hash)
            self._follow(verdict, block)
            if verdict.time_too_new:
                raise ClockBehindBlocks(path=str(self._log.path))
            if verdict.refusal is not None:
                if number + 1 < len(hashes):
                    raise self._damaged(block_hash, verdict.refusal)
                # Refused when it was new, too; the stop came before it could be taken back.
                self._log.drop_last()

    def _damaged(self, block_hash: BlockHash, problem: str) -> BlockLogDamaged:
        return BlockLogDamaged(
            path=str(self._log.path),
            offset=self._log.offset_of(block_hash),
            problem=f"block {block_hash}: {problem}",
        )

    def _tidy_mempool_log(self) -> None:
        if self._mempool_log.is_worth_rewriting:
            self._mempool_log.rewrite(waiting.transaction for waiting in self.mempool)

    def _check_open(self) -> None:
        if not self._open:
            raise RuntimeError(f"the devnet in {self.directory} is closed")
        if self._halfway:  # Ctrl-C, or no memory, between engine and index
            raise RuntimeError(
                f"the devnet in {self.directory} was interrupted while taking a block: open it "
                "again, nothing on the disk is wrong"
            )
