"""The stranger: `khazana verify` in a process of its own, with nothing but files and a URL."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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


def judged(trial: Trial) -> Outcome:
    """Verify twice in separate processes: once for people, once for this program."""
    with ThreadPoolExecutor(2) as both:
        table, report = both.map(_run, (trial.arguments, (*trial.arguments, "--json")))
    try:
        checks = json.loads(report.stdout)["checks"]
    except (ValueError, KeyError):
        checks = []
    return Outcome(
        trial=trial,
        status=table.returncode,
        failed=tuple(check["name"] for check in checks if check["verdict"] == "failed"),
        table=table.stdout,
        problem=(table.stderr or report.stderr).strip(),
    )


def _run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
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
