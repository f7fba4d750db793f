"""An audit opened, its requests asked, answered and settled: entries are added, none is changed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from django.db import transaction

from khazana.errors import KhazanaError
from khazana.portal.audit.record import record
from khazana.portal.auditing.files import Sent, clean, keep
from khazana.portal.auditing.models import AuditRow, EntryRow, RequestRow
from khazana.portal.desk.models import DraftRow
from khazana.portal.statement.models import StatementRow
from khazana.reserve.auditing.engagement import Step, require_follows
from khazana.reserve.parts import MOST_SATS
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.errors import SignatureRefused
from khazana.statement.keys import key_id, require_public_key

MOST_TEXT = 4000


@dataclass(eq=False, kw_only=True)
class AuditRefused(KhazanaError):
    """Something that cannot be done in an audit."""

    problem: str
    code = "audit_refused"
    words = "This cannot be done in the audit: {problem}."


def roots_to_audit() -> Sequence[str]:
    """Statements that are made or published here, the newest first."""
    drafts = DraftRow.objects.exclude(root="").values_list("root", flat=True)
    published = StatementRow.objects.filter(office__own=True).values_list("root", flat=True)
    return list(dict.fromkeys([*drafts, *published]))


def statement_to_audit(root: str) -> bytes:
    """The most complete file of a statement that the desk has."""
    draft = DraftRow.objects.filter(root=root).exclude(raw=None).first() if root else None
    if draft is not None:
        return bytes(draft.signed or draft.raw or b"")
    row = StatementRow.objects.filter(root=root, office__own=True).first()
    if row is None:
        raise AuditRefused(problem="there is no such statement")
    return bytes(row.raw)


def open_audit(
    *, root: str, auditor: str, public: str, scope: str, materiality: str, by: str, at: datetime
) -> AuditRow:
    """Open an audit of a statement, for an auditor with this public key."""
    raw = statement_to_audit(root)
    statement = read_reserve_statement(raw)
    try:
        key = bytes.fromhex(public)
        require_public_key(key)
    except (ValueError, SignatureRefused) as error:
        problem = f"the public key is none: 64 hex digits as keygen prints them ({error})"
        raise AuditRefused(problem=problem) from error
    if not materiality.isascii() or not materiality.isdigit() or int(materiality) > MOST_SATS:
        raise AuditRefused(problem="the materiality is a whole number of satoshis")
    with transaction.atomic():
        audit = AuditRow.objects.create(
            root=root,
            statement=raw,
            test=statement.header.test,
            auditor=_text(auditor, most=200, what="the auditor"),
            public=key.hex(),
            key=key_id(key),
            scope=_text(scope, what="the scope"),
            materiality=int(materiality),
            opened_by=by,
            opened_at=at,
        )
        record("audit opened", actor=by, subject=root, detail={"audit": str(audit.pk)})
    return audit


def ask(audit: AuditRow, *, text: str, due: str, by: str, at: datetime) -> RequestRow:
    """A new request on the list."""
    words = _text(text, what="the request")
    try:
        day = date.fromisoformat(due)
    except ValueError as error:
        raise AuditRefused(problem="the due date is a day such as 2026-12-31") from error
    with alone(audit):
        row = RequestRow.objects.create(audit=audit, number=audit.requests.count() + 1, due=day)
        _enter(row, "asked", text=words, sent=(), by=by, at=at)
    return row


def answer(request: RequestRow, *, text: str, sent: Sequence[Sent], by: str, at: datetime) -> None:
    """Words, files or both."""
    if not text.strip() and not sent:
        raise AuditRefused(problem="an answer is words, a file or both")
    with alone(request.audit):
        _enter(request, "answered", text=_text(text, least=0), sent=sent, by=by, at=at)


def settle(request: RequestRow, *, step: str, text: str, by: str, at: datetime) -> None:
    """Accept what was answered, or ask again and say why."""
    if step not in ("accepted", "asked_again"):
        raise AuditRefused(problem="an answer is accepted or asked for again")
    words = _text(text, least=1 if step == "asked_again" else 0, what="why you ask again")
    with alone(request.audit):
        _enter(request, cast(Step, step), text=words, sent=(), by=by, at=at)


@contextmanager
def alone(audit: AuditRow) -> Iterator[None]:
    """A transaction in which nobody else writes to this audit."""
    with transaction.atomic():
        AuditRow.objects.select_for_update().only("pk").get(pk=audit.pk)
        yield


def _enter(
    request: RequestRow, step: Step, *, text: str, sent: Sequence[Sent], by: str, at: datetime
) -> None:
    require_follows(cast(Step, request.step) or None, step)
    row = EntryRow.objects.create(request=request, step=step, by=by, at=at, text=text)
    files = [keep(request.audit, each) for each in sent]
    row.files.set(files)
    record(
        f"audit request {step}".replace("_", " "),
        actor=by,
        subject=f"audit {request.audit_id} request {request.number}",
        detail={f"file {n}": file.sha256 for n, file in enumerate(files, 1)},
    )


def _text(text: str, *, most: int = MOST_TEXT, least: int = 1, what: str = "the text") -> str:
    words = clean(text)
    if not least <= len(words) <= most:
        problem = f"{what} has {least} to {most} characters, not {len(words)}"
        raise AuditRefused(problem=problem)
    return words
