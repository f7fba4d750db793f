"""A log's files on disk: each put in place in one step, durable before the next, one writer."""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from khazana.cli.files import FileNotUsable
from khazana.errors import KhazanaError

LOCK = ".lock"
NEW = ".new"
"""Ends the name of a file that is not whole yet; the next writer writes over it."""
WAIT_S = 10.0


@dataclass(eq=False, kw_only=True)
class LogBusy(KhazanaError):
    """Another process has the folder's lock."""

    path: str
    seconds: int
    code = "log_busy"
    words = (
        "{path}: another process has been writing here for {seconds} s. Wait for it to end; if it "
        "hangs, end it: its lock goes with it, and the log stays whole."
    )


@dataclass(frozen=True)
class DiskFolder:
    """Files below a directory, as khazana.statement.log.files.LogFolder asks for them.

    wait_s: how long to wait for another writer before giving up.
    """

    root: Path
    wait_s: float = WAIT_S

    def read(self, path: str, *, most: int) -> bytes | None:
        """The file's bytes; None when there is none. Refuses one larger than `most`."""
        place = self._place(path)
        try:
            with place.open("rb") as file:
                content = file.read(most + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _not_usable(place, error) from error
        if len(content) > most:
            raise FileNotUsable(path=str(place), problem=f"larger than {most} bytes; not read")
        return content

    def exists(self, path: str) -> bool:
        """Whether a file stands there."""
        return self._place(path).is_file()

    def write(self, path: str, content: bytes) -> None:
        """The file in one step: write beside it, make that durable, rename, make that durable."""
        self.write_all([(path, content)])

    def write_all(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Each file in one step, all of them durable on return, in no order among themselves."""
        written: list[tuple[Path, Path]] = []
        directories: set[Path] = set()
        place = self.root
        try:
            for path, content in files:
                place = self._place(path)
                directories |= self._directory(place.parent)
                directories.add(place.parent)
                # One name for each file, under the lock: what a killed process leaves is no litter.
                beside = place.with_name(f".{place.name}{NEW}")
                beside.write_bytes(content)
                written.append((beside, place))
            # All contents before the first rename: in between, a rename makes the next one wait.
            for beside, _ in written:
                _synced(beside)
            for beside, place in written:
                os.replace(beside, place)
            for directory in sorted(directories):
                _synced(directory)
        except OSError as error:
            for beside, _ in written:
                with contextlib.suppress(OSError):
                    beside.unlink(missing_ok=True)
            raise _not_usable(place, error) from error

    def remove(self, path: str) -> None:
        """Remove a file that nothing needs any more."""
        place = self._place(path)
        try:
            place.unlink(missing_ok=True)
        except OSError as error:
            raise _not_usable(place, error) from error

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder's lock, which ends with the process however that ends."""
        import fcntl  # not on Windows, where statements are verified but no log is kept

        place = self.root / LOCK
        try:
            self._directory(self.root)
            handle = os.open(place, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise _not_usable(place, error) from error
        try:
            until = time.monotonic() + self.wait_s
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= until:
                        busy = LogBusy(path=str(self.root), seconds=int(self.wait_s))
                        raise busy from None
                    time.sleep(0.01)
            yield
        finally:
            os.close(handle)

    def _place(self, path: str) -> Path:
        parts = path.split("/")
        if any(part in ("", ".", "..") for part in parts):
            raise ValueError(f"{path!r} is not a path inside a log")
        return self.root.joinpath(*parts)

    def _directory(self, directory: Path) -> set[Path]:
        """Make it and what leads to it; the directories that changed thereby."""
        if directory.is_dir():
            return set()
        changed = self._directory(directory.parent) | {directory.parent}
        directory.mkdir(exist_ok=True)
        return changed


def _synced(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _not_usable(place: Path, error: OSError) -> FileNotUsable:
    reason = (error.strerror or str(error)).lower()
    return FileNotUsable(path=str(place), problem=reason)
