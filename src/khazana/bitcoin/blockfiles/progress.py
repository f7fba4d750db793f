"""What a long reading tells those who wait for it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Show = Callable[[int, int], None]
"""Told how much is done, and how much there is to do."""


class Progress(Protocol):
    """Somebody who shows how far a reading is."""

    def stage(self, title: str, unit: str) -> AbstractContextManager[Show]:
        """A part of the work. unit: "bytes" or "files"."""


class Silent:
    """Shows nothing."""

    @contextmanager
    def stage(self, title: str, unit: str) -> Iterator[Show]:
        yield lambda done, total: None


SILENT = Silent()
