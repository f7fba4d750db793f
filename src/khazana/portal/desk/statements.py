"""A statement's way: a worker makes it, keys sign it offline, an approver publishes it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_tasks import task

from khazana.errors import KhazanaError
from khazana.portal.audit.record import record
from khazana.portal.desk.models import DraftRow, DraftState
from khazana.portal.desk.office_store import OFFICE_JSON, OFFICE_TOML, read_file, write_file
from khazana.portal.statement.choosing import newest_statement
from khazana.portal.tasks.jobs import check_newest, import_publication
from khazana.portal.tasks.worker import Effect
from khazana.reserve.levels import keep_at
from khazana.reserve.reading import read_reserve_statement
from khazana.reserve.summary import summary_lines
from khazana.statement.envelope import Statement, disclose, write_statement
from khazana.statement.identity import STATEMENT_ROLE
from khazana.statement.office_file import read_office
from khazana.statement.signatures import SIGNATURE_TYPE, judge_signature

MOST_SECONDS = 3600
PUBLIC_LEVEL = "full"


@dataclass(eq=False, kw_only=True)
class DraftRefused(KhazanaError):
    """A step that this statement cannot take."""

    problem: str
    code = "statement_step_refused"
    words = "This cannot be done with the statement: {problem}."


def begin_draft(*, after: str, until: str, by: str) -> DraftRow:
    """Ask a worker for a statement; it is written down with the task, or neither is."""
    with transaction.atomic():
        draft = DraftRow.objects.create(
            after_name=after[:80], until_name=until[:80], made_by=by, made_at=timezone.now()
        )
        record("statement asked for", actor=by, subject=f"draft {draft.pk}")
        make_draft.enqueue(draft.pk)
    return draft


@task()
def make_draft(pk: int) -> Effect:
    """Run `khazana statement make` on the office's files, in a process and folder of its own."""
    draft = DraftRow.objects.get(pk=pk)
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
        fields |= {
            "state": DraftState.MADE,
            "raw": raw,
            "root": statement.root,
            "summary": "\n".join(summary_lines(statement)),
        }

    def store() -> dict[str, Any]:
        DraftRow.objects.filter(pk=pk, state=DraftState.WAITING).update(**fields)
        return {"draft": pk, "state": str(fields["state"])}

    return Effect(store)


def take_signed(draft: DraftRow, raw: bytes, *, by: str, now: datetime) -> None:
    """Take the signed file back: the same root, signed by enough keys of the office's identity."""
    if draft.state not in (DraftState.MADE, DraftState.SIGNED):
        raise DraftRefused(problem=f"it is {draft.state}")
    statement = read_reserve_statement(raw).envelope
    if statement.root != draft.root:
        raise DraftRefused(problem=f"the file's root is {statement.root}, not {draft.root}")
    signers, needed = _signers(statement, now=now)
    if len(signers) < needed:
        problem = f"{len(signers)} of {needed} keys have signed it"
        raise DraftRefused(problem=problem)
    with transaction.atomic():
        taken = DraftRow.objects.filter(pk=draft.pk, state=draft.state).update(
            state=DraftState.SIGNED, signed=raw, signed_by=by
        )
        if not taken:
            raise DraftRefused(problem="somebody else was faster")
        record("signatures taken", actor=by, subject=draft.root, detail={"keys": str(len(signers))})


def publish(draft: DraftRow, *, by: str, now: datetime) -> None:
    """Write what the public sees into the publication folder; not by who made or signed it in."""
    if draft.state != DraftState.SIGNED or draft.signed is None:
        raise DraftRefused(problem=f"it is {draft.state}")
    if by in (draft.made_by, draft.signed_by):
        raise DraftRefused(problem="who prepared it does not publish it")
    statement = read_reserve_statement(bytes(draft.signed))
    # A key may have been revoked since the signatures came in.
    signers, needed = _signers(statement.envelope, now=now)
    if len(signers) < needed:
        problem = f"{len(signers)} of the {needed} keys that it takes count today"
        raise DraftRefused(problem=problem)
    shown = write_statement(disclose(statement.envelope, keep_at(PUBLIC_LEVEL)))
    folder: Path = settings.PUBLICATION_DIR
    until = statement.header.period.until.height
    with transaction.atomic():
        done = DraftRow.objects.filter(pk=draft.pk, state=DraftState.SIGNED).update(
            state=DraftState.PUBLISHED, published_by=by
        )
        if not done:
            raise DraftRefused(problem="somebody else was faster")
        record("statement published", actor=by, subject=draft.root)
        import_publication.enqueue(str(folder), True, PUBLIC_LEVEL)
        check_newest.enqueue()
        written = {
            folder / OFFICE_JSON: read_file(OFFICE_JSON) or b"",
            folder / "statements" / f"{until:08d}-{draft.root[:12]}.json": shown,
            folder / "publication.json": b"{}\n",
        }
        for path, content in written.items():
            write_file(path, content)
    # The public's process reads what was written here; of what others put beside it nothing is
    # touched, for a link there could lead anywhere.
    for path in (folder, folder / "statements", *written):
        path.chmod(0o755 if path in (folder, folder / "statements") else 0o644)


def _signers(statement: Statement, *, now: datetime) -> tuple[frozenset[str], int]:
    raw = read_file(OFFICE_JSON)
    if raw is None:
        raise DraftRefused(problem="the office has no office.json yet")
    office = read_office(raw)
    found: frozenset[str] = frozenset()
    for item in statement.evidence:
        if item.type == SIGNATURE_TYPE:
            found |= judge_signature(item, statement, office, now=now, where="signature").signers
    return found, office.newest.roles[STATEMENT_ROLE].threshold


def _words(draft: DraftRow, folder: Path) -> list[str]:
    words = ["statement", "make", "--office", str(settings.OFFICE_DIR / OFFICE_TOML)]
    words += ["--chain", settings.DESK_SOURCE, f"--from={draft.after_name}"]
    words += [f"--to={draft.until_name}", "--out", str(folder / "statement.json")]
    if read_file(OFFICE_JSON) is not None:
        words += ["--identity", str(settings.OFFICE_DIR / OFFICE_JSON)]
    previous = newest_statement()
    if previous is not None:
        (folder / "previous.json").write_bytes(bytes(previous.raw))
        words += ["--previous", str(folder / "previous.json")]
    return words


def _environment() -> Mapping[str, str]:
    """Ours without the portal's secrets; the command needs none of them."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("KHAZANA_PORTAL_")
    }
