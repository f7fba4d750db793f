"""A devnet's directory: what lies where, and who holds it.

blocks/blk00000.dat   the block log, readable by whatever reads a node's block files
mempool.dat           the mempool's log
faucet-seed           32 bytes in hex
lock                  held while a process has the devnet open; contains its process id
engine/               scratch of the validation engine; deleted on opening and closing
"""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from khazana.devnet.faucet import SEED_SIZE
from khazana.devnet.wal import sync_directory, write_all
from khazana.errors import KhazanaError

_OURS = frozenset(
    {"blocks", "mempool.dat", "mempool.dat.new", "faucet-seed", "faucet-seed.new", "lock", "engine"}
)


@dataclass(eq=False, kw_only=True)
class DevnetInUse(KhazanaError):
    """Another process, or another part of this one, has the devnet open."""

    directory: str
    pid: str
    code = "devnet_in_use"
    words = (
        "The devnet in {directory} is open in process {pid}. Stop that process, talk to it over "
        "HTTP, or use another directory."
    )


@dataclass(eq=False, kw_only=True)
class NotADevnet(KhazanaError):
    """The directory holds something else, which is left alone."""

    directory: str
    problem: str
    code = "not_a_devnet"
    words = "{directory} is no devnet: {problem}. Name an empty or new directory."


class DevnetDirectory:
    """The directory, held exclusively until `release`."""

    def __init__(self, path: Path) -> None:
        """Create or take over. Raises `DevnetInUse`, `NotADevnet`."""
        self.path = path.absolute()
        _check_is_ours(self.path)
        try:
            (self.path / "blocks").mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise NotADevnet(directory=str(self.path), problem=str(error)) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.pread(self._lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._lock)
            raise DevnetInUse(directory=str(self.path), pid=pid) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let others have it. The lock file stays: removing it would let two processes in."""
        os.close(self._lock)

    @property
    def blocks(self) -> Path:
        return self.path / "blocks" / "blk00000.dat"

    @property
    def mempool(self) -> Path:
        return self.path / "mempool.dat"

    @property
    def engine(self) -> Path:
        return self.path / "engine"

    def faucet_seed(self, default: bytes) -> bytes:
        """The seed in this directory; `default` is written down when there is none yet."""
        path = self.path / "faucet-seed"
        if not path.exists():
            fresh = path.with_name("faucet-seed.new")
            fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                write_all(fd, default.hex().encode() + b"\n")
                os.fsync(fd)
            finally:
                os.close(fd)
            os.replace(fresh, path)
            sync_directory(self.path)
        text = path.read_text("ascii", "replace").strip()
        try:
            seed = bytes.fromhex(text)
        except ValueError:
            seed = b""
        if len(seed) != SEED_SIZE:
            raise NotADevnet(
                directory=str(self.path),
                problem=f"its file faucet-seed does not hold {2 * SEED_SIZE} hex digits",
            )
        return seed


def _check_is_ours(path: Path) -> None:
    """Refuse a directory with other content: opening deletes the engine's scratch in it."""
    if not path.exists():
        return
    if not path.is_dir():
        raise NotADevnet(directory=str(path), problem="it is not a directory")
    if (path / "blocks" / "blk00000.dat").exists() and (path / "lock").exists():
        return
    strangers = sorted({entry.name for entry in path.iterdir()} - _OURS)
    if strangers:
        raise NotADevnet(directory=str(path), problem=f"it holds {strangers[0]!r}")
