"""The fictional Drill Office: fixed keys, an identity and a small statement to attack."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.bitcoin.network import REGTEST
from khazana.statement.dsse import joined
from khazana.statement.envelope import NetworkName, Statement, make_statement, with_evidence
from khazana.statement.evidence import identity_evidence
from khazana.statement.identity import (
    Office,
    OfficeVersion,
    Role,
    new_office,
)
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.signatures import sign_statement, signature_evidence

NETWORK = NetworkName(REGTEST.name, REGTEST.genesis)
KINDS = {"wallet", "entry"}
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)
SIGNED_AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 8, 1, tzinfo=UTC)


def private_key(name: str) -> Ed25519PrivateKey:
    """A key that every run of the tests makes again from its name."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


ROOT_KEYS = [private_key(f"root {n}") for n in range(3)]
STATEMENT_KEYS = [private_key(f"statement {n}") for n in range(3)]
STRANGERS = [private_key(f"stranger {n}") for n in range(3)]


def id_of(private: Ed25519PrivateKey) -> str:
    return key_id(public_bytes(private))


def role(keys: list[Ed25519PrivateKey], threshold: int) -> Role:
    return Role(frozenset(id_of(key) for key in keys), threshold)


def listed(*keys: Ed25519PrivateKey) -> dict[str, bytes]:
    return {id_of(key): public_bytes(key) for key in keys}


def first_version(
    root: list[Ed25519PrivateKey] = ROOT_KEYS,
    statement: list[Ed25519PrivateKey] = STATEMENT_KEYS,
    **changes: object,
) -> OfficeVersion:
    """Version 1: two of three root keys, two of three statement keys."""
    version = OfficeVersion(
        id="drill-office",
        names={"en": "Drill Office", "ur": "مشقی دفتر"},
        network=NETWORK,
        test=True,
        version=1,
        previous=None,
        valid_from=BEGIN,
        valid_until=END,
        keys=listed(*root, *statement),
        roles={"root": role(root, 2), "statement": role(statement, 2)},
    )
    return replace(version, **changes)


def next_version(before: OfficeVersion, **changes: object) -> OfficeVersion:
    changes = {"valid_from": datetime(2026, 6, 1, tzinfo=UTC), **changes}
    return replace(before, version=before.version + 1, previous=before.digest, **changes)


def drill_office() -> Office:
    return new_office(first_version(), ROOT_KEYS[:2])


def strangers_office() -> Office:
    """Another office that calls itself the same."""
    return new_office(first_version(STRANGERS, STRANGERS), STRANGERS[:2])


def figures(total: int = 700, until: int = 200, **changes: object) -> Statement:
    """A statement of six parts without evidence."""
    arguments = {
        "network": NETWORK,
        "test": True,
        "header": {"title": "Half-year", "period": {"after": 100, "until": until}},
        "parts": [
            ("wallet/treasury", {"closing": total}),
            ("wallet/mining", {"closing": 42}),
            ("entry/0", {"amount": total}),
            ("entry/1", {"amount": 42}),
            ("x-note/en", {"critical": False, "text": "invented"}),
        ],
        "salt_seed": b"drill seed, sixteen or more",
    }
    return make_statement(**{**arguments, **changes})


def signed(
    statement: Statement,
    office: Office | None = None,
    keys: list[Ed25519PrivateKey] = STATEMENT_KEYS[:2],
    at: datetime = SIGNED_AT,
) -> Statement:
    """The statement with the office's identity and one envelope of several signatures."""
    office = office or drill_office()
    envelope = joined([sign_statement(statement, office, key, at=at) for key in keys])
    return with_evidence(
        statement, identity_evidence(statement, office), signature_evidence(statement, envelope)
    )
