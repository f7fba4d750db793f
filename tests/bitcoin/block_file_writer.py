"""Folders of block files as a node leaves them, and worse: written for tests."""

import random
from collections.abc import Iterable, Sequence
from pathlib import Path

from khazana.bitcoin.block import Block
from khazana.bitcoin.network import REGTEST

KEY = bytes.fromhex("7ee6e65d218a167e")


def record(raw: bytes, magic: bytes = REGTEST.magic) -> bytes:
    return magic + len(raw).to_bytes(4, "little") + raw


def masked(content: bytes, key: bytes, offset: int = 0) -> bytes:
    return bytes(byte ^ key[(offset + i) % 8] for i, byte in enumerate(content))


def write_file(
    folder: Path, number: int, content: bytes, *, key: bytes | None = KEY, padding: int = 0
) -> Path:
    """One file. padding: bytes allocated in advance, which are plain zeros on the disk."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"blk{number:05}.dat"
    path.write_bytes((content if key is None else masked(content, key)) + bytes(padding))
    if key is not None:
        (folder / "xor.dat").write_bytes(key)
    return path


def write_blocks(
    folder: Path,
    blocks: Iterable[Block],
    *,
    files: int = 1,
    key: bytes | None = KEY,
    shuffle: int | None = None,
    gaps: Sequence[bytes] = (b"",),
    padding: int = 0,
) -> list[Path]:
    """Spread blocks over files. shuffle: seed of an order; gaps: what lies between records."""
    ordered = list(blocks)
    if shuffle is not None:
        # Bitcoin Core always writes the genesis block first.
        rest = ordered[1:]
        random.Random(shuffle).shuffle(rest)
        ordered = [ordered[0], *rest]
    share = -(-len(ordered) // files)
    paths = []
    for number in range(files):
        part = ordered[number * share : (number + 1) * share]
        content = b"".join(
            record(block.serialize()) + gaps[i % len(gaps)] for i, block in enumerate(part)
        )
        last = number == files - 1
        paths.append(write_file(folder, number, content, key=key, padding=padding if last else 0))
    return paths


class AppendingNode:
    """Writes the blocks of a chain that are not in its file yet, as a running node does."""

    def __init__(self, folder: Path, *, key: bytes | None = KEY) -> None:
        self.folder = folder
        self._key = key
        self._written: set[str] = set()
        self._size = 0

    def write(self, blocks: Iterable[Block]) -> None:
        new = [block for block in blocks if block.hash not in self._written]
        self._written.update(block.hash for block in new)
        content = b"".join(record(block.serialize()) for block in new)
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._key is not None:
            (self.folder / "xor.dat").write_bytes(self._key)
            content = masked(content, self._key, self._size)
        with (self.folder / "blk00000.dat").open("ab") as file:
            file.write(content)
        self._size += len(content)
