"""Signatures over a wallet report: the office's, and each entity's over its return (rule W5)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.errors import KhazanaError
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.reserve.parts import Hash, Identifier, NetworkBody, Text, UtcTime
from khazana.reserve.wallet_report.document import WalletReport, WalletReportFile
from khazana.reserve.wallet_report.errors import RolesCollide
from khazana.statement.dsse import (
    Envelope,
    EnvelopeFile,
    joined,
    read_envelope,
    sign,
    valid_signers,
)
from khazana.statement.errors import SignatureRefused
from khazana.statement.identity import STATEMENT_ROLE, Office
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.times import read_instant, write_instant

PAYLOAD_TYPE = "application/vnd.khazana.wallet-report+json"
ENTITY_ROLE = "entity-"
"""Begins the role of office.json in which an entity signs its own return."""

SAYS_ALL = (
    "This report lists every hot and cold address of the wallets we declare, with the amount on "
    "each at the dates stated."
)
SAYS_RETURN = "This is our return: we hold no bitcoin but what it lists."
SAYS_NIL = "Nil return: we held no bitcoin, in any wallet or account, at any of the dates stated."


class ReportClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is signed, in words that a signer's device can show. entity: None: the whole report."""

    type: Literal["khazana.wallet-report-claim/1"]
    digest: Hash
    office: Hash
    identity_version: Annotated[int, msgspec.Meta(ge=1)]
    network: NetworkBody
    test: bool
    dates: list[Text]
    entity: Identifier | None
    says: Text
    signed_at: UtcTime


@dataclass(frozen=True, slots=True)
class SignedBy:
    """Who signed what. entity: None: the whole report. signers: ids of keys that count.

    complete: as many as the role takes.
    """

    entity: str | None
    role: str
    signers: frozenset[str]
    needed: int
    signed_at: str

    @property
    def complete(self) -> bool:
        return len(self.signers) >= self.needed


def role_of(entity: str | None) -> str:
    """The role of office.json that signs; roles are spelt in small letters and hyphens.

    >>> role_of("Wallet_Company.SV"), role_of(None)
    ('entity-wallet-company-sv', 'statement')
    """
    if entity is None:
        return STATEMENT_ROLE
    return ENTITY_ROLE + re.sub(r"[^a-z0-9]+", "-", entity.lower()).strip("-")


def sign_report(
    file: WalletReportFile,
    identity: Office,
    private: Ed25519PrivateKey,
    *,
    at: datetime,
    entity: str | None = None,
) -> WalletReportFile:
    """The file with one more signature, joined to those over the same claim.

    entity: sign its return in its own role instead of the whole in the statement role. Signers of
    the same claim agree on `at`. Raises SignatureRefused, RolesCollide.
    """
    report = file.report
    _require_distinct_roles(report)
    if report.office.fingerprint != identity.fingerprint:
        raise SignatureRefused(
            problem=f"the report is in the name of office {report.office.fingerprint}, "
            f"not {identity.fingerprint}"
        )
    version = identity.in_force(at)
    if version is None:
        raise SignatureRefused(
            problem=f"no version of {identity.id} is in force at {write_instant(at)}"
        )
    role = role_of(entity)
    signer = key_id(public_bytes(private))
    if signer not in version.role_keys(role):
        raise SignatureRefused(
            problem=f"key {signer} is not in role {role} of version {version.version}"
        )
    claim = ReportClaim(
        type="khazana.wallet-report-claim/1",
        digest=report.digest,
        office=identity.fingerprint,
        identity_version=version.version,
        network=report.network,
        test=report.test,
        dates=[each.day for each in report.dates],
        entity=entity,
        says=_says(report, entity),
        signed_at=write_instant(at),
    )
    made = sign(PAYLOAD_TYPE, canonical_bytes(msgspec.to_builtins(claim)), private)
    present = [read_envelope(msgspec.to_builtins(each)) for each in file.signatures]
    same = [each for each in present if each.payload == made.payload]
    others = [each for each in present if each.payload != made.payload]
    together = [*others, joined([*same, made])]
    return WalletReportFile(
        format=file.format,
        report=report,
        signatures=[msgspec.convert(each.to_json(), EnvelopeFile) for each in together],
    )


def signed_instant(file: WalletReportFile, entity: str | None) -> datetime | None:
    """The time that the signatures over the same claim state, for the next signer; None if none."""
    for each in file.signatures:
        claim = _claim(read_envelope(msgspec.to_builtins(each)))
        if claim.entity == entity:
            return read_instant(claim.signed_at)
    return None


def signatures_of(
    file: WalletReportFile, identity: Office, *, now: datetime
) -> Iterator[SignedBy | str]:
    """Each claim with the keys that count, or what is wrong with it, in the order of the file."""
    _require_distinct_roles(file.report)
    for number, each in enumerate(file.signatures, 1):
        try:
            yield _judged(file.report, read_envelope(msgspec.to_builtins(each)), identity, now)
        except KhazanaError as error:
            yield f"signature {number}: {error}"


def _judged(report: WalletReport, envelope: Envelope, identity: Office, now: datetime) -> SignedBy:
    claim = _claim(envelope)
    wrong = _contradiction(claim, report, identity)
    if wrong is not None:
        raise SignatureRefused(problem=wrong)
    try:
        at = read_instant(claim.signed_at)
    except ValueError as error:
        raise SignatureRefused(problem=str(error)) from error
    version = identity.version(claim.identity_version)
    if at > now:
        raise SignatureRefused(problem=f"it says it was made at {claim.signed_at}, in the future")
    if version is None or identity.in_force(at) is not version:
        raise SignatureRefused(
            problem=f"version {claim.identity_version} of the office was not in force at "
            f"{claim.signed_at}"
        )
    role = role_of(claim.entity)
    held = version.roles.get(role)
    if held is None:
        raise SignatureRefused(problem=f"version {version.version} has no role {role}")
    signers = valid_signers(envelope, version.role_keys(role)) - identity.revoked
    return SignedBy(claim.entity, role, signers, held.threshold, claim.signed_at)


def _claim(envelope: Envelope) -> ReportClaim:
    if envelope.payload_type != PAYLOAD_TYPE:
        raise SignatureRefused(problem=f"it signs a {envelope.payload_type}, not a wallet report")
    document = parse_strict(envelope.payload)
    if canonical_bytes(document) != envelope.payload:
        raise SignatureRefused(problem="what it signs is not in canonical form")
    try:
        return msgspec.convert(document, ReportClaim)
    except msgspec.ValidationError as error:
        raise SignatureRefused(problem=f"what it signs is malformed: {error}") from error


def _contradiction(claim: ReportClaim, report: WalletReport, identity: Office) -> str | None:
    if claim.digest != report.digest:
        return f"it signs another report, {claim.digest}"
    if claim.office != identity.fingerprint:
        return f"it signs in the name of office {claim.office}"
    if (claim.network, claim.test) != (report.network, report.test):
        return "it signs for another network"
    if claim.dates != [each.day for each in report.dates]:
        return "it signs for other dates"
    if claim.entity is not None and claim.entity not in {e.id for e in report.entities}:
        return f"it signs for entity {claim.entity}, which the report does not list"
    if claim.says != _says(report, claim.entity):
        return "its words are not those of this report"
    return None


def _says(report: WalletReport, entity: str | None) -> str:
    if entity is None:
        return SAYS_ALL
    found = next((each for each in report.entities if each.id == entity), None)
    if found is None:
        raise SignatureRefused(problem=f"the report lists no entity {entity}")
    return SAYS_NIL if found.nil else SAYS_RETURN


def _require_distinct_roles(report: WalletReport) -> None:
    by_role: dict[str, str] = {}
    for each in _ids(report):
        other = by_role.setdefault(role_of(each), each)
        if other != each:
            raise RolesCollide(role=role_of(each), entities=f"{other} and {each}")


def _ids(report: WalletReport) -> Iterable[str]:
    return [each.id for each in report.entities]
