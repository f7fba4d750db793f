"""Documents that the responsible body signed: evidence made after a statement, of its commitments.

A statement's root is fixed before anybody outside signs, so it prints such documents at the grade
of their paper. What a body of the office's identity endorses afterwards, `verify` counts as B.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.errors import KhazanaError
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.statement import patterns
from khazana.statement.checks import Verdict
from khazana.statement.dsse import Envelope, read_envelope, sign, valid_signers
from khazana.statement.envelope import Evidence, Statement
from khazana.statement.errors import SignatureRefused
from khazana.statement.evidence import (
    IDENTITY_TYPE,
    EvidenceResult,
    carried_office,
    evidence_of,
    evidence_places,
    failed,
)
from khazana.statement.identity import ROOT_ROLE, STATEMENT_ROLE, Office, latest_of
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.office_file import Instant
from khazana.statement.times import read_instant, write_instant
from khazana.statement.wire import Hash256

ENDORSEMENT_TYPE = "khazana.document-endorsement/1"
PAYLOAD_TYPE = "application/vnd.khazana.documents+json"
OFFICE_ROLES = (ROOT_ROLE, STATEMENT_ROLE)
"""Roles of the office itself: what it says of its own documents makes them no better."""

LIMIT = (
    "A body's signature over a document shows that its keys were used, not that the document is "
    "true; that the keys are that body's is the office's word in its office.json."
)


class EndorsedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A document by its name and its commitment in the statement."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    commitment: Hash256


class EndorsementClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is signed. office: fingerprint. role: the body, as office.json calls it."""

    type: Literal["khazana.document-endorsement/1"]
    root: Hash256
    office: Hash256
    identity_version: Annotated[int, msgspec.Meta(ge=1)]
    role: Annotated[str, msgspec.Meta(pattern=patterns.SLUG)]
    documents: Annotated[list[EndorsedFile], msgspec.Meta(min_length=1, max_length=100_000)]
    signed_at: Instant


@dataclass(frozen=True, slots=True)
class Endorsed:
    """Documents that a body signed with enough of its keys."""

    role: str
    documents: tuple[str, ...]
    keys: int


def endorse(
    statement: Statement,
    office: Office,
    private: Ed25519PrivateKey,
    *,
    role: str,
    documents: Sequence[str],
    at: datetime,
) -> Envelope:
    """One signer's envelope over documents of a statement, in the name of a body.

    Signers of one body agree on the documents and on `at`; `dsse.joined` puts their envelopes
    together.
    """
    version = office.in_force(at)
    if version is None:
        raise SignatureRefused(
            problem=f"no version of {office.id} is in force at {write_instant(at)}"
        )
    if role in OFFICE_ROLES:
        raise SignatureRefused(problem=f"{role} is the office's own role, not another body's")
    signer = key_id(public_bytes(private))
    if signer not in version.role_keys(role):
        raise SignatureRefused(
            problem=f"key {signer} does not sign for {role} in version {version.version}"
        )
    known = commitments(statement)
    for name in documents:
        if name not in known:
            raise SignatureRefused(problem=f"the statement shows no document {name}")
    claim: dict[str, Any] = {
        "type": ENDORSEMENT_TYPE,
        "root": statement.root,
        "office": office.fingerprint,
        "identity_version": version.version,
        "role": role,
        "documents": [{"id": name, "commitment": known[name]} for name in sorted(set(documents))],
        "signed_at": write_instant(at),
    }
    return sign(PAYLOAD_TYPE, canonical_bytes(claim), private)


def endorsement_evidence(statement: Statement, envelope: Envelope) -> Evidence:
    """A signed envelope, ready to be attached to the statement."""
    return evidence_of(ENDORSEMENT_TYPE, statement, envelope=envelope.to_json())


def commitments(statement: Statement) -> Mapping[str, str]:
    """The commitments of the documents that this disclosure shows, by document."""
    return {part.id: str(part.body.get("commitment")) for part in statement.parts_of("document")}


def endorsed_documents(
    statement: Statement, *, now: datetime | None = None, known: Office | None = None
) -> dict[str, str]:
    """The documents that a body's signature raises to grade B, with the body. See `judged`."""
    found: dict[str, str] = {}
    for _, item in evidence_places(statement):
        if item.type != ENDORSEMENT_TYPE or item.subject_root != statement.root:
            continue
        try:
            endorsed = judged(item, statement, now=now, known=known)
        except KhazanaError:
            continue  # the check "evidence" says what is wrong with it
        if endorsed is not None:
            found.update(dict.fromkeys(endorsed.documents, endorsed.role))
    return found


def judged(
    item: Evidence,
    statement: Statement,
    *,
    now: datetime | None = None,
    known: Office | None = None,
) -> Endorsed | None:
    """What a body signed; None where the file does not show enough to tell. Raises what is false.

    now: the reader's clock, for signatures that claim to be from the future. known: the reader's
    own account of the office, which may know of revocations that the file leaves out.
    """
    claim, envelope = _read(item)
    if claim.root != statement.root:
        raise SignatureRefused(problem=f"it is about another root, {claim.root}")
    if claim.role in OFFICE_ROLES:
        raise SignatureRefused(problem=f"{claim.role} is the office's own role, no other body's")
    try:
        signed_at = read_instant(claim.signed_at)
    except ValueError as error:
        raise SignatureRefused(problem=f"{claim.signed_at} is no time") from error
    if now is not None and signed_at > now:
        raise SignatureRefused(problem=f"it says it was made at {claim.signed_at}, in the future")
    # Backdated, a body whose keys were taken away since would still be in force (Rule R16).
    closed = _closed(statement)
    if closed is not None and claim.signed_at < closed:
        problem = f"it says it was made at {claim.signed_at}, before the closing block ({closed})"
        raise SignatureRefused(problem=problem)
    names = [document.id for document in claim.documents]
    if len(set(names)) != len(names):
        raise SignatureRefused(problem="it names one document twice")
    shown = commitments(statement)
    for document in claim.documents:
        if shown.get(document.id, document.commitment) != document.commitment:
            problem = f"the statement commits to another document {document.id}"
            raise SignatureRefused(problem=problem)
    office = _office(statement, known)
    if office is None or not set(names) <= shown.keys():
        return None
    if claim.office != office.fingerprint:
        raise SignatureRefused(problem="it is signed for another office")
    version = office.version(claim.identity_version)
    if version is None or office.in_force(signed_at) is not version:
        raise SignatureRefused(
            problem=f"version {claim.identity_version} of the office was not in force at "
            f"{claim.signed_at}"
        )
    role = version.roles.get(claim.role)
    if role is None:
        raise SignatureRefused(problem=f"the office's file knows no body {claim.role}")
    own = frozenset().union(*(version.roles[name].keys for name in OFFICE_ROLES))
    if role.keys & own:
        raise SignatureRefused(problem=f"{claim.role} has keys that are the office's own")
    signers = valid_signers(envelope, version.role_keys(claim.role)) - office.revoked
    if len(signers) < role.threshold:
        raise SignatureRefused(
            problem=f"{len(signers)} of the {role.threshold} signatures that {claim.role} needs"
        )
    return Endorsed(claim.role, tuple(names), len(signers))


def _closed(statement: Statement) -> str | None:
    """The closing block's time, where the header states one."""
    period = statement.header.body.get("period")
    closed = period.get("until_mtp") if isinstance(period, dict) else None
    return closed if isinstance(closed, str) else None


def _office(statement: Statement, known: Office | None) -> Office | None:
    """The identity that the file carries; whether it is the one expected, "identity" says.

    Of several the newest account counts, which knows every revocation; None where two contradict
    each other.
    """
    newest = known
    for _, item in evidence_places(statement):
        if item.type != IDENTITY_TYPE or item.subject_root != statement.root:
            continue
        try:
            carried = carried_office(item)
            newest = carried if newest is None else latest_of(newest, carried)
        except KhazanaError:
            return None
    return newest


def _read(item: Evidence) -> tuple[EndorsementClaim, Envelope]:
    stray = set(item.fields) - {"type", "subject_root", "envelope"}
    if stray:
        raise SignatureRefused(problem=f"unknown field {min(stray)}")
    envelope = read_envelope(item.fields.get("envelope"))
    if envelope.payload_type != PAYLOAD_TYPE:
        raise SignatureRefused(problem=f"it signs a {envelope.payload_type}, not documents")
    document = parse_strict(envelope.payload)
    if canonical_bytes(document) != envelope.payload:
        raise SignatureRefused(problem="the list of documents is not in canonical form")
    try:
        return msgspec.convert(document, EndorsementClaim), envelope
    except msgspec.ValidationError as error:
        raise SignatureRefused(problem=f"the list of documents is malformed: {error}") from error


@dataclass(frozen=True, slots=True)
class EndorsementVerifier:
    """Judges a body's signature over documents. now, known: as in `judged`."""

    now: datetime | None = None
    known: Office | None = None
    type: str = ENDORSEMENT_TYPE

    def verify(self, item: Evidence, statement: Statement, *, where: str) -> EvidenceResult:
        try:
            endorsed = judged(item, statement, now=self.now, known=self.known)
        except KhazanaError as error:
            return failed(where, item, str(error))
        if endorsed is None:
            return EvidenceResult(
                where=where,
                type=item.type,
                verdict=Verdict.NOT_CHECKABLE,
                summary="its documents, or the office's identity, are not shown to you",
            )
        return EvidenceResult(
            where=where,
            type=item.type,
            verdict=Verdict.PASSED,
            summary=f"{len(endorsed.documents)} documents signed by {endorsed.role} with "
            f"{endorsed.keys} keys: grade B",
            limits=(LIMIT,),
        )
