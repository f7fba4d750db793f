"""What a file becomes when an office publishes it: entries of its log, and documents beside it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from khazana.accord.agreement.signed import SIGNED_AGREEMENT_FORMAT, read_signed_agreement
from khazana.accord.feed.errors import PublicationRefused
from khazana.accord.feed.paths import MOST_DOCUMENT_BYTES, digest_of
from khazana.accord.feed.records import (
    CommitmentsRecord,
    CorrectionRecord,
    DeclarationRecord,
    VerdictRecord,
    read_record,
    require_signed,
)
from khazana.ledger.canonical import parse_strict
from khazana.reserve.parts import BODIES
from khazana.reserve.reading import typed
from khazana.statement.checks import CheckResult, Verdict
from khazana.statement.envelope import read_statement
from khazana.statement.file_checks import check_identity, check_root, check_signatures
from khazana.statement.identity import Office, require_no_rollback
from khazana.statement.log.entries import (
    AgreementEntry,
    AnyEntry,
    CommitmentEntry,
    CorrectionEntry,
    DeclarationEntry,
    DisclosureEntry,
    IdentityEntry,
    StatementEntry,
    VerdictEntry,
    entry_bytes,
    require_correctable,
)
from khazana.statement.log.files import LogFiles
from khazana.statement.log.office_log import entries_of, without_time
from khazana.statement.office_file import OFFICE_FORMAT, Pin, read_office
from khazana.statement.times import write_instant
from khazana.statement.tree import leaf_hash
from khazana.statement.wire import STATEMENT_FORMAT


@dataclass(frozen=True, kw_only=True)
class Publication:
    """Entries for the log, and the documents they name. identity: the office's newest account."""

    entries: tuple[AnyEntry, ...]
    documents: tuple[bytes, ...] = ()
    identity: Office | None = None


def publication_of(raw: bytes, office: Office, *, now: datetime, log: LogFiles) -> Publication:
    """What is published with this file: a statement, a signed record, a signed agreement, or the
    office's identity.

    log: the office's, whose entries a correction must name rightly.

    Refused is what this office did not sign, and what cannot be read to the byte: once logged, it
    could only be corrected, never taken back.
    """
    if len(raw) > MOST_DOCUMENT_BYTES:
        problem = f"it has {len(raw)} bytes, and readers take {MOST_DOCUMENT_BYTES}"
        raise PublicationRefused(problem=problem)
    document = parse_strict(raw)
    kind = document.get("format") if isinstance(document, dict) else None
    if kind == STATEMENT_FORMAT:
        return _statement(raw, office, now=now)
    if kind == OFFICE_FORMAT:
        return _identity(raw, office, now=now)
    if kind == SIGNED_AGREEMENT_FORMAT:
        return _agreement(raw, office, now=now, log=log)
    if isinstance(document, dict) and "payloadType" in document:
        return _record(raw, office, now=now, log=log)
    raise PublicationRefused(
        problem="it is none of a statement, an office.json, a signed record and a signed agreement"
    )


def not_yet_in(
    known: Iterable[bytes], entries: Sequence[AnyEntry], *, size: int
) -> tuple[bytes, ...]:
    """The entries' bytes that say something which none of the `known` ones says.

    size: of the log, so that no entry corrects a later one.
    """
    said = {without_time(entry) for entry in known}
    new: list[bytes] = []
    for entry in entries:
        raw = entry_bytes(entry)
        require_correctable(entry, index=size + len(new))
        if without_time(raw) not in said:
            said.add(without_time(raw))
            new.append(raw)
    return tuple(new)


def _statement(raw: bytes, office: Office, *, now: datetime) -> Publication:
    statement = read_statement(raw, kinds=frozenset(BODIES))
    body = typed(statement)
    pin = Pin(office.fingerprint, office)
    identity, newest = check_identity(statement, pin)
    for result in (
        check_root(statement),
        identity,
        check_signatures(statement, newest, pinned=True, now=now),
    ):
        _require_passed(result)
    commitments = [each.commitment for each in body.sealed]
    commitments += [w.seal.commitment for w in body.wallets.values() if w.seal is not None]
    head = _head(office, now)
    return Publication(
        entries=(
            StatementEntry(**head, root=statement.root),
            DisclosureEntry(**head, root=statement.root, digest=digest_of(raw)),
            *(CommitmentEntry(**head, digest=each) for each in dict.fromkeys(commitments)),
        ),
        documents=(raw,),
    )


def _identity(raw: bytes, office: Office, *, now: datetime) -> Publication:
    offered = require_no_rollback(office, read_office(raw))
    head = _head(offered, now)
    return Publication(
        entries=tuple(
            IdentityEntry(**head, version=version.version, digest=version.digest)
            for version in offered.versions
        ),
        identity=offered,
    )


def _record(raw: bytes, office: Office, *, now: datetime, log: LogFiles) -> Publication:
    signed = read_record(raw)
    require_signed(signed, office, now=now)
    head, record = _head(office, now), signed.record
    if isinstance(record, CommitmentsRecord):
        entries: tuple[AnyEntry, ...] = tuple(
            CommitmentEntry(**head, digest=each) for each in dict.fromkeys(record.commitments)
        )
        return Publication(entries=entries, documents=(raw,))
    if isinstance(record, DeclarationRecord):
        declared = DeclarationEntry(**head, digest=signed.digest)
        return Publication(entries=(declared,), documents=(raw,))
    if isinstance(record, CorrectionRecord):
        _require_corrects(record, log)
        entry = CorrectionEntry(**head, corrects=record.corrects, digest=signed.digest)
        return Publication(entries=(entry,), documents=(raw,))
    return Publication(entries=(verdict_entry(record, signed.digest, head),), documents=(raw,))


def _agreement(raw: bytes, office: Office, *, now: datetime, log: LogFiles) -> Publication:
    signed = read_signed_agreement(raw)
    signed.bound(office, now=now)
    agreement = signed.agreement
    if not follows(log, agreement.previous, agreement.version, before=log.checkpoint.size):
        problem = (
            f"it is version {agreement.version}, and the log has no version "
            f"{agreement.version - 1} with hash {agreement.previous}: publish that one first"
        )
        raise PublicationRefused(problem=problem)
    entry = AgreementEntry(
        **_head(office, now),
        agreement=agreement.digest,
        version=agreement.version,
        digest=digest_of(raw),
    )
    return Publication(entries=(entry,), documents=(raw,))


def follows(log: LogFiles, previous: str | None, version: int, *, before: int) -> bool:
    """Whether a version of an agreement is the first, or the one before it stands in the log."""
    return previous is None or any(
        (entry.agreement, entry.version) == (previous, version - 1)
        for index, entry in entries_of(log, AgreementEntry)
        if index < before
    )


def verdict_entry(record: VerdictRecord, digest: str, head: dict[str, Any]) -> VerdictEntry:
    """The entry for a signed verdict."""
    return VerdictEntry(
        **head, log=record.log, index=record.index, finding=record.finding, digest=digest
    )


def _head(office: Office, now: datetime) -> dict[str, Any]:
    return {"office": office.fingerprint, "issued": write_instant(now)}


def _require_corrects(record: CorrectionRecord, log: LogFiles) -> None:
    if record.corrects >= log.checkpoint.size:
        problem = f"it corrects entry {record.corrects}, and the log has {log.checkpoint.size}"
        raise PublicationRefused(problem=problem)
    found = leaf_hash(log.entry(record.corrects)).hex()
    if found != record.entry:
        problem = f"entry {record.corrects} has the hash {found}, and it names {record.entry}"
        raise PublicationRefused(problem=problem)


def _require_passed(result: CheckResult) -> None:
    if result.verdict is not Verdict.PASSED:
        problem = f"check {result.name} {result.verdict.value}: {result.summary}"
        raise PublicationRefused(problem=problem)
