"""Which ids stand in an extract twice, found with fingerprints on disk, a group at a time."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

import numpy as np

from khazana.supervision.solvency.kernel_rows import equal_prints, group_prints

MOST_GROUP_BITS = 9


class Fingerprints:
    """Fingerprints of 64 bits, written to a file piece by piece, ordered by their first bits.

    expected: about how many, from which follows how many groups of some 60,000 there are.
    """

    def __init__(self, spool: BinaryIO, *, expected: int) -> None:
        self._spool = spool
        self._bits = max(1, min(MOST_GROUP_BITS, (expected >> 16).bit_length()))
        self._at = 0
        self._pieces: list[tuple[int, Any]] = []

    def add(self, prints: Sequence[Any]) -> None:
        every = np.concatenate([*prints, np.empty(0, np.uint64)])
        ordered = np.empty(len(every), np.uint64)
        starts = np.zeros((1 << self._bits) + 1, np.int64)
        group_prints(every, self._bits, ordered, starts)
        self._spool.write(ordered.data)
        self._pieces.append((self._at, starts))
        self._at += ordered.nbytes

    def equal(self, pool: ThreadPoolExecutor, *, most: int) -> Any:
        """Those that occur more than once, sorted; `most` of them at the most."""
        self._spool.flush()
        found = np.empty(0, np.uint64)
        for equal in pool.map(self._equal_in, range(1 << self._bits)):
            if len(equal):
                found = np.union1d(found, equal)[:most]
        return found

    def _equal_in(self, group: int) -> Any:
        parts = []
        for at, starts in self._pieces:
            size = 8 * int(starts[group + 1] - starts[group])
            raw = os.pread(self._spool.fileno(), size, at + 8 * int(starts[group]))
            parts.append(np.frombuffer(raw, np.uint64))
        prints = np.concatenate([*parts, np.empty(0, np.uint64)])
        table = np.zeros(1 << max(1, 2 * len(prints)).bit_length(), np.uint64)
        found = np.empty(len(prints), np.uint64)
        return found[: equal_prints(prints, table, found)]
