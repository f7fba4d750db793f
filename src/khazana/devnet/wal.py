"""The write-ahead log of blocks: the source of truth of a devnet, in Bitcoin Core's flat format.

    magic 4 (fa bf b5 da) | length 4, little-endian | block     ... and so on, in order of arrival

A block is on the disk (fsync) before the validation engine sees it. Stale branches stay in the
log, so that a replay in order meets the same ties and chooses the same tip.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from khazana.bitcoin.block import HEADER_SIZE, Block
from khazana.bitcoin.hashes import displayed, sha256d
from khazana.bitcoin.network import REGTEST, Network
from khazana.bitcoin.reader import MalformedBytes
from khazana.errors import KhazanaError
from khazana.units import BlockHash

_PREFIX_SIZE = 8
_MAX_BLOCK_SIZE = 4_000_000  # consensus: 4,000,000 weight units, so never more bytes


@dataclass(eq=False, kw_only=True)
class BlockLogDamaged(KhazanaError):
    """A record in the middle of the block log cannot be read or is refused on replay."""

    path: str
    offset: int
    problem: str
    code = "block_log_damaged"
    words = (
        "The block log {path} is damaged at byte {offset}: {problem}. Nothing was changed. "
        "Restore the file from a copy, or move the directory away and start a new devnet."
    )


@dataclass(eq=False, kw_only=True)
class DiskWriteFailed(KhazanaError):
    """The disk did not take a record; it is not acknowledged."""

    path: str
    problem: str
    code = "disk_write_failed"
    words = "Could not write to {path}: {problem}. Nothing was acknowledged; free space and reopen."


@dataclass(frozen=True, slots=True)
class CutTail:
    """What was cut off the end of a log on opening: an append that never finished.

    kept_in: the file beside the log that holds the cut bytes.
    """

    offset: int
    size: int
    problem: str
    kept_in: Path


@dataclass(frozen=True, slots=True)
class _Record:
    offset: int
    size: int  # of the block, without magic and length


class BlockLog:
    """An open block log. One owner at a time: the devnet's lock file sees to it."""

    def __init__(self, path: Path, network: Network = REGTEST) -> None:
        """Open or create; a torn last record is cut off (see `cut`), damage before it refused."""
        self.path = path
        self.cut: CutTail | None = None
        self._network = network
        self._records: dict[BlockHash, _Record] = {}
        self._offsets: list[BlockHash] = []
        existed = path.exists()
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if not existed:
                sync_directory(path.parent)
            self._end = self._scan(path.read_bytes())
            os.lseek(self._fd, self._end, os.SEEK_SET)
        except BaseException:
            os.close(self._fd)
            raise

    def close(self) -> None:
        os.close(self._fd)

    def __len__(self) -> int:
        return len(self._offsets)

    def __contains__(self, block_hash: object) -> bool:
        return block_hash in self._records

    def __iter__(self) -> Iterator[BlockHash]:
        """The hashes of the logged blocks in order of arrival."""
        return iter(tuple(self._offsets))

    def offset_of(self, block_hash: BlockHash) -> int:
        """Where the record of a block starts, for error messages."""
        return self._records[block_hash].offset

    def append(self, raw: bytes, block_hash: BlockHash) -> None:
        """Log a block; it is on the disk when this returns."""
        if block_hash in self._records:
            raise ValueError(f"block {block_hash} is in the log already")
        record = self._network.magic + len(raw).to_bytes(4, "little") + raw
        try:
            write_all(self._fd, record)
            os.fsync(self._fd)
        except OSError as error:
            self._truncate(self._end)
            raise DiskWriteFailed(path=str(self.path), problem=str(error)) from error
        self._remember(block_hash, _Record(self._end, len(raw)))
        self._end += len(record)

    def read(self, block_hash: BlockHash) -> bytes:
        """A logged block; KeyError when it is not in the log."""
        record = self._records[block_hash]
        return os.pread(self._fd, record.size, record.offset + _PREFIX_SIZE)

    def drop_last(self) -> None:
        """Take back the newest record: the engine refused the block, so nobody was promised it."""
        block_hash = self._offsets.pop()
        self._end = self._records.pop(block_hash).offset
        self._truncate(self._end)

    def _remember(self, block_hash: BlockHash, record: _Record) -> None:
        self._records[block_hash] = record
        self._offsets.append(block_hash)

    def _truncate(self, size: int) -> None:
        os.ftruncate(self._fd, size)
        os.lseek(self._fd, size, os.SEEK_SET)
        os.fsync(self._fd)

    def _scan(self, data: bytes) -> int:
        """Find the records; returns where the next one goes."""
        offset = 0
        while offset < len(data):
            problem = self._problem_at(data, offset)
            if problem is not None:
                return self._cut_or_refuse(data, offset, problem)
            size = int.from_bytes(data[offset + 4 : offset + 8], "little")
            start = offset + _PREFIX_SIZE
            block_hash = BlockHash(displayed(sha256d(data[start : start + HEADER_SIZE])))
            if block_hash in self._records:
                raise self._damaged(offset, f"block {block_hash} appears a second time")
            self._remember(block_hash, _Record(offset, size))
            offset = start + size
        if self._offsets:
            # An append that the disk took only in part may have its full length but not its bytes.
            last = self._records[self._offsets[-1]]
            problem = _block_problem(data[last.offset + _PREFIX_SIZE :])
            if problem is not None:
                del self._records[self._offsets.pop()]
                return self._cut_or_refuse(data, last.offset, problem)
        return offset

    def _problem_at(self, data: bytes, offset: int) -> str | None:
        prefix = data[offset : offset + _PREFIX_SIZE]
        if len(prefix) < _PREFIX_SIZE:
            return f"{len(prefix)} of {_PREFIX_SIZE} bytes of a record's start"
        if prefix[:4] != self._network.magic:
            return f"{prefix[:4].hex()} where the magic {self._network.magic.hex()} belongs"
        size = int.from_bytes(prefix[4:], "little")
        if not HEADER_SIZE < size <= _MAX_BLOCK_SIZE:
            return f"a block of {size} bytes announced"
        left = len(data) - offset - _PREFIX_SIZE
        if left < size:
            return f"a block of {size} bytes announced, {left} left"
        return None

    def _cut_or_refuse(self, data: bytes, offset: int, problem: str) -> int:
        # Appends happen one at a time, so a torn one has nothing readable behind it. A record
        # behind the broken one means that the disk or somebody damaged what was acknowledged.
        after = offset + 1
        while (after := data.find(self._network.magic, after)) >= 0:
            if self._problem_at(data, after) is None:
                raise self._damaged(offset, problem)
            after += 1
        kept_in = self.path.with_name(f"{self.path.name}.cut-at-{offset}")
        kept_in.write_bytes(data[offset:])
        self.cut = CutTail(offset, len(data) - offset, problem, kept_in)
        self._truncate(offset)
        return offset

    def _damaged(self, offset: int, problem: str) -> BlockLogDamaged:
        return BlockLogDamaged(path=str(self.path), offset=offset, problem=problem)


def _block_problem(raw: bytes) -> str | None:
    try:
        block = Block.parse(raw)
    except MalformedBytes as error:
        return f"{error.problem} in the block"
    if not block.merkle_root_holds():
        return "the block's transactions are not those of its header"
    return None


def write_all(fd: int, data: bytes) -> None:
    """Write every byte: the system may take fewer than it was given."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def sync_directory(directory: Path) -> None:
    """Make a new or renamed file's name durable, not only its bytes."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
