"""progress.json: how far the demo has come, for whoever shows it while it plays."""

import json
from collections.abc import Mapping
from pathlib import Path
from time import monotonic

from khazana.cli.demo.chronicle import Chronicle
from khazana.cli.demo.directory import PROGRESS
from khazana.cli.demo.timeline import Timeline
from khazana.cli.files import write_whole
from khazana.statement.checks import TEST_NOTICE

_SECONDS_BETWEEN = 0.3


class ProgressFile:
    """Written whole, a few times a second at the most.

    stage: playing, publishing, witnessing, verifying, ready or failed.
    """

    def __init__(self, directory: Path, timeline: Timeline) -> None:
        self._path = directory / PROGRESS
        self._timeline = timeline
        self._day = 0
        self._stage = "playing"
        self._offices: Mapping[str, Chronicle] = {}
        self._written = 0.0

    def begin(self, offices: Mapping[str, Chronicle]) -> None:
        self._offices = offices
        self._write()

    def day(self, height: int) -> None:
        self._day = height
        if monotonic() - self._written >= _SECONDS_BETWEEN:
            self._write()

    def stage(self, name: str) -> None:
        self._stage = name
        self._write()

    def _write(self) -> None:
        document = {
            "day": self._day,
            "days": self._timeline.days,
            "date": f"{self._timeline.instant(self._day):%Y-%m-%d}",
            "stage": self._stage,
            "notice": TEST_NOTICE,
            "offices": {name: _office(its) for name, its in self._offices.items()},
        }
        write_whole(self._path, (json.dumps(document, indent=1) + "\n").encode())
        self._written = monotonic()


def _office(chronicle: Chronicle) -> dict[str, object]:
    if not chronicle.publications:
        return {"statements": 0, "newest": None, "closed": None}
    newest = chronicle.newest
    return {
        "statements": len(chronicle.publications),
        "newest": f"statements/{newest.stem}.json",
        "closed": str(newest.closed),
    }
