"""A draft: asked for by its period, made by a worker, discarded or made anew."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_tasks import task

from khazana.ledger.documents import Reason
from khazana.portal.audit.record import record
from khazana.portal.desk.models import DraftRow, DraftState
from khazana.portal.desk.office_store import OFFICE_JSON, OFFICE_TOML, read_file
from khazana.portal.desk.steps import DraftRefused, inputs_now, locked_draft
from khazana.portal.statement.choosing import newest_statement, standing_statements
from khazana.portal.statement.models import StatementRow
from khazana.portal.tasks.worker import Effect
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.reserve.summary import summary_lines

MOST_SECONDS = 3600
MOST_REASON = 500


@dataclass(frozen=True)
class Quarter:
    """A quarter that is over. after, until: days whose close in the office's zone bounds it."""

    after: date
    until: date

    @property
    def name(self) -> str:
        """As it is chosen, such as 2026-Q3."""
        return f"{self.until.year}-Q{self.until.month // 3}"


def quarters_before(today: date, *, count: int = 8) -> Iterator[Quarter]:
    """The quarters that ended before a day, the newest first.

    >>> next(quarters_before(date(2026, 11, 23)))
    Quarter(after=datetime.date(2026, 6, 30), until=datetime.date(2026, 9, 30))
    """
    first = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    for _ in range(count):
        until = first - timedelta(days=1)
        first = date(until.year, until.month - 2, 1)
        yield Quarter(first - timedelta(days=1), until)


def begin_draft(*, after: str, until: str, by: str) -> DraftRow:
    """Ask a worker for a statement; it is written down with the task, or neither is."""
    return _begun(after=after[:80], until=until[:80], by=by)


def begin_correction(root: str, *, reason: str, by: str) -> DraftRow:
    """A statement of the same period that supersedes a published one; the old one stays there."""
    old = standing_statements().filter(root=root).first()
    if old is None:
        raise DraftRefused(problem="no published statement that stands has this root")
    reason = " ".join(reason.split())
    if not 0 < len(reason) <= MOST_REASON:
        raise DraftRefused(problem=f"a correction says why, in 1 to {MOST_REASON} characters")
    return _begun(after=old.after_hash, until=old.until_hash, by=by, supersedes=root, reason=reason)


def discard(pk: int, *, by: str) -> None:
    """Put a draft aside; what was published is not taken back."""
    states = (DraftState.WAITING, DraftState.MADE, DraftState.SIGNED, DraftState.FAILED)
    with locked_draft(pk, *states) as row:
        row.state = DraftState.DISCARDED
        row.save(update_fields=["state"])
        record("statement discarded", actor=by, subject=row.root or f"draft {pk}")


def make_anew(pk: int, *, by: str) -> DraftRow:
    """Discard a draft and ask for one of the same period from the files as they are now."""
    with transaction.atomic():
        discard(pk, by=by)
        old = DraftRow.objects.get(pk=pk)
        return _begun(
            after=old.after_name,
            until=old.until_name,
            by=by,
            supersedes=old.supersedes,
            reason=old.reason,
        )


def _begun(*, after: str, until: str, by: str, supersedes: str = "", reason: str = "") -> DraftRow:
    if not after or not until:
        raise DraftRefused(problem="a period has a block before it and one at its end")
    with transaction.atomic():
        draft = DraftRow.objects.create(
            after_name=after,
            until_name=until,
            made_by=by,
            made_at=timezone.now(),
            supersedes=supersedes,
            reason=reason,
        )
        detail = {"supersedes": supersedes, "reason": reason} if supersedes else {}
        record("statement asked for", actor=by, subject=f"draft {draft.pk}", detail=detail)
        make_draft.enqueue(draft.pk)
    return draft


@task()
def make_draft(pk: int) -> Effect:
    """Run `khazana statement make` on the office's files, in a process and folder of its own."""
    draft = DraftRow.objects.get(pk=pk)
    inputs = inputs_now()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ended = subprocess.run(
            [sys.executable, "-m", "khazana.cli.main", *_words(draft, folder)],
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
            cwd=name,
            env=_environment(),
        )
        out = folder / "statement.json"
        raw = out.read_bytes() if ended.returncode == 0 and out.exists() else None
    fields: dict[str, Any] = {"state": DraftState.FAILED, "findings": ended.stderr[-4000:]}
    if raw is not None:
        statement = read_reserve_statement(raw)
        fields = {
            "state": DraftState.MADE,
            "findings": ended.stderr,
            "raw": raw,
            "root": statement.root,
            "inputs": inputs,
            "summary": "\n".join(summary_lines(statement)),
            "unexplained": unexplained_sats(statement),
        }

    def store() -> dict[str, Any]:
        DraftRow.objects.filter(pk=pk, state=DraftState.WAITING).update(**fields)
        return {"draft": pk, "state": str(fields["state"])}

    return Effect(store)


def unexplained_sats(statement: ReserveStatement) -> int:
    """What moved, in and out together, and is called unexplained."""
    return sum(
        abs(line.amount)
        for explained in statement.explanations.values()
        for line in explained.lines
        if line.reason == Reason.UNEXPLAINED.value
    )


def _words(draft: DraftRow, folder: Path) -> list[str]:
    words = ["statement", "make", "--office", str(settings.OFFICE_DIR / OFFICE_TOML)]
    words += ["--chain", settings.DESK_SOURCE, f"--from={draft.after_name}"]
    words += [f"--to={draft.until_name}", "--out", str(folder / "statement.json")]
    if read_file(OFFICE_JSON) is not None:
        words += ["--identity", str(settings.OFFICE_DIR / OFFICE_JSON)]
    replaced = StatementRow.objects.filter(root=draft.supersedes, office__own=True).first()
    if replaced is None:
        before = newest_statement()
    else:
        words += ["--supersedes", _written(folder / "replaced.json", replaced)]
        before = StatementRow.objects.filter(root=replaced.previous, office__own=True).first()
    if before is not None:
        words += ["--previous", _written(folder / "previous.json", before)]
    return words


def _written(path: Path, row: StatementRow) -> str:
    path.write_bytes(bytes(row.raw))
    return str(path)


def _environment() -> Mapping[str, str]:
    """Ours without the portal's secrets; the command needs none of them."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("KHAZANA_PORTAL_")
    }
