"""An auditor's signed opinion on a statement: evidence about its root, made after it.

What an opinion says is the auditor's word. That the key is that auditor's, only somebody who knows
the auditor can say: a reader who was told the key's id pins it.
Kinds of opinion after International Standards on Auditing 700 and 705.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

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
from khazana.statement.identity import ROOT_ROLE, STATEMENT_ROLE
from khazana.statement.keys import key_id, public_bytes, require_public_key
from khazana.statement.office_file import Instant
from khazana.statement.times import read_instant
from khazana.statement.wire import Hash256

OPINION_TYPE: Final = "khazana.audit-opinion/1"
PAYLOAD_TYPE = "application/vnd.khazana.audit-opinion+json"
AUDITOR_ROLE = "auditor"
MOST_OPINION_BYTES = 1 << 20
Kind = Literal["unqualified", "qualified", "adverse", "disclaimer"]
KINDS: tuple[Kind, ...] = ("unqualified", "qualified", "adverse", "disclaimer")

LIMIT = (
    "An opinion is its auditor's judgement within its scope. It adds no proof to a figure, and who "
    "holds the key is known only from somebody who knows the auditor."
)

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
Words = Annotated[
    dict[Annotated[str, msgspec.Meta(pattern=patterns.LANGUAGE)], Text],
    msgspec.Meta(min_length=1, max_length=20),
]
"""{language: text}."""


class Opinion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is signed. scope: what was audited; excluded: what was not; materiality: in satoshi."""

    type: Literal["khazana.audit-opinion/1"] = OPINION_TYPE
    root: Hash256
    auditor: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    public: Hash256
    """The auditor's Ed25519 public key."""
    opinion: Kind
    scope: Words
    excluded: Words
    qualifications: Annotated[list[Words], msgspec.Meta(max_length=50)]
    materiality: Annotated[int, msgspec.Meta(ge=0, le=2_100_000_000_000_000)]
    dated: Instant

    def __post_init__(self) -> None:
        if (self.opinion == "unqualified") == bool(self.qualifications):
            raise ValueError(
                "an unqualified opinion has no qualification, every other says its reasons"
            )

    @property
    def key(self) -> str:
        """The id of the auditor's key."""
        return key_id(bytes.fromhex(self.public))


@dataclass(eq=False, kw_only=True)
class OpinionMissing(KhazanaError):
    """An auditor's opinion was expected, and the file has none that holds."""

    path: str
    key: str
    code = "opinion_missing"
    words = "{path} carries no opinion that key {key} signed and that holds."


@dataclass(frozen=True, slots=True)
class Shown:
    """An opinion in a statement's file whose signature holds."""

    opinion: Opinion
    where: str


def write_opinion(opinion: Opinion) -> bytes:
    """The bytes to be signed: RFC 8785 JSON, without a newline."""
    return canonical_bytes(msgspec.to_builtins(opinion))


def read_opinion(raw: bytes) -> Opinion:
    """The unsigned opinion in a file; a newline at the end is no part of it."""
    body = raw.removesuffix(b"\n")
    opinion = _opinion(body)
    require_public_key(bytes.fromhex(opinion.public))
    return opinion


def sign_opinion(opinion: Opinion, private: Ed25519PrivateKey) -> bytes:
    """The signed file; refused for a key that is not the one the opinion names."""
    if public_bytes(private).hex() != opinion.public:
        problem = f"the opinion names key {opinion.key}, this one is another"
        raise SignatureRefused(problem=problem)
    envelope = sign(PAYLOAD_TYPE, write_opinion(opinion), private)
    return canonical_bytes(envelope.to_json()) + b"\n"


def read_signed_opinion(raw: bytes) -> tuple[Opinion, Envelope]:
    """The opinion in a signed file, its signature checked."""
    if len(raw) > MOST_OPINION_BYTES:
        raise SignatureRefused(problem=f"the file has more than {MOST_OPINION_BYTES} bytes")
    envelope = read_envelope(parse_strict(raw))
    return _signed(envelope), envelope


def opinion_evidence(statement: Statement, envelope: Envelope) -> Evidence:
    """A signed opinion, ready to be attached to the statement that it is about."""
    opinion = _signed(envelope)
    require_about(opinion, statement)
    return evidence_of(OPINION_TYPE, statement, envelope=envelope.to_json())


def require_about(opinion: Opinion, statement: Statement, *, now: datetime | None = None) -> None:
    """The opinion is on this root, not older than its closing block, by none of its own keys."""
    if opinion.root != statement.root:
        raise SignatureRefused(problem=f"it is an opinion on another root, {opinion.root}")
    try:
        dated = read_instant(opinion.dated)
    except ValueError as error:
        raise SignatureRefused(problem=f"{opinion.dated} is no time") from error
    if now is not None and dated > now:
        raise SignatureRefused(problem=f"it is dated {opinion.dated}, in the future")
    period = statement.header.body.get("period")
    closed = period.get("until_mtp") if isinstance(period, dict) else None
    if isinstance(closed, str) and opinion.dated < closed:
        problem = f"it is dated {opinion.dated}, before the closing block ({closed})"
        raise SignatureRefused(problem=problem)
    if opinion.key in _own_keys(statement):
        raise SignatureRefused(problem="it is signed with a key of the office itself")


def opinions_in(statement: Statement, *, now: datetime | None = None) -> Sequence[Shown]:
    """The opinions in a file that hold; what does not, the check "evidence" names."""
    found = []
    for where, item in evidence_places(statement):
        if item.type != OPINION_TYPE or item.subject_root != statement.root:
            continue
        try:
            opinion = _of(item)
            require_about(opinion, statement, now=now)
        except KhazanaError:
            continue
        found.append(Shown(opinion, where))
    return found


@dataclass(frozen=True, slots=True)
class OpinionVerifier:
    """Judges opinions. pinned: ids of keys that the reader knows to be an auditor's."""

    now: datetime | None = None
    pinned: frozenset[str] = frozenset()
    type: str = OPINION_TYPE

    def verify(self, item: Evidence, statement: Statement, *, where: str) -> EvidenceResult:
        try:
            opinion = _of(item)
            require_about(opinion, statement, now=self.now)
        except KhazanaError as error:
            return failed(where, item, str(error))
        known = opinion.key in self.pinned
        reasons = len(opinion.qualifications)
        summary = f"{opinion.opinion} opinion of {opinion.auditor}, {reasons} qualification(s)"
        if not known:
            summary += f", by a key that nobody vouched for: --auditor {opinion.key}"
        return EvidenceResult(
            where=where,
            type=item.type,
            verdict=Verdict.PASSED if known else Verdict.NOT_CHECKABLE,
            summary=summary,
            limits=(LIMIT,),
        )


def _of(item: Evidence) -> Opinion:
    stray = set(item.fields) - {"type", "subject_root", "envelope"}
    if stray:
        raise SignatureRefused(problem=f"unknown field {min(stray)}")
    return _signed(read_envelope(item.fields.get("envelope")))


def _signed(envelope: Envelope) -> Opinion:
    if envelope.payload_type != PAYLOAD_TYPE:
        raise SignatureRefused(problem=f"it signs a {envelope.payload_type}, not an opinion")
    opinion = _opinion(envelope.payload)
    public = bytes.fromhex(opinion.public)
    require_public_key(public)
    if [each.key for each in envelope.signatures] != [opinion.key]:
        raise SignatureRefused(problem="it is not signed by the one key that it names")
    valid_signers(envelope, {opinion.key: public})
    return opinion


def _opinion(raw: bytes) -> Opinion:
    try:
        opinion = msgspec.convert(parse_strict(raw), Opinion)
    except msgspec.ValidationError as error:
        raise SignatureRefused(problem=f"the opinion is malformed: {error}") from error
    if write_opinion(opinion) != raw:
        raise SignatureRefused(problem="the opinion is not in canonical form")
    return opinion


def named_as_auditor(statement: Statement) -> frozenset[str]:
    """Keys that the newest identity in the file gives the role "auditor": the office's word."""
    return _keys_of(statement, (AUDITOR_ROLE,), newest=True)


def _own_keys(statement: Statement) -> frozenset[str]:
    return _keys_of(statement, (ROOT_ROLE, STATEMENT_ROLE))


def _keys_of(statement: Statement, roles: Sequence[str], *, newest: bool = False) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for _, item in evidence_places(statement):
        if item.type != IDENTITY_TYPE or item.subject_root != statement.root:
            continue
        try:
            office = carried_office(item)
        except KhazanaError:
            continue  # the check "identity" says what is wrong with it
        for version in (office.newest,) if newest else office.versions:
            for name in roles:
                role = version.roles.get(name)
                found |= frozenset() if role is None else role.keys
    return found
