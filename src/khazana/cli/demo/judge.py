"""The stranger: `khazana verify` in a process of its own, with nothing but files and a URL."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import khazana

PASSED, FAILED = 0, 1


def program(started_as: str) -> str:
    """How to call khazana again: as it was called now, by the shortest path.

    >>> program("khazana")
    'khazana'
    """
    path = Path(started_as)
    if path.name != "khazana" or not path.is_absolute():
        return started_as if path.name == "khazana" else "khazana"
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else started_as


@dataclass(frozen=True)
class Trial:
    """A verification and how it should end. failing: the checks that should fail."""

    title: str
    arguments: tuple[str, ...]
    failing: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The command for a person to paste, from the folder they are in."""
        return " ".join([program(sys.argv[0]), *self.arguments])


@dataclass(frozen=True)
class Outcome:
    trial: Trial
    status: int
    failed: tuple[str, ...]
    table: str
    problem: str

    @property
    def as_expected(self) -> bool:
        expected = FAILED if self.trial.failing else PASSED
        return self.status == expected and self.failed == self.trial.failing


_ROW = re.compile(r"^(?P<check>[a-z_]+) +(?P<verdict>passed|failed|not checkable) ")
"""A row of the table that `khazana verify` prints; its further lines are indented."""


def judged(trial: Trial) -> Outcome:
    """Verify in a process of its own, and read what it prints as a person would."""
    done = run_khazana(trial.arguments)
    rows = filter(None, map(_ROW.match, done.stdout.splitlines()))
    return Outcome(
        trial=trial,
        status=done.returncode,
        failed=tuple(row["check"] for row in rows if row["verdict"] == "failed"),
        table=done.stdout,
        problem=done.stderr.strip(),
    )


def run_khazana(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, as a stranger runs it."""
    # The child must find this very khazana, installed or not.
    source = str(Path(khazana.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, "-m", "khazana.cli.main", *arguments],
        env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
