"""The opinion: written at the desk, signed elsewhere, taken in, published by another person."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec
from django.conf import settings
from django.db import transaction

from khazana.errors import KhazanaError
from khazana.ledger.canonical import parse_strict
from khazana.portal.audit.record import record
from khazana.portal.auditing.engagements import AuditRefused, alone
from khazana.portal.auditing.files import clean
from khazana.portal.auditing.models import AuditRow, OpinionRow
from khazana.portal.desk.office_store import write_file
from khazana.portal.tasks.jobs import check_newest, import_publication
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.envelope import Statement, with_evidence, write_statement
from khazana.statement.opinions import (
    OPINION_TYPE,
    Opinion,
    opinion_evidence,
    read_opinion,
    read_signed_opinion,
    require_about,
    write_opinion,
)
from khazana.statement.times import write_instant

LEVEL = "full"
"""What of a published file the pages show; it was disclosed when the statement was published."""


def unsigned_opinion(audit: AuditRow, form: Mapping[str, str], *, at: datetime) -> bytes:
    """The file to be signed. Qualifications: one a line, the same number in every language."""
    languages = [code for code, _ in settings.LANGUAGES]
    lines = {
        code: [line for line in clean(form.get(f"reasons_{code}", "")).split("\n") if line.strip()]
        for code in languages
    }
    told = {code: each for code, each in lines.items() if each}
    if len({len(each) for each in told.values()}) > 1:
        problem = "the qualifications are one a line, as many in each language"
        raise AuditRefused(problem=problem)
    count = len(next(iter(told.values()), []))
    document = {
        "type": OPINION_TYPE,
        "root": audit.root,
        "auditor": audit.auditor,
        "public": audit.public,
        "opinion": form.get("opinion", ""),
        "scope": _words(form, "scope", languages),
        "excluded": _words(form, "excluded", languages),
        "qualifications": [{code: each[n] for code, each in told.items()} for n in range(count)],
        "materiality": audit.materiality,
        "dated": write_instant(at.replace(microsecond=0)),
    }
    try:
        opinion = msgspec.convert(document, Opinion)
    except msgspec.ValidationError as error:
        raise AuditRefused(problem=f"the opinion is not complete: {error}") from error
    raw = write_opinion(opinion)
    read_opinion(raw)
    return raw + b"\n"


def take_opinion(audit: AuditRow, raw: bytes, *, by: str, at: datetime) -> OpinionRow:
    """Take a signed opinion in: by the key that the audit names, on this statement."""
    opinion, _ = read_signed_opinion(raw)
    if opinion.public != audit.public:
        problem = f"it is signed by key {opinion.key}, the audit names {audit.key}"
        raise AuditRefused(problem=problem)
    require_about(opinion, _envelope(bytes(audit.statement)), now=at)
    sha256 = hashlib.sha256(raw).hexdigest()
    with alone(audit):
        if audit.opinions.filter(sha256=sha256).exists():
            raise AuditRefused(problem="this opinion is here already")
        row = OpinionRow.objects.create(
            audit=audit, raw=raw, sha256=sha256, taken_by=by, taken_at=at
        )
        detail = {"opinion": opinion.opinion, "sha256": sha256, "key": opinion.key}
        record("opinion taken in", actor=by, subject=audit.root, detail=detail)
    return row


def publish_opinion(row: OpinionRow, *, seen: str, by: str, at: datetime) -> None:
    """Put it into the published statement's file as evidence; the root stays what it is.

    seen: the hash of the opinion that this person looked at.
    """
    if seen != row.sha256:
        raise AuditRefused(problem="it is not the opinion that you looked at")
    if by in (row.taken_by, row.audit.opened_by):
        raise AuditRefused(problem="who audits does not publish the opinion")
    raw = bytes(row.raw)
    _, envelope = read_signed_opinion(raw)
    folder: Path = settings.PUBLICATION_DIR
    with transaction.atomic():
        # Two audits of one statement write into one file.
        list(AuditRow.objects.select_for_update().filter(root=row.audit.root).only("pk"))
        path, statement = _published(folder, row.audit.root)
        done = OpinionRow.objects.filter(pk=row.pk, published_by="").update(
            published_by=by, published_at=at
        )
        if not done:
            raise AuditRefused(problem="it is published already")
        evidence = opinion_evidence(statement, envelope)
        detail = {"sha256": row.sha256}
        record("opinion published", actor=by, subject=row.audit.root, detail=detail)
        import_publication.enqueue(str(folder), True, LEVEL)
        check_newest.enqueue()
        if evidence not in statement.evidence:
            write_file(path, write_statement(with_evidence(statement, evidence)))
            path.chmod(0o644)


def published_file(root: str) -> bytes | None:
    """What stands in the publication folder for this statement."""
    try:
        path, _ = _published(settings.PUBLICATION_DIR, root)
    except AuditRefused:
        return None
    return path.read_bytes()


def _published(folder: Path, root: str) -> tuple[Path, Statement]:
    for path in sorted((folder / "statements").glob("*.json")):
        raw = path.read_bytes()
        if root.encode() not in raw:
            continue
        try:
            document = parse_strict(raw)
            if isinstance(document, dict) and document.get("root") == root:
                return path, _envelope(raw)
        except KhazanaError:
            continue  # not a statement: whoever put it there is told by the import
    raise AuditRefused(problem="the statement is not published yet, so nothing stands beside it")


def _envelope(raw: bytes) -> Statement:
    return read_reserve_statement(raw).envelope


def _words(form: Mapping[str, str], name: str, languages: list[str]) -> dict[str, str]:
    words = {code: " ".join(clean(form.get(f"{name}_{code}", "")).split()) for code in languages}
    return {code: text for code, text in words.items() if text}
