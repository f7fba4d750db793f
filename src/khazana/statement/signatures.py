"""An office's signature over a statement: what exactly is signed, and when it counts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.errors import KhazanaError
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.statement.checks import Verdict
from khazana.statement.dsse import Envelope, joined, read_envelope, sign, valid_signers
from khazana.statement.envelope import Evidence, Statement, with_evidence
from khazana.statement.errors import SignatureRefused
from khazana.statement.evidence import EvidenceResult, evidence_of, failed
from khazana.statement.identity import STATEMENT_ROLE, Office, OfficeVersion, grouped
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.office_file import Instant
from khazana.statement.times import read_instant, write_instant
from khazana.statement.wire import Hash256, NetworkFile

SIGNATURE_TYPE = "khazana.signature/1"
ROOT_PAYLOAD_TYPE = "application/vnd.khazana.root+json"


class RootClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is signed: the root, and in plain words which office, network and period it is about.

    Everything here is also under the root; it is repeated so that a signer's device can show it.
    """

    type: Literal["khazana.root/1"]
    root: Hash256
    tree_size: Annotated[int, msgspec.Meta(ge=1)]
    office: Hash256
    identity_version: Annotated[int, msgspec.Meta(ge=1)]
    network: NetworkFile
    test: bool
    period: dict[str, Any]
    signed_at: Instant


def claim_bytes(
    statement: Statement, version: OfficeVersion, *, fingerprint: str, at: datetime
) -> bytes:
    """The payload to sign: `statement`'s root in the name of an office, as of version `version`."""
    return canonical_bytes(
        {
            "type": "khazana.root/1",
            "root": statement.root,
            "tree_size": statement.size,
            "office": fingerprint,
            "identity_version": version.version,
            "network": statement.network.to_json(),
            "test": statement.test,
            "period": _period(statement),
            "signed_at": write_instant(at),
        }
    )


def sign_statement(
    statement: Statement, office: Office, private: Ed25519PrivateKey, *, at: datetime
) -> Envelope:
    """One signer's envelope over the statement, in the version of the office in force at `at`.

    Signers of the same statement agree on `at`; `dsse.joined` puts their envelopes together.
    """
    version = office.in_force(at)
    if version is None:
        raise SignatureRefused(
            problem=f"no version of {office.id} is in force at {write_instant(at)}"
        )
    signer = key_id(public_bytes(private))
    if signer not in version.role_keys(STATEMENT_ROLE):
        raise SignatureRefused(
            problem=f"key {signer} may not sign statements in version {version.version}"
        )
    if statement.root != statement.computed_root:
        raise SignatureRefused(problem="the statement's parts do not give its root")
    payload = claim_bytes(statement, version, fingerprint=office.fingerprint, at=at)
    return sign(ROOT_PAYLOAD_TYPE, payload, private)


def signature_evidence(statement: Statement, envelope: Envelope) -> Evidence:
    """A signed envelope, ready to be attached to the statement."""
    return evidence_of(SIGNATURE_TYPE, statement, envelope=envelope.to_json())


def signed_instant(statement: Statement) -> datetime | None:
    """The time that the signatures on a statement state, so that the next signer states the same.

    None when there is none yet, or when they state several.
    """
    instants = signed_instants(statement)
    return instants.pop() if len(instants) == 1 else None


def signed_instants(statement: Statement) -> set[datetime]:
    """Every time that a signature on a statement states; raises when one states none."""
    claims = [_read(item, statement)[0] for item in _signatures(statement)]
    return {_instant(claim.signed_at) for claim in claims}


def _instant(text: str) -> datetime:
    try:
        return read_instant(text)
    except ValueError as error:
        # The spelling was checked; a thirteenth month is still spelt well.
        raise SignatureRefused(problem=f"{text} is no time") from error


def joined_evidence(statement: Statement, envelope: Envelope) -> Statement:
    """The statement with an envelope attached, joined to the one over the same payload, if any."""
    for item in _signatures(statement):
        _, present = _read(item, statement)
        if (present.payload_type, present.payload) == (envelope.payload_type, envelope.payload):
            together = signature_evidence(statement, joined([present, envelope]))
            evidence = tuple(together if e is item else e for e in statement.evidence)
            return replace(statement, evidence=evidence)
    return with_evidence(statement, signature_evidence(statement, envelope))


def _signatures(statement: Statement) -> list[Evidence]:
    return [item for item in statement.evidence if item.type == SIGNATURE_TYPE]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureJudgement:
    """What one piece of signature evidence is worth. signers: ids of keys that count."""

    result: EvidenceResult
    version: int
    signers: frozenset[str]


def judge_signature(
    item: Evidence, statement: Statement, office: Office, *, now: datetime, where: str
) -> SignatureJudgement:
    """Whether the evidence is a signature by keys of this office over this statement.

    A signature counts when its key was in the statement role of the version it names, that version
    was in force at the time it states, and the key was never revoked. The time is the signer's
    word: a key that may be in foreign hands has to be revoked, not only removed.
    """
    try:
        claim, envelope = _read(item, statement)
        problem = _contradiction(claim, statement, office, now=now)
        if problem:
            raise SignatureRefused(problem=problem)
        version = office.versions[claim.identity_version - 1]
        fitting = valid_signers(envelope, version.role_keys(STATEMENT_ROLE))
    except KhazanaError as error:
        return SignatureJudgement(
            result=failed(where, item, str(error)), version=0, signers=frozenset()
        )
    counting = fitting - office.revoked
    strangers = len(envelope.signatures) - len(fitting)
    remarks = [f"{len(counting)} signature(s) by {office.id}, version {version.version}"]
    if fitting - counting:
        remarks.append(f"{len(fitting - counting)} by revoked keys, which count for nothing")
    if strangers:
        remarks.append(f"{strangers} by keys that are not in the statement role")
    limits: list[str] = []
    removed = counting - office.newest.role_keys(STATEMENT_ROLE).keys()
    if removed:
        limits.append(
            f"{len(removed)} signing key(s) have since left the statement role; that they signed "
            f"while they had it rests on the time stated in the signature"
        )
    return SignatureJudgement(
        result=EvidenceResult(
            where=where,
            type=item.type,
            verdict=Verdict.PASSED if counting else Verdict.NOT_CHECKABLE,
            summary="; ".join(remarks),
            limits=tuple(limits),
        ),
        version=version.version,
        signers=counting,
    )


def _read(item: Evidence, statement: Statement) -> tuple[RootClaim, Envelope]:
    if item.subject_root != statement.root:
        raise SignatureRefused(problem=f"it is about another root, {item.subject_root}")
    stray = set(item.fields) - {"type", "subject_root", "envelope"}
    if stray:
        raise SignatureRefused(problem=f"unknown field {min(stray)}")
    envelope = read_envelope(item.fields.get("envelope"))
    if envelope.payload_type != ROOT_PAYLOAD_TYPE:
        raise SignatureRefused(problem=f"it signs a {envelope.payload_type}, not a root")
    document = parse_strict(envelope.payload)
    if canonical_bytes(document) != envelope.payload:
        raise SignatureRefused(problem="what it signs is not in canonical form")
    try:
        return msgspec.convert(document, RootClaim), envelope
    except msgspec.ValidationError as error:
        raise SignatureRefused(problem=f"what it signs is malformed: {error}") from error


def _contradiction(
    claim: RootClaim, statement: Statement, office: Office, *, now: datetime
) -> str | None:
    """The first point in which the signed words are not about this statement and this office."""
    if claim.root != statement.root:
        return f"it signs another root, {claim.root}"
    if claim.tree_size != statement.size:
        return f"it signs a tree of {claim.tree_size} parts, and there are {statement.size}"
    if claim.office != office.fingerprint:
        return f"it signs in the name of the office {grouped(claim.office)}"
    if (claim.network.name, claim.network.genesis) != (
        statement.network.name,
        statement.network.genesis,
    ):
        return f"it signs for the network {claim.network.name}"
    if claim.test != statement.test:
        return "its test flag is not the statement's"
    if claim.period != _period(statement):
        return "it signs for another period"
    try:
        signed_at = read_instant(claim.signed_at)
    except ValueError as error:
        return str(error)
    if signed_at > now:
        return f"it says that it was made at {claim.signed_at}, which is in the future"
    version = office.version(claim.identity_version)
    if version is None:
        return (
            f"it names version {claim.identity_version} of the office, and only "
            f"{office.newest.version} are known: get the office's newest file"
        )
    if office.in_force(signed_at) is not version:
        return f"version {version.version} of the office was not in force at {claim.signed_at}"
    return None


def _period(statement: Statement) -> Mapping[str, Any]:
    period = statement.header.body.get("period", {})
    if not isinstance(period, Mapping):
        raise SignatureRefused(problem="the header's period is not an object")
    return period
