"""Checkpoints (C2SP tlog-checkpoint) and witnesses' cosignatures (tlog-cosignature/v1).

<origin>
<number of entries, decimal>
<base64 of the root>
<extension lines, kept exactly>
"""

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.statement.dsse import from_base64
from khazana.statement.errors import SignatureRefused
from khazana.statement.keys import SIGNATURE_BYTES, public_bytes, signature_fits
from khazana.statement.log.errors import NoteRefused
from khazana.statement.log.notes import (
    ED25519_COSIGNATURE,
    ED25519_NOTE,
    Note,
    NoteKey,
    NoteSignature,
    read_note,
)
from khazana.statement.tree import EMPTY_ROOT

MOST_SIZE = 2**63 - 1
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_LAST_SECOND = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: its name, how many entries it has, and the root over them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MOST_SIZE or len(self.root) != 32:
            raise ValueError("a log has 0 to 2^63 - 1 entries and a root of 32 bytes")
        if (self.size == 0) != (self.root == EMPTY_ROOT):
            raise ValueError("the empty log, and only it, has the hash of nothing as its root")
        for line in (self.origin, *self.extensions):
            if not line or any(character < " " for character in line):
                raise ValueError("a line of a checkpoint is not empty and has no control character")

    def text(self) -> str:
        """What is signed: three lines and the extensions, each with its newline."""
        root = base64.b64encode(self.root).decode()
        return "".join(f"{e}\n" for e in (self.origin, str(self.size), root, *self.extensions))


def checkpoint_of(note: Note) -> Checkpoint:
    """The checkpoint in a note's text, strictly; its signatures are another question."""
    lines = note.text.split("\n")[:-1]
    if len(lines) < 3:
        raise NoteRefused(problem="a checkpoint has at least three lines")
    origin, size, root, *extensions = lines
    if not _SIZE.fullmatch(size):
        raise NoteRefused(problem=f"{size[:40]!r} is not a number of entries")
    try:
        return Checkpoint(origin, int(size), from_base64(root), tuple(extensions))
    except ValueError as error:
        raise NoteRefused(problem=str(error)) from error
    except SignatureRefused as error:
        raise NoteRefused(problem=f"the root: {error.problem}") from error


def sign_checkpoint(checkpoint: Checkpoint, private: Ed25519PrivateKey, *, name: str) -> Note:
    """The checkpoint as a note, signed by the log's key; the name is usually the origin."""
    key = NoteKey(name, public_bytes(private), ED25519_NOTE)
    text = checkpoint.text()
    return Note(text, (NoteSignature(name, key.hash, private.sign(text.encode())),))


def read_checkpoint(raw: bytes, *, origin: str, key: NoteKey) -> tuple[Checkpoint, Note]:
    """The checkpoint of the log `origin`, signed by its key; lines of other keys are kept."""
    note = read_note(raw)
    checkpoint = checkpoint_of(note)
    if checkpoint.origin != origin:
        raise NoteRefused(problem=f"it is of the log {checkpoint.origin[:200]!r}, not {origin!r}")
    if key.type != ED25519_NOTE:
        raise ValueError("a log signs its checkpoint with a key of type 1")
    signature = note.by(key)
    if signature is None:
        raise NoteRefused(problem=f"the log's key {key.verifier_key()} did not sign it")
    if not signature_fits(public=key.public, signature=signature.value, message=note.text.encode()):
        raise NoteRefused(problem=f"the signature of {key.name} does not fit")
    return checkpoint, note


def cosignature_message(text: str, seconds: int) -> bytes:
    """What a witness signs. seconds: since 1970, UTC."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def cosign(note: Note, private: Ed25519PrivateKey, *, name: str, at: datetime) -> NoteSignature:
    """A witness's line: at this time the note's tree was the largest consistent one it saw.

    The caller has verified the log's signature and the consistency; this only signs.
    """
    checkpoint_of(note)
    if at.tzinfo is None or at.microsecond or at.timestamp() < 0:
        raise ValueError("a cosignature's time is in whole seconds, with a time zone, since 1970")
    seconds = int(at.timestamp())
    key = NoteKey(name, public_bytes(private), ED25519_COSIGNATURE)
    signed = private.sign(cosignature_message(note.text, seconds))
    return NoteSignature(name, key.hash, seconds.to_bytes(8, "big") + signed)


def cosigned_at(note: Note, key: NoteKey) -> datetime | None:
    """When the witness says it saw the checkpoint; None without its line; raises on a bad one."""
    if key.type != ED25519_COSIGNATURE:
        raise ValueError("a witness signs with a key of type 4")
    checkpoint_of(note)
    line = note.by(key)
    if line is None:
        return None
    if len(line.value) != 8 + SIGNATURE_BYTES:
        raise NoteRefused(problem=f"the cosignature of {key.name} has {len(line.value)} bytes")
    seconds = int.from_bytes(line.value[:8], "big")
    if seconds > _LAST_SECOND:
        raise NoteRefused(problem=f"the cosignature of {key.name} is dated after the year 9999")
    message = cosignature_message(note.text, seconds)
    if not signature_fits(public=key.public, signature=line.value[8:], message=message):
        raise NoteRefused(problem=f"the cosignature of {key.name} does not fit")
    return datetime.fromtimestamp(seconds, UTC)
