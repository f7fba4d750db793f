"""Whose keys count for an office's log: its feed role signs, a partner's witness role cosigns.

The log's name is made from the office's fingerprint, so that an office has one log and a reader
needs to know nothing but the fingerprint.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.errors import KhazanaError
from khazana.statement.identity import Office, OfficeVersion
from khazana.statement.keys import key_id, public_bytes, signature_fits
from khazana.statement.log.checkpoint import Checkpoint, checkpoint_of, cosigned_at
from khazana.statement.log.errors import NoteRefused
from khazana.statement.log.notes import (
    ED25519_COSIGNATURE,
    ED25519_NOTE,
    Note,
    NoteKey,
    read_note,
)
from khazana.statement.times import write_instant

FEED_ROLE = "feed"
"""Signs the checkpoints of the office's own log."""
WITNESS_ROLE = "witness"
"""Cosigns the partner's checkpoints, and signs verdicts."""
CLOCK_SKEW = timedelta(days=1)
"""How far two honest clocks may differ before one of them is called wrong."""


@dataclass(eq=False, kw_only=True)
class RoleNotUsable(KhazanaError):
    """An office's identity names no key for what is asked of it, or asks for several at once."""

    office: str
    role: str
    problem: str
    code = "log_role_not_usable"
    words = (
        "{office} cannot act as {role}: {problem}. Add the role to office.toml and write the next "
        "version of office.json (khazana office identity)."
    )


def log_origin(fingerprint: str) -> str:
    """The name of an office's log, the first line of its checkpoints.

    >>> log_origin("00ff")
    'khazana.log/00ff'
    """
    return f"khazana.log/{fingerprint}"


def witness_name(fingerprint: str) -> str:
    """The key name under which an office cosigns."""
    return f"khazana.witness/{fingerprint}"


def feed_keys(
    office: Office, *, at: datetime | None = None, revoked_too: bool = False
) -> tuple[NoteKey, ...]:
    """The keys whose signature over the office's checkpoint counts, newest version first.

    at: for a live log, the reader's clock: keys of the versions in force then, give or take
    `CLOCK_SKEW`. None, for a checkpoint that was kept: keys of every version. A revoked key does
    not count. revoked_too: for evidence against the office, which a revocation must not undo.
    """
    origin, found = log_origin(office.fingerprint), {}
    for version in reversed(office.versions):
        if at is not None and not _in_force_about(office, version, at):
            continue
        for id_, public in sorted(_single(office, version, FEED_ROLE)):
            if revoked_too or id_ not in office.revoked:
                found[id_] = NoteKey(origin, public, ED25519_NOTE)
    if not found:
        when = "in any version" if at is None else f"at {write_instant(at)}"
        problem = f"no key that is not revoked has that role {when}"
        raise RoleNotUsable(office=office.id, role=FEED_ROLE, problem=problem)
    return tuple(found.values())


def read_office_checkpoint(
    raw: bytes, office: Office, *, at: datetime | None = None, revoked_too: bool = False
) -> tuple[Checkpoint, Note, NoteKey]:
    """The checkpoint of the office's log, signed by a key that counts.

    at, revoked_too: as in `feed_keys`.
    """
    note = read_note(raw)
    checkpoint = checkpoint_of(note)
    origin = log_origin(office.fingerprint)
    if checkpoint.origin != origin:
        problem = f"it is of the log {checkpoint.origin[:200]!r}, not of {office.id}'s, {origin!r}"
        raise NoteRefused(problem=problem)
    good = None
    for key in feed_keys(office, at=at, revoked_too=revoked_too):
        line = note.by(key)
        if line is None:
            continue
        message = note.text.encode()
        if not signature_fits(public=key.public, signature=line.value, message=message):
            raise NoteRefused(problem=f"the signature of {key.verifier_key()} does not fit")
        good = good or key
    if good is None:
        raise NoteRefused(problem=_why_unsigned(note, office, at))
    return checkpoint, note, good


def key_in_role(office: Office, private: Ed25519PrivateKey, role: str, *, at: datetime) -> NoteKey:
    """The key as it signs in its role at a time; refuses one that nobody would accept."""
    version = office.in_force(at)
    if version is None:
        problem = f"no version of its identity is in force at {write_instant(at)}"
        raise RoleNotUsable(office=office.id, role=role, problem=problem)
    public = public_bytes(private)
    # Revoked keys are in no role (O9).
    if key_id(public) not in dict(_single(office, version, role)):
        problem = f"key {key_id(public)} does not have that role in version {version.version}"
        raise RoleNotUsable(office=office.id, role=role, problem=problem)
    if role == FEED_ROLE:
        return NoteKey(log_origin(office.fingerprint), public, ED25519_NOTE)
    return NoteKey(witness_name(office.fingerprint), public, ED25519_COSIGNATURE)


def cosigned_by(note: Note, witness: Office, *, now: datetime | None) -> datetime | None:
    """When this office says it saw the checkpoint; None where no key of its that counts cosigned.

    A cosignature counts when its key has the role in the version in force at the time it states,
    and is not revoked. One dated beyond the reader's clock, give or take `CLOCK_SKEW`, is refused;
    None: not even then, for the witness's own.
    """
    name, latest = witness_name(witness.fingerprint), None
    for version in witness.versions:
        for id_, public in sorted(_single(witness, version, WITNESS_ROLE)):
            at = cosigned_at(note, NoteKey(name, public, ED25519_COSIGNATURE))
            if at is None or id_ in witness.revoked or witness.in_force(at) is not version:
                continue
            if now is not None and at > now + CLOCK_SKEW:
                problem = (
                    f"the cosignature of {witness.id} is dated {write_instant(at)}, in the future: "
                    f"this machine's clock says {write_instant(now)}"
                )
                raise NoteRefused(problem=problem)
            latest = at if latest is None else max(at, latest)
    return latest


def _in_force_about(office: Office, version: OfficeVersion, at: datetime) -> bool:
    """Whether the version is in force at some instant not further from `at` than the skew."""
    later = [v.valid_from for v in office.versions if v.version == version.version + 1]
    ends = min([version.valid_until, *later])
    return version.valid_from <= at + CLOCK_SKEW and at - CLOCK_SKEW < ends


def _single(office: Office, version: OfficeVersion, role: str) -> Iterator[tuple[str, bytes]]:
    """The keys of an online role, each of which acts alone: a note has no place for k of n."""
    held = version.roles.get(role)
    if held is not None and held.threshold != 1:
        problem = f"version {version.version} asks for {held.threshold} keys at once"
        raise RoleNotUsable(office=office.id, role=role, problem=problem)
    yield from version.role_keys(role).items()


def _why_unsigned(note: Note, office: Office, at: datetime | None) -> str:
    """Which known key signed although it does not count, or that none did."""
    origin = log_origin(office.fingerprint)
    for version in reversed(office.versions):
        for id_, public in version.role_keys(FEED_ROLE).items():
            if note.by(NoteKey(origin, public, ED25519_NOTE)) is None:
                continue
            if id_ in office.revoked:
                return f"key {id_} of {office.id} signed it, which the office revoked"
            when = "" if at is None else f" at {write_instant(at)}"
            return (
                f"key {id_} of {office.id} signed it, whose version {version.version} is not in "
                f"force{when}"
            )
    return (
        f"no feed key of {office.id} up to version {office.newest.version} signed it: "
        "get the office's newest office.json"
    )
