"""The folder of a node's block files: opened read-only, read piece by piece.

Files are read with positioned reads, not mapped into memory: a node cuts preallocated space off a
file that it completes, and whoever has that space mapped is killed (SIGBUS) on touching it.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from khazana.bitcoin.blockfiles.errors import BlockFileDamaged, BlockFilesUnusable
from khazana.bitcoin.network import NETWORKS, Network

KEY_SIZE = 8
MAX_BLOCK_SIZE = 4_000_000
"""Consensus allows 4,000,000 weight units, so never more bytes."""

_BLOCK_FILE = re.compile(r"blk(\d{5,9})\.dat")


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells that a file has not been touched: size in bytes, time of its last change in ns."""

    name: str
    size: int
    changed_ns: int


@dataclass(frozen=True)
class BlockDirectory:
    """Where block files lie and how they are obfuscated.

    names: blk00000.dat and so on, in order of their numbers; gaps are allowed (a pruned node).
    key: eight bytes that every byte on disk is XORed with, by its offset; zero when it is plain.
    """

    path: Path
    names: tuple[str, ...]
    key: bytes

    @classmethod
    def open(cls, path: Path) -> Self:
        """Look at a folder with block files, or at a data directory with a folder `blocks`."""
        folder = path
        try:
            names = _block_files(folder)
            if not names and (path / "blocks").is_dir():
                folder = path / "blocks"
                names = _block_files(folder)
            key = _obfuscation_key(folder)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise _unusable(path, f"cannot be read ({reason})") from error
        if not names:
            raise _unusable(path, "no block files (blk00000.dat and so on) are there")
        return cls(folder, names, key)

    @property
    def is_obfuscated(self) -> bool:
        return any(self.key)

    def state(self, name: str) -> FileState:
        """Size and time of last change, of the file as it is now."""
        try:
            found = os.stat(self.path / name)
        except OSError as error:
            raise self._unreadable(name, 0, error) from error
        return FileState(name, found.st_size, found.st_mtime_ns)

    def network(self) -> Network:
        """The network whose magic begins the first file that holds a block."""
        by_magic = {network.magic: network for network in NETWORKS.values()}
        for name in self.names:
            with OpenFile(self, name) as file:
                found = by_magic.get(file.read(0, 4))
            if found is not None:
                return found
        raise _unusable(
            self.path, "no file begins with the magic of a known network (is xor.dat missing?)"
        )

    def _unreadable(self, name: str, offset: int, error: OSError) -> BlockFileDamaged:
        return BlockFileDamaged(
            source=str(self.path),
            asked="for its blocks",
            problem=f"it cannot be read ({(error.strerror or str(error)).lower()})",
            file=str(self.path / name),
            offset=offset,
        )


class OpenFile:
    """One block file, open for reading; a context manager."""

    __slots__ = ("_directory", "_fd", "_keys", "name", "size")

    def __init__(self, directory: BlockDirectory, name: str) -> None:
        """The size is that of this moment: what a running node appends later is not seen."""
        self.name = name
        self._directory = directory
        try:
            self._fd = os.open(directory.path / name, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise directory._unreadable(name, 0, error) from error
        self.size = os.fstat(self._fd).st_size
        # The key as it applies from each of the eight possible offsets on.
        doubled = directory.key * 2
        self._keys = [doubled[i : i + KEY_SIZE] for i in range(KEY_SIZE)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def read_raw(self, offset: int, count: int) -> bytes:
        """Bytes as they lie on the disk; fewer where the file ends."""
        try:
            return os.pread(self._fd, count, offset)
        except OSError as error:
            raise self._directory._unreadable(self.name, offset, error) from error

    def read_into(self, buffer: memoryview, offset: int) -> int:
        """Fill a buffer with bytes as they lie on the disk; how many there were."""
        done = 0
        try:
            while done < len(buffer):
                count = os.preadv(self._fd, [buffer[done:]], offset + done)
                if count == 0:
                    break
                done += count
        except OSError as error:
            raise self._directory._unreadable(self.name, offset, error) from error
        return done

    def read(self, offset: int, count: int) -> bytes:
        """Bytes with the obfuscation taken off; fewer where the file ends."""
        raw = self.read_raw(offset, count)
        return self.plain(raw, offset) if self._directory.is_obfuscated else raw

    def plain(self, raw: bytes, offset: int) -> bytes:
        """Take the obfuscation off bytes that lie at `offset`."""
        key = self._keys[offset % KEY_SIZE]
        stream = key * (len(raw) // KEY_SIZE + 1)
        # One big number: the quickest XOR of byte strings that plain Python has.
        mixed = int.from_bytes(raw, "little") ^ int.from_bytes(stream[: len(raw)], "little")
        return mixed.to_bytes(len(raw), "little")

    def disguised(self, plain: bytes, offset: int) -> bytes:
        """How plain bytes look on the disk at an offset: XOR is its own inverse."""
        return self.plain(plain, offset)


class OpenFiles:
    """The files of a directory, each opened when first read; closed together."""

    def __init__(self, directory: BlockDirectory) -> None:
        self.directory = directory
        self._open: dict[int, OpenFile] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        for file in self._open.values():
            file.close()
        self._open.clear()

    def file(self, number: int) -> OpenFile:
        """By the file's place in `directory.names`."""
        found = self._open.get(number)
        if found is None:
            if len(self._open) >= _MOST_OPEN:
                self._open.pop(next(iter(self._open))).close()
            found = self._open[number] = OpenFile(self.directory, self.directory.names[number])
        return found


_MOST_OPEN = 64
"""Blocks lie nearly in order: a few files at a time are in use."""


def _block_files(folder: Path) -> tuple[str, ...]:
    numbered: list[tuple[int, str]] = []
    for name in os.listdir(folder):
        match = _BLOCK_FILE.fullmatch(name)
        if match:
            numbered.append((int(match[1]), name))
    return tuple(name for _, name in sorted(numbered))


def _obfuscation_key(folder: Path) -> bytes:
    file = folder / "xor.dat"
    try:
        with file.open("rb") as opened:
            key = opened.read(KEY_SIZE + 1)
    except FileNotFoundError:
        return bytes(KEY_SIZE)  # nodes before Bitcoin Core 28 wrote plain files
    if len(key) != KEY_SIZE:
        raise _unusable(folder, f"xor.dat has not the {KEY_SIZE} bytes of a key")
    return key


def _unusable(path: Path, problem: str) -> BlockFilesUnusable:
    return BlockFilesUnusable(source=str(path), asked="for its blocks", problem=problem)
