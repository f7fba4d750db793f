"""The portal's own check: the stranger's command, in a process of its own, against its own source.

What it says is shown beside the statement, and is worth no more than the portal's word: whoever
wants to know runs the same command.
"""

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction

from khazana.errors import KhazanaError
from khazana.portal.statement.models import FileKind, FileRow, ReportRow, StatementRow

MOST_SECONDS = 1800
"""A check of a large statement against block files takes minutes; after this it is given up."""
PROFILE = "control"
ASK_AGAIN = timedelta(days=1)
"""After a check that could not be made; most such checks lack a paper, not the source."""


class CheckFailedToRun(KhazanaError):
    """The command ended without a report."""

    code = "check_failed_to_run"
    words = "khazana verify gave no report for the statement; see the portal's log"


def unchecked(statement: StatementRow, *, now: datetime) -> bool:
    """Whether no report speaks of the statement's present bytes, or the last could not say: the
    source may have been silent, which another day it is not.
    """
    report = ReportRow.objects.filter(statement=statement, sha256=statement.sha256).first()
    return report is None or (
        report.exit_status not in (0, 1) and report.checked_at + ASK_AGAIN < now
    )


def check_statement(statement: StatementRow, source: str) -> ReportRow:
    """Run the command and keep its report; what was kept before stays until a new one is there."""
    with tempfile.TemporaryDirectory() as name:
        arguments = _arguments(statement, Path(name), source)
        ended = subprocess.run(
            [sys.executable, "-m", "khazana.cli.main", *arguments],
            capture_output=True,
            timeout=MOST_SECONDS,
            check=False,
            cwd=name,
            env=environment(),
        )
    document = _report(ended.stdout)
    with transaction.atomic():
        row, _ = ReportRow.objects.update_or_create(
            statement=statement,
            defaults={
                "sha256": statement.sha256,
                "source": source.partition(":")[0],
                "checked_at": datetime.now(UTC),
                "exit_status": document["exit_status"],
                "document": document,
            },
        )
    return row


def environment() -> dict[str, str]:
    """Ours without the portal's secrets; the check needs none of them."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("KHAZANA_PORTAL_")
    }


def _arguments(statement: StatementRow, folder: Path, source: str) -> list[str]:
    """The command's words, with the files that it reads written into the folder."""
    (folder / "statement.json").write_bytes(bytes(statement.raw))
    words = ["verify", "statement.json", "--chain", source, "--require", PROFILE, "--json"]
    if statement.office.fingerprint:
        words += ["--office", statement.office.fingerprint]
    previous = StatementRow.objects.filter(office=statement.office, root=statement.previous).first()
    if previous is not None:
        (folder / "previous.json").write_bytes(bytes(previous.raw))
        words += ["--previous", "previous.json"]
    for kind, option, name in (
        (FileKind.VALUATION, "--valuation", "valuation.json"),
        (FileKind.MEMORANDUM, "--memorandum", "memorandum.toml"),
    ):
        file = FileRow.objects.filter(statement=statement, kind=kind).first()
        if file is not None:
            (folder / name).write_bytes(bytes(file.raw))
            words += [option, name]
    return words


def _report(printed: bytes) -> dict[str, Any]:
    try:
        document = json.loads(printed)
    except ValueError as error:
        raise CheckFailedToRun() from error
    if not isinstance(document, dict) or document.get("format") != "khazana.report/1":
        raise CheckFailedToRun()
    return document
