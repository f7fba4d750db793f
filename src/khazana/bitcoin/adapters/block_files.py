"""The chain as it lies in a node's block files: every transaction read by ourselves, no index.

The node validated the blocks; which of its branches is the chain is not written in these files.
The view takes the branch with the most work, or, when a block is named, the one that contains it:
a node may have rejected the branch with the most work.
"""

from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from khazana.bitcoin.block import Block, Header, merkle_branch
from khazana.bitcoin.blockfiles.compiled import walk_with
from khazana.bitcoin.blockfiles.directory import BlockDirectory, OpenFiles
from khazana.bitcoin.blockfiles.errors import BlocksMissing
from khazana.bitcoin.blockfiles.index import (
    BlockIndex,
    choose_copies,
    claimed_height,
    damaged,
    extend_index,
    has_changed,
    read_index,
)
from khazana.bitcoin.blockfiles.progress import SILENT, Progress
from khazana.bitcoin.blockfiles.remembered import Remembered, WalkedSoFar, check_files, remember
from khazana.bitcoin.blockfiles.walk import Question, Walk
from khazana.bitcoin.chain import (
    Basis,
    BasisKind,
    BlockNotInBestChain,
    BlockRef,
    Coin,
    ConfirmedTransaction,
    HeightBeyondTip,
    TransactionNotInBlock,
    coins_after,
)
from khazana.bitcoin.network import Network
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.transaction import OutPoint
from khazana.units import BlockHash, Height, Txid


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How block files are to be read.

    containing: the chain is the branch that contains this block; by default that with most work.
    full: check the Merkle root of every block, not only of blocks with an answer.
    walk: who walks the blocks; by default compiled code on one thread, plain Python without numba.
    remembered: what an earlier reading found. remember: keep digests, so that one can be made.
    """

    containing: BlockHash | None = None
    full: bool = False
    walk: Walk | None = None
    progress: Progress = SILENT
    remembered: Remembered | None = None
    remember: bool = False


class BlockFilesChain:
    """Questions to a folder of block files, which a running node may append to (see ChainView)."""

    def __init__(self, path: Path, reading: Reading | None = None) -> None:
        """Nothing is read yet."""
        self._path = path
        self._reading = reading or Reading()
        self._opened: _Opened | None = None
        self._so_far: WalkedSoFar | None = None

    @property
    def network(self) -> Network:
        return self._open().index.network

    @property
    def basis(self) -> Basis:
        which = "of every block read" if self._reading.full else "of blocks with an answer"
        return Basis(
            BasisKind.OWN_BLOCKS,
            f"block files in {self._path}; work and links of all headers, Merkle roots {which}",
        )

    def tip(self) -> BlockRef:
        self._look_again()
        chain = self._chain()
        return self._ref(len(chain) - 1)

    def block_at(self, height: Height) -> BlockRef:
        if height < 0:
            raise ValueError(f"no block has height {height}")
        self._look_again()
        if height >= len(self._chain()):
            self._refuse_missing(height)
            raise HeightBeyondTip(
                height=height, tip=self._ref(len(self._chain()) - 1), source=self._source
            )
        return self._ref(height)

    def block_of(self, block_hash: BlockHash) -> BlockRef:
        self._look_again()
        chain = self._chain()
        number = self._open().index.number_of(block_hash)
        if number is not None:
            height = self._open().index.height_of(number)
            if height is not None and height < len(chain) and chain[height] == number:
                return BlockRef(height, block_hash)
        raise BlockNotInBestChain(block=block_hash, source=self._source)

    def headers(self, first: Height, last: BlockRef) -> Sequence[Header]:
        self._require(last)
        if not 0 <= first <= last.height:
            raise ValueError(f"no headers from {first} to {last.height}")
        index = self._open().index
        return [index.header(number) for number in self._chain()[first : last.height + 1]]

    def history(
        self, scripts: Collection[bytes], after: BlockRef | None, until: BlockRef
    ) -> Sequence[ConfirmedTransaction]:
        for named in (after, until):
            if named is not None:
                self._require(named)
        first = 0 if after is None else after.height + 1
        history = self._walked(frozenset(scripts), until).history
        self._require(until)
        return [c for c in history if first <= c.block.height <= until.height]

    def coins_at(self, scripts: Collection[bytes], block: BlockRef) -> Sequence[Coin]:
        coins = coins_after(self.history(scripts, None, block), scripts)
        return [coins[outpoint] for outpoint in sorted(coins)]

    def transaction(self, txid: Txid, block: BlockRef) -> ConfirmedTransaction:
        self._require(block)
        number = self._chain()[block.height]
        content = self._block(number)
        for position, transaction in enumerate(content.transactions):
            if transaction.txid == txid:
                leaves = [one.txid_le for one in content.transactions]
                branch = merkle_branch(leaves, position)
                return ConfirmedTransaction(transaction, block, position, branch)
        raise TransactionNotInBlock(txid=txid, block=block, source=self._source)

    def coinbases(self, first: Height, last: BlockRef) -> Sequence[ConfirmedTransaction]:
        """The first transaction of each block (see khazana.bitcoin.coinbases)."""
        self._require(last)
        found = []
        for height in range(first, last.height + 1):
            content = self._block(self._chain()[height])
            branch = merkle_branch([one.txid_le for one in content.transactions], 0)
            found.append(
                ConfirmedTransaction(content.transactions[0], self._ref(height), 0, branch)
            )
        return found

    def to_remember(self) -> Remembered:
        """What the last history found, for the next reading of these files."""
        if self._so_far is None or not self._reading.remember:
            raise ValueError("nothing was read that could be remembered")
        opened = self._open()
        with OpenFiles(opened.index.directory) as files:
            return remember(opened.index, self._so_far, files)

    @property
    def _source(self) -> str:
        return f"block files in {self._path}"

    def _open(self) -> "_Opened":
        if self._opened is None:
            directory = BlockDirectory.open(self._path)
            with self._reading.progress.stage("looking for blocks", "files") as show:
                index = read_index(directory, directory.network(), progress=show)
            self._opened = _Opened(index)
            if self._reading.remembered is not None:
                with OpenFiles(directory) as files:
                    self._so_far = check_files(self._reading.remembered, index, files)
        return self._opened

    def _chain(self) -> "array[int]":
        opened = self._open()
        if opened.chain is None:
            opened.chain = self._find_chain(opened.index)
            with OpenFiles(opened.index.directory) as files:
                choose_copies(opened.index, opened.chain, files)
        return opened.chain

    def _find_chain(self, index: BlockIndex) -> "array[int]":
        containing = None
        if self._reading.containing is not None:
            containing = index.number_of(self._reading.containing)
            if containing is None:
                raise BlockNotInBestChain(block=self._reading.containing, source=self._source)
        best = index.best(containing)
        if best is None:
            raise self._missing("which chain it is", containing)
        return index.chain_to(best)

    def _refuse_missing(self, height: int) -> None:
        """A height beyond the tip may be one whose blocks, or whose ancestors, were deleted."""
        opened = self._open()
        roots = list(opened.index.roots())
        above = [h for root in roots if (h := self._stated_height(root)) is not None]
        if any(len(self._chain()) < stated <= height for stated in above):
            raise self._missing(f"for block {height}", None)

    def _missing(self, asked: str, containing: int | None) -> BlocksMissing:
        opened = self._open()
        index = opened.index
        if containing is not None:
            while index.parent(containing) >= 0:
                containing = index.parent(containing)
            roots = [containing]
        else:
            roots = list(index.roots())
        have = -1 if (best := index.best()) is None else int(index.height_of(best) or 0)
        stated = [h for root in roots if (h := self._stated_height(root)) is not None and h > have]
        first = Height(have + 1)
        last = Height(min(stated) - 1) if stated else None
        problem = (
            f"it holds no block at heights {first} to {last}"
            if last is not None
            else "blocks between the first one and those it holds are missing"
        )
        return BlocksMissing(
            source=self._source,
            asked=asked,
            problem=problem,
            first=first if last is not None else None,
            last=last,
            hint="".join(
                f" {name} holds no block at bytes {gap.offset} to {gap.end}: {gap.problem}."
                for name, gap in index.gaps[:3]
            ),
        )

    def _stated_height(self, number: int) -> Height | None:
        index = self._open().index
        place = index.place(number)
        with OpenFiles(index.directory) as files:
            # The coinbase's input is at the very beginning.
            return claimed_height(files.file(place.file).read(place.offset, min(place.size, 400)))

    def _block(self, number: int) -> Block:
        index = self._open().index
        place = index.place(number)
        with OpenFiles(index.directory) as files:
            raw = files.file(place.file).read(place.offset, place.size)
        try:
            block = Block.parse(raw)
        except MalformedBytes as error:
            text = f"{error.problem} at its byte {error.offset}"
            raise damaged(index, number, text) from error
        if raw[:80] != index.header_bytes(number) or not block.merkle_root_holds():
            raise damaged(index, number, "its transactions are not those its header commits to")
        return block

    def _walked(self, scripts: frozenset[bytes], until: BlockRef) -> WalkedSoFar:
        chain, index = self._chain(), self._open().index
        so_far = self._so_far
        if so_far is not None and not so_far.serves(scripts, full=self._reading.full):
            so_far = None
        if so_far is not None:
            so_far = so_far.within(chain, index)
            if so_far.last >= until.height:
                self._so_far = so_far
                return so_far
        kept: Sequence[ConfirmedTransaction] = () if so_far is None else so_far.history
        digests = {} if so_far is None else dict(so_far.digests)
        question_chain = chain[: until.height + 1]
        with self._reading.progress.stage("reading blocks", "bytes") as show:
            found = self._walk(
                Question(
                    index=index,
                    chain=question_chain,
                    scripts=scripts,
                    first=Height(0 if so_far is None else so_far.last + 1),
                    paid=_paid(kept, scripts),
                    full=self._reading.full,
                    digests=digests if self._reading.remember else None,
                    progress=show,
                )
            )
        self._so_far = WalkedSoFar(
            scripts=scripts,
            full=self._reading.full,
            chain=question_chain,
            history=(*kept, *found),
            digests=digests,
            files={} if so_far is None else so_far.files,
        )
        return self._so_far

    @property
    def _walk(self) -> Callable[[Question], list[ConfirmedTransaction]]:
        return self._reading.walk or walk_with(threads=1)

    def _look_again(self) -> None:
        """See what the node wrote since the last look; every question begins with it."""
        opened = self._opened
        if opened is None or not has_changed(opened.index):
            return
        if extend_index(opened.index):
            opened.chain = None
        else:
            self._opened = self._so_far = None

    def _ref(self, height: int) -> BlockRef:
        return BlockRef(Height(height), self._open().index.hash_of(self._chain()[height]))

    def _require(self, block: BlockRef) -> None:
        self._look_again()
        chain = self._chain()
        if block.height >= len(chain) or self._ref(block.height).hash != block.hash:
            raise BlockNotInBestChain(block=str(block), source=self._source)


class _Opened:
    """What reading the headers showed, and the chain once it is chosen."""

    def __init__(self, index: BlockIndex) -> None:
        self.index = index
        self.chain: array[int] | None = None


def _paid(
    history: Sequence[ConfirmedTransaction], scripts: frozenset[bytes]
) -> frozenset[OutPoint]:
    """The outputs of `scripts` that a history made, spent or not."""
    return frozenset(
        confirmed.transaction.outpoint(vout)
        for confirmed in history
        for vout, output in enumerate(confirmed.transaction.outputs)
        if output.script in scripts
    )
