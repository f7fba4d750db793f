"""Who an office is: its roles and keys, version after version, each signed by the one before."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.ledger.canonical import canonical_bytes
from khazana.statement import patterns
from khazana.statement.dsse import pre_authentication_encoding
from khazana.statement.envelope import NetworkName, network_problems
from khazana.statement.errors import OfficeConflict, OfficeRefused
from khazana.statement.keys import ED25519, key_id, public_bytes, require_public_key, signature_fits
from khazana.statement.times import write_instant

OFFICE_DOMAIN = b"khazana.office/1\x00"
OFFICE_PAYLOAD_TYPE = "application/vnd.khazana.office+json"

ROOT_ROLE = "root"
"""Signs the office's own versions."""
STATEMENT_ROLE = "statement"
"""Signs statements."""


@dataclass(frozen=True, slots=True)
class Role:
    """Which keys act in a role, and how many of them it takes."""

    keys: frozenset[str]
    threshold: int

    def __post_init__(self) -> None:
        if not 1 <= self.threshold <= len(self.keys):
            raise ValueError(
                f"a threshold of {self.threshold} cannot be reached with {len(self.keys)} keys"
            )


@dataclass(frozen=True, kw_only=True)
class OfficeVersion:
    """One version of an office's identity, in force from `valid_from` until the next one begins.

    keys: public key of 32 bytes by key id. revoked: ids of keys that may be in foreign hands; they
    count for nothing, whatever time a signature claims. A key that merely leaves keeps its past
    signatures. previous: digest of the version before.
    """

    id: str
    names: Mapping[str, str]
    network: NetworkName
    test: bool
    version: int
    previous: str | None
    valid_from: datetime
    valid_until: datetime
    keys: Mapping[str, bytes]
    roles: Mapping[str, Role]
    revoked: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.version < 1 or (self.version == 1) != (self.previous is None):
            raise ValueError("version 1 has no previous version, and every later one has")
        if self.valid_until <= self.valid_from:
            raise ValueError("it ends before it begins")
        for what, pattern, texts in (
            ("short name", patterns.SLUG, [self.id]),
            ("role name", patterns.SLUG, self.roles),
            ("language", patterns.LANGUAGE, self.names),
        ):
            odd = next((text for text in texts if not re.match(pattern, text)), None)
            if odd is not None:
                raise ValueError(f"{odd!r} is not a {what} as office.json spells one")
        for _, problem in network_problems(self.network, test=self.test):
            raise ValueError(problem)
        for required in (ROOT_ROLE, STATEMENT_ROLE):
            if required not in self.roles:
                raise ValueError(f"there is no role called {required}")
        for id_, public in self.keys.items():
            if id_ != key_id(public):
                raise ValueError(f"the id of key {public.hex()} is not the SHA-256 of its bytes")
            require_public_key(public)
        for name, role in self.roles.items():
            stray = role.keys - self.keys.keys()
            if stray:
                raise ValueError(f"role {name} names key {min(stray)}, which is not listed")
        alive = self.revoked & self.keys.keys()
        if alive:
            raise ValueError(f"key {min(alive)} is listed although it is revoked")

    @property
    def digest(self) -> str:
        """SHA-256("khazana.office/1" ‖ 0x00 ‖ canonical JSON of the body), in hex."""
        return hashlib.sha256(OFFICE_DOMAIN + self.body_bytes()).hexdigest()

    def body_bytes(self) -> bytes:
        """The bytes that are hashed and signed."""
        return canonical_bytes(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """The body of the version as it stands in office.json."""
        return {
            "id": self.id,
            "names": dict(self.names),
            "network": self.network.to_json(),
            "test": self.test,
            "version": self.version,
            "previous": self.previous,
            "valid_from": write_instant(self.valid_from),
            "valid_until": write_instant(self.valid_until),
            "keys": [
                {"id": id_, "algorithm": ED25519, "public": public.hex()}
                for id_, public in sorted(self.keys.items())
            ],
            "roles": {
                name: {"keys": sorted(role.keys), "threshold": role.threshold}
                for name, role in self.roles.items()
            },
            "revoked": sorted(self.revoked),
        }

    def role_keys(self, name: str) -> Mapping[str, bytes]:
        """The public keys of a role, by id; empty when there is no such role."""
        role = self.roles.get(name)
        return {id_: self.keys[id_] for id_ in role.keys} if role else {}


@dataclass(frozen=True, slots=True)
class SignedVersion:
    """A version with the signatures over it: signature by key id."""

    version: OfficeVersion
    signatures: Mapping[str, bytes]


@dataclass(frozen=True)
class Office:
    """An office as a chain of versions that was verified from the first to the last.

    Whether it is the office you mean is another question: compare the fingerprint.
    """

    signed: tuple[SignedVersion, ...]

    def __post_init__(self) -> None:
        _verify_chain(self.signed)

    @property
    def versions(self) -> tuple[OfficeVersion, ...]:
        return tuple(each.version for each in self.signed)

    @property
    def newest(self) -> OfficeVersion:
        return self.signed[-1].version

    @property
    def id(self) -> str:
        return self.newest.id

    @cached_property
    def fingerprint(self) -> str:
        """The digest of version 1: it stays the same for as long as the office exists."""
        return self.signed[0].version.digest

    @property
    def revoked(self) -> frozenset[str]:
        """Every key that any version revoked."""
        return frozenset(id_ for version in self.versions for id_ in version.revoked)

    def version(self, number: int) -> OfficeVersion | None:
        """The version with this number, if the chain reaches it."""
        return self.versions[number - 1] if 1 <= number <= len(self.signed) else None

    def in_force(self, at: datetime) -> OfficeVersion | None:
        """The version in force at an instant: the newest that has begun, unless it has ended.

        A version never comes back into force because its successor ended.
        """
        begun = [version for version in self.versions if version.valid_from <= at]
        return begun[-1] if begun and at < begun[-1].valid_until else None


def sign_version(version: OfficeVersion, private: Ed25519PrivateKey) -> tuple[str, bytes]:
    """One key's signature over a version: key id and signature."""
    message = pre_authentication_encoding(OFFICE_PAYLOAD_TYPE, version.body_bytes())
    return key_id(public_bytes(private)), private.sign(message)


def new_office(version: OfficeVersion, signers: Sequence[Ed25519PrivateKey]) -> Office:
    """An office that begins with `version`, signed by holders of its root role."""
    return Office((SignedVersion(version, dict(sign_version(version, each) for each in signers)),))


def succeeded(
    office: Office, version: OfficeVersion, signers: Sequence[Ed25519PrivateKey]
) -> Office:
    """The office with one more version, signed by root keys of the last version and of its own."""
    added = SignedVersion(version, dict(sign_version(version, each) for each in signers))
    return Office((*office.signed, added))


def latest_of(known: Office, offered: Office) -> Office:
    """The longer of two accounts of the same office; refuses another office, or a fork.

    A shorter chain is only older news, unless it contradicts what is known.
    """
    if known.fingerprint != offered.fingerprint:
        raise OfficeConflict(
            problem=f"its fingerprint is {grouped(offered.fingerprint)}, "
            f"not {grouped(known.fingerprint)}"
        )
    for mine, theirs in zip(known.versions, offered.versions, strict=False):
        if mine.digest != theirs.digest:
            raise OfficeConflict(problem=f"there are two different versions {mine.version}")
    return known if len(known.signed) >= len(offered.signed) else offered


def require_no_rollback(known: Office, offered: Office) -> Office:
    """`offered`, unless it lacks versions that are already known: that would revive old keys."""
    latest_of(known, offered)
    if len(offered.signed) < len(known.signed):
        raise OfficeConflict(
            problem=f"it ends at version {offered.newest.version}, although version "
            f"{known.newest.version} is known: an old file is being shown"
        )
    return offered


def grouped(fingerprint: str) -> str:
    """A fingerprint as people compare it: groups of four hex digits.

    >>> grouped("00ff" * 4)
    '00ff 00ff 00ff 00ff'
    """
    return " ".join(re.findall(".{1,4}", fingerprint))


def _verify_chain(signed: Sequence[SignedVersion]) -> None:
    if not signed:
        raise OfficeRefused(version=0, problem="it has no version")
    before: OfficeVersion | None = None
    revoked: set[str] = set()
    for number, each in enumerate(signed, 1):
        version = each.version
        if version.version != number:
            raise OfficeRefused(
                version=number, problem=f"version {version.version} stands in its place"
            )
        if before is not None:
            _require_succession(before, version)
        back = revoked & version.keys.keys()
        if back:
            raise OfficeRefused(version=number, problem=f"the revoked key {min(back)} came back")
        if not revoked <= version.revoked:
            raise OfficeRefused(version=number, problem="it drops a key from the revoked ones")
        _require_signatures(each, before)
        revoked |= version.revoked
        before = version


def _require_succession(before: OfficeVersion, version: OfficeVersion) -> None:
    number = version.version
    if version.previous != before.digest:
        raise OfficeRefused(version=number, problem="it names another version as the one before")
    for what, mine, theirs in (
        ("id", version.id, before.id),
        ("network", version.network, before.network),
        ("test flag", version.test, before.test),
    ):
        if mine != theirs:
            raise OfficeRefused(version=number, problem=f"its {what} changed from {theirs}")
    if version.valid_from <= before.valid_from:
        raise OfficeRefused(version=number, problem="it begins no later than the one before")


def _require_signatures(signed: SignedVersion, before: OfficeVersion | None) -> None:
    """A threshold of the root role of the version before, and of its own, must have signed.

    The first shows that the office itself made the change; the second that the new keys exist.
    """
    version = signed.version
    authorities = (
        {"its own": version} if before is None else {"the previous": before, "its own": version}
    )
    publics: dict[str, bytes] = {}
    for authority in authorities.values():
        publics |= authority.role_keys(ROOT_ROLE)
    message = pre_authentication_encoding(OFFICE_PAYLOAD_TYPE, version.body_bytes())
    for id_, signature in signed.signatures.items():
        if id_ not in publics:
            raise OfficeRefused(
                version=version.version, problem=f"key {id_} signed it without being a root key"
            )
        if not signature_fits(public=publics[id_], signature=signature, message=message):
            raise OfficeRefused(
                version=version.version, problem=f"the signature of key {id_} does not fit"
            )
    for whose, authority in authorities.items():
        root = authority.roles[ROOT_ROLE]
        count = len(root.keys & signed.signatures.keys())
        if count < root.threshold:
            raise OfficeRefused(
                version=version.version,
                problem=f"{count} of {whose} version's root keys signed it, "
                f"and {root.threshold} must",
            )
