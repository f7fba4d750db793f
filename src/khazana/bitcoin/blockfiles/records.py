"""The records of a block file: magic, length, block, with gaps of any kind between them.

    magic 4 | length 4, little-endian | block        all XORed with the key, by offset

Space that a node allocated in advance is zero on the disk, *before* the key is applied. What is
neither a record nor such space is stepped over as a node's own -reindex does, and remembered: where
blocks turn out to be missing, the places are named.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from khazana.bitcoin.block import HEADER_SIZE
from khazana.bitcoin.blockfiles.directory import KEY_SIZE, MAX_BLOCK_SIZE, OpenFile
from khazana.bitcoin.hashes import sha256d
from khazana.bitcoin.network import Network
from khazana.bitcoin.work import BadCompactTarget, target_of

PREFIX_SIZE = 8
_SMALLEST_BLOCK = HEADER_SIZE + 1
_FIRST_WINDOW = 1 << 8
_WINDOW = 1 << 20
_NOT_ZERO = re.compile(rb"[^\x00]")


@dataclass(frozen=True, slots=True)
class Record:
    """A block in a file. offset: where its header begins. hash_le: of the header."""

    offset: int
    size: int
    header: bytes
    hash_le: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a file that holds no block, and why the scan stepped over it."""

    offset: int
    end: int
    problem: str


def records_of(
    file: OpenFile, *, network: Network, start: int = 0, on_gap: Callable[[Gap], None]
) -> Iterator[Record]:
    """The records of a file in the order they lie in it, each with proof of work.

    Only what the file held when it was opened. A record whose announced length goes beyond the
    end is one that the node has not finished.
    """
    magic_at = [file.disguised(network.magic, offset) for offset in range(KEY_SIZE)]
    # Looked ahead for, so that a magic which overlaps a mere look-alike is found as well.
    pattern = re.compile(b"(?=(" + b"|".join(re.escape(magic) for magic in set(magic_at)) + b"))")
    targets: dict[bytes, int | None] = {}
    offset = start
    while offset < file.size:
        head = file.read(offset, PREFIX_SIZE + HEADER_SIZE)
        problem = _problem(head, offset, file.size, network)
        if problem is None:
            header = head[PREFIX_SIZE:]
            hash_le = sha256d(header)
            problem = _work_problem(header, hash_le, network, targets)
            if problem is None:
                size = int.from_bytes(head[4:PREFIX_SIZE], "little")
                yield Record(offset + PREFIX_SIZE, size, header, hash_le)
                offset += PREFIX_SIZE + size
                continue
        following = _next_magic(file, offset + 1, magic_at, pattern)
        # Space allocated in advance is no news.
        if not _only_zeros(file, offset, following):
            on_gap(Gap(offset, following, problem))
        offset = following


def _problem(head: bytes, offset: int, end: int, network: Network) -> str | None:
    if head[:4] != network.magic:
        return "no record begins here"
    size = int.from_bytes(head[4:PREFIX_SIZE], "little")
    if not _SMALLEST_BLOCK <= size <= MAX_BLOCK_SIZE:
        return f"a block of {size} bytes is announced"
    if offset + PREFIX_SIZE + size > end or len(head) < PREFIX_SIZE + HEADER_SIZE:
        return f"a block of {size} bytes is announced, {end - offset - PREFIX_SIZE} are left"
    return None


def _work_problem(
    header: bytes, hash_le: bytes, network: Network, targets: dict[bytes, int | None]
) -> str | None:
    bits = header[72:76]
    if bits not in targets:
        targets[bits] = _target(int.from_bytes(bits, "little"), network)
    target = targets[bits]
    if target is None or int.from_bytes(hash_le, "little") > target:
        return "a header without proof of work"
    return None


def _target(bits: int, network: Network) -> int | None:
    try:
        target = target_of(bits)
    except BadCompactTarget:
        return None
    return target if target <= target_of(network.pow_limit_bits) else None


def _next_magic(
    file: OpenFile, offset: int, magic_at: list[bytes], pattern: re.Pattern[bytes]
) -> int:
    """The next offset at which the magic stands, or the end of the file."""
    # Small steps first: a file full of false magics must not cost a large window for each.
    step = _FIRST_WINDOW
    while offset < file.size:
        window = file.read_raw(offset, step + len(magic_at[0]) - 1)
        for match in pattern.finditer(window):
            place = offset + match.start()
            if match.group(1) == magic_at[place % KEY_SIZE] and place < file.size:
                return place
        offset += step
        step = min(2 * step, _WINDOW)
    return file.size


def _only_zeros(file: OpenFile, start: int, end: int) -> bool:
    for offset in range(start, end, _WINDOW):
        if _NOT_ZERO.search(file.read_raw(offset, min(_WINDOW, end - offset))):
            return False
    return True
