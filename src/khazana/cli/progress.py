"""A bar on the terminal for readings that take minutes: how far, how fast, how long still."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

_SHOWN_EVERY_S = 0.2
_CELLS = 24


class Bar:
    """Shown on a terminal only; a log file gets nothing."""

    def __init__(
        self, stream: TextIO | None = None, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._seconds = seconds

    @contextmanager
    def stage(self, title: str, unit: str) -> Iterator[Callable[[int, int], None]]:
        if not self._stream.isatty():
            yield lambda done, total: None
            return
        begun = self._seconds()
        shown = begun - _SHOWN_EVERY_S

        def show(done: int, total: int) -> None:
            nonlocal shown
            now = self._seconds()
            if now - shown >= _SHOWN_EVERY_S or done == total:
                shown = now
                line = bar_line(title, unit, done=done, total=total, passed_s=now - begun)
                width = shutil.get_terminal_size((100, 24)).columns - 1
                self._stream.write("\r" + line[:width].ljust(width))
                self._stream.flush()

        try:
            yield show
        finally:
            if shown >= begun:
                # Also after Ctrl-C: what comes next starts on a line of its own.
                self._stream.write("\n")
                self._stream.flush()


def bar_line(title: str, unit: str, *, done: int, total: int, passed_s: float) -> str:
    """One line of progress.

    >>> bar_line("reading blocks", "bytes", done=600_000_000, total=2_400_000_000, passed_s=2.0)
    'reading blocks ######..................  25 %  300 MB/s  6 s left'
    >>> bar_line("looking for blocks", "files", done=0, total=20, passed_s=0.0)
    'looking for blocks ........................   0 %'
    """
    share = done / total if total else 1.0
    cells = "#" * int(share * _CELLS)
    line = f"{title} {cells.ljust(_CELLS, '.')} {int(share * 100):3} %"
    if not done or passed_s <= 0:
        return line
    rate = done / passed_s
    speed = f"{rate / 1e6:.0f} MB/s" if unit == "bytes" else f"{rate:.0f} {unit}/s"
    left_s = round((total - done) / rate)
    hours, minutes = left_s // 3600, left_s % 3600 // 60
    left = f"{hours} h {minutes:02} min" if hours else f"{minutes} min {left_s % 60:02} s"
    return f"{line}  {speed}  {left if left_s >= 60 else f'{left_s} s'} left"
