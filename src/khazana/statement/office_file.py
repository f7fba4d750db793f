"""office.json: the file in which an office publishes its identity, and how a reader pins it."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.statement import patterns
from khazana.statement.envelope import NetworkName
from khazana.statement.errors import OfficeConflict, OfficeRefused, PinMalformed, SignatureRefused
from khazana.statement.identity import (
    Office,
    OfficeVersion,
    Role,
    SignedVersion,
    grouped,
    latest_of,
)
from khazana.statement.times import read_instant
from khazana.statement.wire import Hash256, NetworkFile, json_schema

OFFICE_FORMAT = "khazana.office/1"
MAX_OFFICE_BYTES = 1 << 20

Slug = Annotated[str, msgspec.Meta(pattern=patterns.SLUG, max_length=64)]
Language = Annotated[str, msgspec.Meta(pattern=patterns.LANGUAGE)]
Instant = Annotated[str, msgspec.Meta(pattern=patterns.INSTANT)]
SignatureHex = Annotated[str, msgspec.Meta(pattern=patterns.SIGNATURE)]


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public key. id: the SHA-256 of its 32 bytes."""

    id: Hash256
    algorithm: Literal["ed25519"]
    public: Hash256


class RoleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which keys act in a role, and how many of them it takes."""

    keys: Annotated[Sequence[Hash256], msgspec.Meta(min_length=1, max_length=100)]
    threshold: Annotated[int, msgspec.Meta(ge=1, le=100)]


class VersionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is signed of one version."""

    id: Slug
    names: dict[Language, Annotated[str, msgspec.Meta(min_length=1, max_length=200)]]
    network: NetworkFile
    test: bool
    version: Annotated[int, msgspec.Meta(ge=1)]
    previous: Hash256 | None
    valid_from: Instant
    valid_until: Instant
    keys: Annotated[Sequence[KeyFile], msgspec.Meta(min_length=1, max_length=100)]
    roles: Annotated[dict[Slug, RoleFile], msgspec.Meta(max_length=50)]
    revoked: Annotated[Sequence[Hash256], msgspec.Meta(max_length=1000)]


class VersionSignature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signature over the DSSE encoding of the body's canonical bytes."""

    key: Hash256
    signature: SignatureHex


class VersionFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version and the signatures of root keys over it."""

    body: VersionBody
    signatures: Annotated[Sequence[VersionSignature], msgspec.Meta(min_length=1, max_length=100)]


class OfficeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    format: Literal["khazana.office/1"]
    versions: Annotated[Sequence[VersionFile], msgspec.Meta(min_length=1, max_length=1000)]


def office_json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of office.json, as shipped in docs/spec."""
    return json_schema(OFFICE_FORMAT, OfficeFile)


def office_document(office: Office) -> dict[str, Any]:
    """The office as plain JSON values."""
    return {
        "format": OFFICE_FORMAT,
        "versions": [
            {
                "body": each.version.to_json(),
                "signatures": [
                    {"key": key, "signature": value.hex()}
                    for key, value in sorted(each.signatures.items())
                ],
            }
            for each in office.signed
        ],
    }


def write_office(office: Office) -> bytes:
    """The bytes of office.json: RFC 8785 JSON and one newline."""
    return canonical_bytes(office_document(office)) + b"\n"


def read_office(raw: bytes) -> Office:
    """The verified office in the bytes of office.json; whitespace and key order are free."""
    if len(raw) > MAX_OFFICE_BYTES:
        raise OfficeRefused(version=0, problem=f"it has more than {MAX_OFFICE_BYTES} bytes")
    return office_from_document(parse_strict(raw))


def office_from_document(document: object) -> Office:
    """The verified office in parsed JSON."""
    try:
        file = msgspec.convert(document, OfficeFile)
    except msgspec.ValidationError as error:
        raise OfficeRefused(version=0, problem=str(error)) from error
    return Office(tuple(_signed_version(n, each) for n, each in enumerate(file.versions, 1)))


def _signed_version(number: int, file: VersionFile) -> SignedVersion:
    body = file.body
    for what, ids in (
        ("key", [each.id for each in body.keys]),
        ("signature by key", [each.key for each in file.signatures]),
        ("revoked key", list(body.revoked)),
        *((f"key of role {name}", list(role.keys)) for name, role in body.roles.items()),
    ):
        twice = next((id_ for id_, times in Counter(ids).items() if times > 1), None)
        if twice is not None:
            raise OfficeRefused(version=number, problem=f"{what} {twice} is listed twice")
    try:
        version = _version(body)
    except (ValueError, SignatureRefused) as error:
        raise OfficeRefused(version=number, problem=str(error)) from error
    # Lists that are sets must be sorted, so that what was signed has one spelling.
    if canonical_bytes(msgspec.to_builtins(body)) != version.body_bytes():
        raise OfficeRefused(version=number, problem="its lists of keys are not sorted by id")
    return SignedVersion(
        version, {each.key: bytes.fromhex(each.signature) for each in file.signatures}
    )


def _version(body: VersionBody) -> OfficeVersion:
    return OfficeVersion(
        id=body.id,
        names=body.names,
        network=NetworkName(body.network.name, body.network.genesis),
        test=body.test,
        version=body.version,
        previous=body.previous,
        valid_from=read_instant(body.valid_from),
        valid_until=read_instant(body.valid_until),
        keys={each.id: bytes.fromhex(each.public) for each in body.keys},
        roles={n: Role(frozenset(r.keys), r.threshold) for n, r in body.roles.items()},
        revoked=frozenset(body.revoked),
    )


@dataclass(frozen=True, slots=True)
class Pin:
    """What a reader already knows about the office: its fingerprint, and perhaps its file."""

    fingerprint: str
    office: Office | None = None

    def admits(self, offered: Office) -> Office:
        """The newest account of the pinned office; raises when `offered` is another or a fork."""
        if self.office is not None:
            return latest_of(self.office, offered)
        if offered.fingerprint != self.fingerprint:
            raise OfficeConflict(
                problem=f"its fingerprint is {grouped(offered.fingerprint)}, "
                f"not {grouped(self.fingerprint)}"
            )
        return offered


def pin_by_file(raw: bytes) -> Pin:
    """Pin an office by a copy of its file that the reader trusts."""
    office = read_office(raw)
    return Pin(office.fingerprint, office)


def pin_by_fingerprint(text: str) -> Pin:
    """Pin an office by all 64 digits of its fingerprint; spaces and case do not matter.

    >>> pin_by_fingerprint("00FF " * 16).fingerprint == "00ff" * 16
    True
    """
    digits = re.sub(r"\s", "", text).lower()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise PinMalformed(given=text)
    return Pin(digits)
