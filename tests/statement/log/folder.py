"""A log folder in memory that can die at any write, for tests of what a crash leaves."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Killed(Exception):
    """The process died here."""


class MemoryFolder:
    """Files in memory. dies_at: the write that never happens; after: it happens, then dies."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = dict(files or {})
        self.writes: list[str] = []
        self.dies_at: int | None = None
        self.after = False

    def read(self, path: str, *, most: int) -> bytes | None:
        found = self.files.get(path)
        if found is not None and len(found) > most:
            raise ValueError(path)
        return found

    def write(self, path: str, content: bytes) -> None:
        dies = self.dies_at == len(self.writes)
        self.writes.append(path)
        if dies and not self.after:
            raise Killed(path)
        self.files[path] = content
        if dies:
            raise Killed(path)

    def write_all(self, files: Iterable[tuple[str, bytes]]) -> None:
        for path, content in files:
            self.write(path, content)

    @contextmanager
    def alone(self) -> Iterator[None]:
        yield
