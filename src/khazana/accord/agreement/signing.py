"""A party's signature over an agreement: over the hash of every language at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.accord.agreement.model import Agreement, Party
from khazana.ledger.canonical import JsonRefused, canonical_bytes, parse_strict
from khazana.statement.dsse import Envelope, sign, valid_signers
from khazana.statement.errors import SignatureRefused
from khazana.statement.identity import STATEMENT_ROLE, Office
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.office_file import Instant
from khazana.statement.times import read_instant, write_instant
from khazana.statement.wire import Hash256

AGREEMENT_PAYLOAD_TYPE = "application/vnd.khazana.agreement+json"
CLOCK_SKEW = timedelta(minutes=5)
"""How far a signer's clock may be ahead of the reader's."""


class AgreementClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is signed: the hash of the set, and in plain words what it is and who signs it."""

    type: Literal["khazana.agreement-signature/1"]
    agreement: Hash256
    id: str
    version: Annotated[int, msgspec.Meta(ge=1)]
    test: bool
    party: str
    office: Hash256
    identity_version: Annotated[int, msgspec.Meta(ge=1)]
    signed_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class PartySigned:
    """A party whose office signed, by enough keys of its statement role."""

    party: str
    at: datetime
    keys: frozenset[str]


def sign_agreement(
    agreement: Agreement, party: Party, office: Office, private: Ed25519PrivateKey, *, at: datetime
) -> Envelope:
    """One signer's envelope in the name of a party, whose office this is."""
    _require_office(party, office)
    version = office.in_force(at)
    if version is None:
        raise SignatureRefused(
            problem=f"no version of {office.id} is in force at {write_instant(at)}"
        )
    signer = key_id(public_bytes(private))
    if signer not in version.role_keys(STATEMENT_ROLE):
        raise SignatureRefused(
            problem=f"key {signer} may not sign for {office.id} in version {version.version}"
        )
    claim = AgreementClaim(
        type="khazana.agreement-signature/1",
        agreement=agreement.digest,
        id=agreement.id,
        version=agreement.version,
        test=agreement.test,
        party=party.id,
        office=office.fingerprint,
        identity_version=version.version,
        signed_at=write_instant(at),
    )
    return sign(AGREEMENT_PAYLOAD_TYPE, canonical_bytes(msgspec.to_builtins(claim)), private)


def judge_agreement_signature(
    agreement: Agreement, envelope: Envelope, offices: Sequence[Office], *, now: datetime
) -> PartySigned:
    """Which party the envelope binds; SignatureRefused when it binds none, and why.

    offices: identities that the reader pinned. A company signs on paper, which nothing here judges.
    """
    claim = _read(envelope)
    for what, said, meant in (
        ("another text", claim.agreement, agreement.digest),
        ("another agreement", claim.id, agreement.id),
        ("another version", claim.version, agreement.version),
        ("another network", claim.test, agreement.test),
    ):
        if said != meant:
            raise SignatureRefused(problem=f"it is over {what}: {said}, not {meant}")
    try:
        party = agreement.party(claim.party)
        at = read_instant(claim.signed_at)
    except ValueError as error:
        raise SignatureRefused(problem=str(error)) from error
    if at > now + CLOCK_SKEW:
        raise SignatureRefused(problem=f"it is dated {claim.signed_at}, which is still to come")
    office = next((each for each in offices if each.fingerprint == party.office), None)
    if office is None:
        raise SignatureRefused(problem=f"the identity of {party.id} was not given, so nothing pins")
    if claim.office != office.fingerprint:
        raise SignatureRefused(problem=f"it is in the name of another office than {party.id}'s")
    version = office.version(claim.identity_version)
    if version is None or office.in_force(at) != version:
        raise SignatureRefused(
            problem=f"version {claim.identity_version} of {office.id} was not in force then"
        )
    keys = valid_signers(envelope, version.role_keys(STATEMENT_ROLE)) - office.revoked
    threshold = version.roles[STATEMENT_ROLE].threshold
    if len(keys) < threshold:
        raise SignatureRefused(
            problem=f"{len(keys)} key(s) of {office.id} signed it, and it takes {threshold}"
        )
    return PartySigned(party=party.id, at=at, keys=keys)


def unsigned_parties(agreement: Agreement, signed: Sequence[PartySigned]) -> tuple[Party, ...]:
    """Parties that no judged signature binds yet."""
    have = {each.party for each in signed}
    return tuple(each for each in agreement.parties if each.id not in have)


def _require_office(party: Party, office: Office) -> None:
    if party.office is None:
        raise SignatureRefused(
            problem=f"the agreement names no identity for {party.id}; it signs on paper"
        )
    if party.office != office.fingerprint:
        raise SignatureRefused(problem=f"{office.id} is not the office that it names {party.id}")


def _read(envelope: Envelope) -> AgreementClaim:
    if envelope.payload_type != AGREEMENT_PAYLOAD_TYPE:
        raise SignatureRefused(problem=f"it signs a {envelope.payload_type}, not an agreement")
    try:
        document = parse_strict(envelope.payload)
        claim = msgspec.convert(document, AgreementClaim)
    except (JsonRefused, msgspec.ValidationError) as error:
        raise SignatureRefused(problem=f"what it signs is malformed: {error}") from error
    if canonical_bytes(document) != envelope.payload:
        raise SignatureRefused(problem="what it signs is not in canonical form")
    return claim
