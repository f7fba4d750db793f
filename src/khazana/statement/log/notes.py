"""Signed notes (C2SP signed-note): a text, and lines in which named keys sign it.

<text, ending in a newline>
<empty line>
— <key name> base64(key hash[4] ‖ signature)
"""

import base64
import hashlib
from dataclasses import dataclass

from khazana.statement.dsse import from_base64
from khazana.statement.errors import SignatureRefused
from khazana.statement.keys import require_public_key
from khazana.statement.log.errors import NoteRefused

MOST_NOTE_BYTES = 1 << 16
MOST_SIGNATURES = 64
"""More than the 16 that every reader must accept."""
MOST_NAME_BYTES = 255

ED25519_NOTE = 0x01
ED25519_COSIGNATURE = 0x04
"""The signature type bytes that the C2SP assigned."""

_DASH = "— "


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key under a name, for one type of signature."""

    name: str
    public: bytes
    type: int = ED25519_NOTE

    def __post_init__(self) -> None:
        _require_name(self.name)
        if self.type not in (ED25519_NOTE, ED25519_COSIGNATURE):
            raise NoteRefused(problem=f"signature type {self.type} is not one of Ed25519")
        require_public_key(self.public)

    @property
    def hash(self) -> bytes:
        """SHA-256(name ‖ 0x0a ‖ type ‖ public key), its first four bytes."""
        raw = self.name.encode() + b"\n" + bytes([self.type]) + self.public
        return hashlib.sha256(raw).digest()[:4]

    def verifier_key(self) -> str:
        """The key as operators pass it on: name+hash+base64(type ‖ public key)."""
        material = base64.b64encode(bytes([self.type]) + self.public).decode()
        return f"{self.name}+{self.hash.hex()}+{material}"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line. key_hash: four bytes; value: whatever the key's type prescribes."""

    name: str
    key_hash: bytes
    value: bytes

    def __post_init__(self) -> None:
        _require_name(self.name)
        if len(self.key_hash) != 4 or not self.value:
            raise ValueError("a signature line holds four bytes of key hash and a signature")

    def line(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_hash + self.value).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, its last newline included, and the signatures over it; nothing is verified yet."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def to_bytes(self) -> bytes:
        return (self.text + "\n" + "".join(each.line() for each in self.signatures)).encode()

    def by(self, key: NoteKey) -> NoteSignature | None:
        """The line in the name and with the hash of this key."""
        wanted = (key.name, key.hash)
        return next((s for s in self.signatures if (s.name, s.key_hash) == wanted), None)


def read_verifier_key(text: str) -> NoteKey:
    """The key in a verifier key; its hash must be the one its name and bytes give."""
    parts = text.split("+", 2)  # base64 may hold a plus, a name may not
    if len(text) > 1000 or len(parts) != 3:
        raise NoteRefused(problem="a verifier key is written name+hash+key")
    raw = _base64(parts[2])
    try:
        key = NoteKey(parts[0], raw[1:], raw[0] if raw else 0)
    except SignatureRefused as error:
        raise NoteRefused(problem=error.problem) from error
    if key.hash.hex() != parts[1]:
        raise NoteRefused(problem=f"the hash of the key {parts[0]} is {key.hash.hex()}")
    return key


def read_note(raw: bytes) -> Note:
    """The note in these bytes, in its one spelling; at most 64 KiB and 64 signatures."""
    if len(raw) > MOST_NOTE_BYTES:
        raise NoteRefused(problem=f"it has more than {MOST_NOTE_BYTES} bytes")
    try:
        whole = raw.decode()
    except UnicodeDecodeError as error:
        raise NoteRefused(problem=f"byte {error.start} is not UTF-8") from error
    if any(character < " " and character != "\n" for character in whole):
        raise NoteRefused(problem="it holds a control character")
    at = whole.rfind("\n\n")
    if at < 0 or not whole.endswith("\n"):
        raise NoteRefused(problem="an empty line before the signatures, or the end, is missing")
    lines = whole[at + 2 :].split("\n")[:-1]
    if not 1 <= len(lines) <= MOST_SIGNATURES:
        raise NoteRefused(problem=f"it has {len(lines)} signatures, not 1 to {MOST_SIGNATURES}")
    signatures = tuple(read_signature_line(line) for line in lines)
    if len({(each.name, each.key_hash) for each in signatures}) != len(signatures):
        raise NoteRefused(problem="one key signs it twice")
    return Note(whole[: at + 1], signatures)


def read_signature_line(line: str) -> NoteSignature:
    """One signature line, without its newline."""
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise NoteRefused(problem="a signature line is not written — name base64")
    raw = _base64(encoded)
    if len(raw) < 5:
        raise NoteRefused(problem=f"the signature of {name} is too short")
    return NoteSignature(name, raw[:4], raw[4:])


def _base64(text: str) -> bytes:
    try:
        return from_base64(text)
    except SignatureRefused as error:
        raise NoteRefused(problem=error.problem) from error


def _require_name(name: str) -> None:
    odd = any(c.isspace() or c < " " or c == "+" for c in name)
    if odd or not name or len(name.encode()) > MOST_NAME_BYTES:
        raise NoteRefused(
            problem=f"{name[:80]!r} is no key name: 1 to {MOST_NAME_BYTES} bytes, no space or plus"
        )
