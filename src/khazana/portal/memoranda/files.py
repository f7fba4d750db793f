"""memorandum.toml among the office's files: written by one, saved by another, never lost."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from khazana.conditions.lint import LintFinding, errors_of, lint
from khazana.conditions.memorandum import Memorandum
from khazana.conditions.memorandum_file import read_memorandum
from khazana.errors import KhazanaError
from khazana.portal.audit.record import record
from khazana.portal.desk.office_store import HISTORY, alone, read_file, write_file
from khazana.portal.memoranda.models import ProposedRow, ProposedState

FILE = "memorandum.toml"
MOST_BYTES = 1 << 20


@dataclass(eq=False, kw_only=True)
class MemorandumNotTaken(KhazanaError):
    """A step that this memorandum cannot take."""

    problem: str
    code = "memorandum_not_taken"
    words = "This cannot be done with the memorandum: {problem}."


@dataclass(frozen=True)
class Linted:
    """A memorandum with what the lint finds in it."""

    memorandum: Memorandum
    findings: tuple[LintFinding, ...]

    @property
    def errors(self) -> tuple[LintFinding, ...]:
        return errors_of(self.findings)


def linted(raw: bytes) -> Linted:
    """Read and linted; MemorandumRefused with every problem of its form."""
    memorandum = read_memorandum(FILE, raw)
    return Linted(memorandum, lint(memorandum))


def sha256_of(raw: bytes | None) -> str:
    return "" if raw is None else hashlib.sha256(raw).hexdigest()


def propose(raw: bytes, *, why: str, seen: str, by: str, now: datetime) -> ProposedRow:
    """Take it in for another person to save; an error of the lint refuses it.

    seen: the hash of the file that it was written from.
    """
    if wrong := linted(raw).errors:
        raise MemorandumNotTaken(problem="; ".join(str(finding) for finding in wrong))
    said = " ".join(why.split())[:500]
    if not said:
        raise MemorandumNotTaken(problem="say what changes and why")
    with transaction.atomic():
        if sha256_of(read_file(FILE)) != seen:
            raise MemorandumNotTaken(problem="the office's memorandum changed; look at it again")
        row = ProposedRow.objects.create(
            raw=raw, sha256=sha256_of(raw), base=seen, why=said, by=by, at=now
        )
        record("memorandum proposed", actor=by, subject=row.sha256, detail={"why": said})
    return row


def confirm(pk: int, *, seen: str, by: str, now: datetime) -> None:
    """Another person saves exactly these bytes; the file that was there is kept in history/."""
    with alone(), transaction.atomic():
        row = _open(pk)
        if by == row.by:
            raise MemorandumNotTaken(problem="who wrote it does not confirm it")
        if seen != row.sha256:
            raise MemorandumNotTaken(problem="it is not what this page showed; look at it again")
        before = read_file(FILE)
        if sha256_of(before) != row.base:
            problem = "the office's memorandum changed since it was written; write it anew"
            raise MemorandumNotTaken(problem=problem)
        row.state, row.ended_by, row.ended_at = ProposedState.SAVED, by, now
        row.save()
        detail = {"before": row.base, "after": row.sha256}
        record("memorandum saved", actor=by, subject=FILE, detail=detail)
        if before is not None:
            write_file(settings.OFFICE_DIR / HISTORY / f"{row.base}-{FILE}", before)
        write_file(settings.OFFICE_DIR / FILE, bytes(row.raw))


def decline(pk: int, *, word: str, by: str, now: datetime) -> None:
    """It will not be saved; it stays with the reason."""
    said = " ".join(word.split())[:500]
    if not said:
        raise MemorandumNotTaken(problem="say why it is declined")
    with transaction.atomic():
        row = _open(pk)
        row.state, row.ended_by, row.ended_at, row.word = ProposedState.DECLINED, by, now, said
        row.save()
        record("memorandum declined", actor=by, subject=row.sha256, detail={"why": said})


def _open(pk: int) -> ProposedRow:
    row = ProposedRow.objects.select_for_update().get(pk=pk)
    if row.state != ProposedState.OPEN:
        raise MemorandumNotTaken(problem=f"it is {row.state}")
    return row
