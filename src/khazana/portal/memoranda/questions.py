"""What if: a worker asks `khazana conditions what-if` over the office's own books and chain."""

import json
import os
import subprocess
import sys
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django_tasks import task

from khazana.portal.audit.record import record
from khazana.portal.desk.office_store import OFFICE_TOML, read_file
from khazana.portal.memoranda.files import FILE, MemorandumNotTaken, sha256_of
from khazana.portal.memoranda.models import QuestionRow, QuestionState
from khazana.portal.statement.choosing import newest_statement
from khazana.portal.tasks.worker import Effect

MOST_SECONDS = 1800
TABLES = (("--statistics", "statistics.csv"), ("--liabilities", "liabilities.csv"))
"""Entered figures that the conditions need, where the office keeps them."""
BOOKS_UNTIL = "tip-5"
"""A block deep enough to stay."""


def ask(fields: dict[str, str], *, by: str, now: datetime) -> QuestionRow:
    """Write the question down with its task, or neither."""
    memorandum = read_file(FILE)
    if memorandum is None:
        raise MemorandumNotTaken(problem="the office has none yet")
    if not settings.DESK_SOURCE:
        raise MemorandumNotTaken(problem="the desk was started without a chain")
    with transaction.atomic():
        row = QuestionRow.objects.create(by=by, at=now, memorandum=sha256_of(memorandum), **fields)
        subject = f"{row.reason} {row.btc} BTC"
        record("what-if asked", actor=by, subject=subject[:256])
        answer.enqueue(row.pk)
    return row


@task()
def answer(pk: int) -> Effect:
    """Run the command in a process of its own; what it says is stored, whatever it is."""
    row = QuestionRow.objects.get(pk=pk)
    ended = subprocess.run(
        [sys.executable, "-m", "khazana.cli.main", "conditions", "what-if", *_words(row)],
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
        cwd=settings.OFFICE_DIR,
        env={k: v for k, v in os.environ.items() if not k.startswith("KHAZANA_PORTAL_")},
    )
    fields: dict[str, Any] = {"state": QuestionState.FAILED, "problem": ended.stderr[-2000:]}
    if ended.returncode in (0, 1) and ended.stdout.startswith("{"):
        fields = {"state": QuestionState.ANSWERED, "answer": json.loads(ended.stdout)}

    def store() -> dict[str, Any]:
        QuestionRow.objects.filter(pk=pk, state=QuestionState.WAITING).update(**fields)
        return {"question": pk, "state": str(fields["state"])}

    return Effect(store)


def _words(row: QuestionRow) -> list[str]:
    newest = newest_statement()
    words = [FILE, "--json", f"--reason={row.reason}", f"--account={row.account}"]
    words += [f"--btc={row.btc}", f"--office={OFFICE_TOML}", f"--chain={settings.DESK_SOURCE}"]
    words += [f"--from={'0' if newest is None else newest.until_hash}", f"--to={BOOKS_UNTIL}"]
    for option, value in (
        ("--cost", row.cost), ("--currency", row.currency), ("--paid-from", row.paid_from)
    ):  # fmt: skip
        words += [f"{option}={value}"] if value else []
    for option, name in TABLES:
        words += [f"{option}={name}"] if read_file(name) is not None else []
    return words
