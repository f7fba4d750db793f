"""Signed records of a feed: verdicts, corrections, and commitments to wallets not yet shown.

A record is canonical JSON in a DSSE envelope; its file is the canonical JSON of the envelope and
one newline, so that one record is one file and one digest.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.accord.feed.errors import RecordRefused
from khazana.accord.feed.paths import digest_of
from khazana.errors import KhazanaError
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.statement.dsse import Envelope, joined, read_envelope, sign, valid_signers
from khazana.statement.envelope import NetworkName
from khazana.statement.identity import STATEMENT_ROLE, Office, grouped
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.log.entries import Index, Origin
from khazana.statement.log.office_keys import CLOCK_SKEW, WITNESS_ROLE
from khazana.statement.office_file import Instant, Language
from khazana.statement.times import read_instant, write_instant
from khazana.statement.wire import Hash256, NetworkFile

RECORD_PAYLOAD_TYPE = "application/vnd.khazana.record+json"
MOST_RECORD_BYTES = 1 << 20

IDENTIFIER = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"
ScriptHex = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{2}){1,10000}\Z")]
NO_CONTROLS = r"\A[^\x00-\x08\x0b-\x1f\x7f-\x9f]*\Z"
"""Text that databases and terminals take: of control characters only tab and newline."""
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=4000, pattern=NO_CONTROLS)]
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=400, pattern=NO_CONTROLS)]


class Record(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type"
):
    """What every record says. office: fingerprint of who signs. signed_at: in its word."""

    office: Hash256
    identity_version: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    network: NetworkFile
    test: bool
    signed_at: Instant


class FailedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A check that failed: its name, the claimed and the found figures, the place."""

    check: Short
    text: Words
    where: Annotated[str, msgspec.Meta(max_length=400, pattern=NO_CONTROLS)]


class BlockFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A block by height and displayed hash."""

    height: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    hash: Hash256


class VerdictRecord(Record, frozen=True, tag="khazana.verdict/1"):
    """What an office found of one entry of another's log.

    entry: the entry's leaf hash. basis: whose word it rests on. block: the newest that it saw.
    """

    log: Origin
    index: Index
    entry: Hash256
    finding: Literal["verified", "contradicted", "not-checkable"]
    basis: Short
    reason: Words
    block: BlockFile | None
    failed: Annotated[tuple[FailedFile, ...], msgspec.Meta(max_length=50)]

    def __post_init__(self) -> None:
        if bool(self.failed) != (self.finding == "contradicted"):
            raise ValueError("a contradiction, and nothing else, names the checks that failed")


class CorrectionRecord(Record, frozen=True, tag="khazana.correction/1"):
    """What was wrong with an entry of the office's own log. replaced_by: a document's digest."""

    corrects: Index
    entry: Hash256
    replaced_by: Hash256 | None
    reason: Annotated[dict[Language, Words], msgspec.Meta(min_length=1, max_length=20)]


class CommitmentsRecord(Record, frozen=True, tag="khazana.wallet-commitments/1"):
    """Wallets that exist and are not shown yet, by their sealed commitments."""

    commitments: Annotated[tuple[Hash256, ...], msgspec.Meta(min_length=1, max_length=1000)]


class DeclarationRecord(Record, frozen=True, tag="khazana.wallet-declaration/1"):
    """Wallets that the office declares as its own, by scripts of theirs: some, or all."""

    wallets: Annotated[
        dict[
            Annotated[str, msgspec.Meta(pattern=IDENTIFIER)],
            Annotated[tuple[ScriptHex, ...], msgspec.Meta(min_length=1, max_length=10_000)],
        ],
        msgspec.Meta(min_length=1, max_length=1000),
    ]


AnyRecord = VerdictRecord | CorrectionRecord | CommitmentsRecord | DeclarationRecord

ROLE = {
    VerdictRecord: WITNESS_ROLE,
    CorrectionRecord: STATEMENT_ROLE,
    CommitmentsRecord: STATEMENT_ROLE,
    DeclarationRecord: STATEMENT_ROLE,
}
"""In which role an office signs a record of each type."""


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """A record with the envelope that holds it. Its signatures are another question."""

    record: AnyRecord
    envelope: Envelope

    def to_bytes(self) -> bytes:
        """The record's file."""
        return canonical_bytes(self.envelope.to_json()) + b"\n"

    @property
    def digest(self) -> str:
        """The file's SHA-256, by which the log names it."""
        return digest_of(self.to_bytes())


def said_by(office: Office, *, at: datetime) -> dict[str, Any]:
    """The fields that every record has, for a record that the office signs at this time."""
    version = office.in_force(at)
    if version is None:
        problem = f"no version of {office.id} is in force at {write_instant(at)}"
        raise RecordRefused(problem=problem)
    return {
        "office": office.fingerprint,
        "identity_version": version.version,
        "network": NetworkFile(version.network.name, version.network.genesis),
        "test": version.test,
        "signed_at": write_instant(at),
    }


def sign_record(record: AnyRecord, private: Ed25519PrivateKey) -> SignedRecord:
    """The record signed by one key; refuses what a reader would refuse."""
    raw = canonical_bytes(msgspec.to_builtins(record))
    return SignedRecord(_record(raw), sign(RECORD_PAYLOAD_TYPE, raw, private))


def signed_too(signed: SignedRecord, private: Ed25519PrivateKey) -> SignedRecord:
    """The record with one more signature."""
    added = sign(RECORD_PAYLOAD_TYPE, signed.envelope.payload, private)
    return SignedRecord(signed.record, joined([signed.envelope, added]))


def read_unsigned(raw: bytes) -> AnyRecord:
    """A record that is to be signed, in a file whose spacing is free."""
    return _record(canonical_bytes(_parsed(raw)))


def read_record(raw: bytes) -> SignedRecord:
    """The record in a file, in its one spelling."""
    document = _parsed(raw)
    try:
        envelope = read_envelope(document)
    except KhazanaError as error:
        raise RecordRefused(problem=str(error)) from error
    if envelope.payload_type != RECORD_PAYLOAD_TYPE:
        raise RecordRefused(problem=f"it signs a {envelope.payload_type}, no record")
    signed = SignedRecord(_record(envelope.payload), envelope)
    if signed.to_bytes() != raw:
        raise RecordRefused(problem="the file is not in canonical form (RFC 8785 and a newline)")
    return signed


def require_signed(signed: SignedRecord, office: Office, *, now: datetime) -> datetime:
    """When enough keys of the office signed it in the role that its type asks for; or refuses.

    now: the reader's clock; a record from the future is refused, give or take a day.
    """
    record = signed.record
    if record.office != office.fingerprint:
        problem = f"it is said by the office {grouped(record.office)}, not by {office.id}"
        raise RecordRefused(problem=problem)
    at, version = read_instant(record.signed_at), office.version(record.identity_version)
    if version is None or office.in_force(at) is not version:
        problem = (
            f"version {record.identity_version} of {office.id} was not in force at "
            f"{record.signed_at}, as far as this office.json goes"
        )
        raise RecordRefused(problem=problem)
    if at > now + CLOCK_SKEW:
        told = f"it is dated {record.signed_at}, in the future: this machine's clock says"
        raise RecordRefused(problem=f"{told} {write_instant(now)}")
    named = NetworkName(record.network.name, record.network.genesis)
    if (named, record.test) != (version.network, version.test):
        raise RecordRefused(problem=f"it is about another network or test flag, {named}")
    role = ROLE[type(record)]
    held = version.roles.get(role)
    if held is None:
        raise RecordRefused(problem=f"{office.id} has no role {role} in version {version.version}")
    try:
        signers = valid_signers(signed.envelope, version.role_keys(role)) - office.revoked
    except KhazanaError as error:
        raise RecordRefused(problem=str(error)) from error
    if len(signers) < held.threshold:
        problem = f"{len(signers)} of the {held.threshold} signatures of role {role} needed"
        raise RecordRefused(problem=problem)
    return at


def require_may_sign(record: AnyRecord, office: Office, private: Ed25519PrivateKey) -> None:
    """Refuse to sign a record with a key whose signature nobody would count."""
    version = office.version(record.identity_version)
    role, signer = ROLE[type(record)], key_id(public_bytes(private))
    if record.office != office.fingerprint or version is None:
        raise RecordRefused(problem=f"it is not said by {office.id}, or by a version not known")
    if signer not in version.role_keys(role):
        problem = f"key {signer} is not in the role {role} of version {version.version}"
        raise RecordRefused(problem=problem)


def _parsed(raw: bytes) -> Any:
    if len(raw) > MOST_RECORD_BYTES:
        raise RecordRefused(problem=f"it has more than {MOST_RECORD_BYTES} bytes")
    try:
        return parse_strict(raw)
    except KhazanaError as error:
        raise RecordRefused(problem=str(error)) from error


def _record(raw: bytes) -> AnyRecord:
    document = _parsed(raw)
    try:
        record: AnyRecord = msgspec.convert(document, AnyRecord)
        read_instant(record.signed_at)
    except ValueError as error:  # msgspec's own refusal is one
        raise RecordRefused(problem=str(error)) from error
    if canonical_bytes(document) != raw:
        raise RecordRefused(problem="what it signs is not in canonical form (RFC 8785)")
    return record
