"""The mempool's own log: what was acknowledged is on the disk, whatever happens next.

    record:   length 4, little-endian | first 4 bytes of SHA-256(payload) | payload
    payload:  count | txids that left, 32 bytes each | count | (length | transaction) that joined

Counts and lengths are CompactSize. One record is one change, so a replacement either happened or
did not. A torn last record is cut off: nobody was told about it. The log is written anew, short,
when it is opened and when most of it has become history.
"""

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from khazana.bitcoin.hashes import displayed, from_displayed, sha256
from khazana.bitcoin.reader import MalformedBytes, Reader, compact_size
from khazana.bitcoin.transaction import Transaction
from khazana.devnet.wal import DiskWriteFailed, sync_directory, write_all
from khazana.errors import KhazanaError
from khazana.units import Txid

_PREFIX_SIZE = 8
_WORTH_COMPACTING = 4_000_000  # bytes


@dataclass(eq=False, kw_only=True)
class MempoolLogDamaged(KhazanaError):
    """A record in the middle of the mempool log is not what was written."""

    path: str
    offset: int
    problem: str
    code = "mempool_log_damaged"
    words = (
        "The mempool log {path} is damaged at byte {offset}: {problem}. Nothing was changed. "
        "Restore the file from a copy, or remove it: blocks are kept, waiting transactions are not."
    )


class MempoolLog:
    """An open mempool log. One owner at a time: the devnet's lock file sees to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1
        self._size = 0

    def load(self) -> list[Transaction]:
        """The transactions that waited, in order of arrival. Call once, then `rewrite`."""
        if not self.path.exists():
            return []
        return _replay(self.path, self.path.read_bytes())

    def rewrite(self, waiting: Iterable[Transaction]) -> None:
        """Replace the log by one that says only what waits now, in one step."""
        fresh = self.path.with_name(self.path.name + ".new")
        fd = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        data = b"".join(_record(joined=[transaction], left=()) for transaction in waiting)
        try:
            write_all(fd, data)
            os.fsync(fd)
            os.replace(fresh, self.path)
            sync_directory(self.path.parent)
        except OSError as error:
            os.close(fd)
            raise DiskWriteFailed(path=str(self.path), problem=str(error)) from error
        self.close()
        self._fd, self._size = fd, len(data)

    def append(
        self, *, joined: Collection[Transaction] = (), left: Collection[Txid] = (), sync: bool
    ) -> None:
        """Log one change. With `sync` it is on the disk when this returns."""
        if not joined and not left:
            return
        record = _record(joined=joined, left=left)
        try:
            write_all(self._fd, record)
            if sync:
                os.fsync(self._fd)
        except OSError as error:
            os.ftruncate(self._fd, self._size)
            os.lseek(self._fd, self._size, os.SEEK_SET)
            raise DiskWriteFailed(path=str(self.path), problem=str(error)) from error
        self._size += len(record)

    @property
    def is_worth_rewriting(self) -> bool:
        return self._size > _WORTH_COMPACTING

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _record(*, joined: Collection[Transaction], left: Collection[Txid]) -> bytes:
    pieces = [compact_size(len(left)), *(from_displayed(txid) for txid in left)]
    pieces.append(compact_size(len(joined)))
    for transaction in joined:
        raw = transaction.serialize()
        pieces += [compact_size(len(raw)), raw]
    payload = b"".join(pieces)
    return len(payload).to_bytes(4, "little") + sha256(payload)[:4] + payload


def _replay(path: Path, data: bytes) -> list[Transaction]:
    waiting: dict[Txid, Transaction] = {}
    offset = 0
    while offset < len(data):
        start = offset + _PREFIX_SIZE
        size = int.from_bytes(data[offset : offset + 4], "little")
        payload = data[start : start + size]
        if len(payload) < size or start > len(data):
            break  # the last append never finished
        if sha256(payload)[:4] != data[offset + 4 : start]:
            if start + size == len(data) or not any(data[offset:]):
                break  # the last append reached its length but not all its bytes
            raise MempoolLogDamaged(path=str(path), offset=offset, problem="the checksum is wrong")
        try:
            _apply(payload, waiting)
        except MalformedBytes as error:
            raise MempoolLogDamaged(path=str(path), offset=offset, problem=str(error)) from error
        offset = start + size
    return parents_first(waiting)


def parents_first(waiting: dict[Txid, Transaction]) -> list[Transaction]:
    """The transactions in their order, but none before one that it spends from.

    A transaction that a reorganisation brought back was logged after what spends from it.
    """
    ordered: dict[Txid, Transaction] = {}
    for first in waiting:
        todo = [first]
        while todo:
            txid = todo[-1]
            missing = [
                i.outpoint.txid
                for i in waiting[txid].inputs
                if i.outpoint.txid in waiting and i.outpoint.txid not in ordered
            ]
            if missing:
                todo += missing
            else:
                ordered[txid] = waiting[todo.pop()]
    return list(ordered.values())


def _apply(payload: bytes, waiting: dict[Txid, Transaction]) -> None:
    reader = Reader(payload, "mempool record")
    for _ in range(reader.count(32)):
        waiting.pop(Txid(displayed(reader.take(32))), None)
    for _ in range(reader.count(1)):
        transaction = Transaction.parse(reader.sized())
        waiting[transaction.txid] = transaction
    reader.finish()
