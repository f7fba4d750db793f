"""The parts of a statement: named, salted bodies whose digests are the leaves of one tree."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from khazana.ledger.canonical import canonical_bytes
from khazana.statement.patterns import PART_NAME
from khazana.statement.tree import leaf_hash

PART_DOMAIN = b"khazana.statement.part/1\x00"
"""Keeps a part's digest apart from every other use of SHA-256 in Khazana."""

SALT_BYTES = 16
MIN_SEED_BYTES = 16
HEADER = "header"
EXTENSION_PREFIX = "x-"

_PART_NAME = re.compile(PART_NAME)


@dataclass(frozen=True, slots=True)
class Part:
    """A disclosed part: what it is called, its salt, and its body of plain JSON values.

    name: kind and id, such as "header", "wallet/treasury" or "entry/17". The body is not to be
    changed after the part is made: its digest would no longer be the one in the tree.
    """

    index: int
    name: str
    salt: bytes
    body: Mapping[str, Any]

    def __post_init__(self) -> None:
        require_part_name(self.name)
        if self.index < 0:
            raise ValueError(f"a part's index is 0 or more, not {self.index}")
        if len(self.salt) != SALT_BYTES:
            raise ValueError(f"the salt of {self.name} has {len(self.salt)} bytes, not 16")

    @property
    def kind(self) -> str:
        """What comes before the first slash: which type the body has."""
        return self.name.partition("/")[0]

    @property
    def id(self) -> str:
        """What comes after the first slash; empty for a part that exists once."""
        return self.name.partition("/")[2]

    @property
    def digest(self) -> bytes:
        return part_digest(name=self.name, salt=self.salt, body=self.body)

    @property
    def is_extension(self) -> bool:
        return self.kind.startswith(EXTENSION_PREFIX)

    @property
    def is_critical(self) -> bool:
        """Whether a reader who does not know this extension must refuse the statement."""
        return self.is_extension and self.body.get("critical") is True


@dataclass(frozen=True, slots=True)
class Withheld:
    """A part of which only the digest is shown: neither its name nor its kind is visible."""

    index: int
    digest: bytes

    def __post_init__(self) -> None:
        if self.index < 0:
            raise ValueError(f"a part's index is 0 or more, not {self.index}")
        if len(self.digest) != hashlib.sha256().digest_size:
            raise ValueError(f"the digest of part {self.index} has not 32 bytes")


Leaf = Part | Withheld


def part_digest(*, name: str, salt: bytes, body: Mapping[str, Any]) -> bytes:
    """The commitment to one part; without the salt it tells nothing about the body.

    digest = SHA-256("khazana.statement.part/1" ‖ 0x00 ‖ salt (16 bytes) ‖ canonical JSON of
    {"body": body, "name": name})
    """
    content = canonical_bytes({"name": name, "body": body})
    return hashlib.sha256(PART_DOMAIN + salt + content).digest()


def part_leaf_hash(leaf: Leaf) -> bytes:
    """The leaf of the statement's tree that stands for this part: SHA-256(0x00 ‖ digest)."""
    return leaf_hash(leaf.digest)


def part_salt(seed: bytes, name: str) -> bytes:
    """The salt of one part: the first 16 bytes of HMAC-SHA-256(seed, name).

    A seed serves one statement and stays secret: whoever has it can try guesses of withheld
    bodies, and the same seed twice shows which withheld parts did not change.
    """
    if len(seed) < MIN_SEED_BYTES:
        raise ValueError(f"a salt seed has at least {MIN_SEED_BYTES} bytes, not {len(seed)}")
    return hmac.digest(seed, name.encode(), "sha256")[:SALT_BYTES]


def require_part_name(name: str) -> None:
    """Refuse a name that is not a kind with up to three ids behind slashes."""
    if not _PART_NAME.match(name):
        raise ValueError(
            f"{name!r} is no part name: a kind of small letters, digits and hyphens, then up to "
            f"three ids, each behind a slash"
        )
