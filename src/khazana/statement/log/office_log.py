"""An office's log in a folder, opened whatever key of the office signed it last; its entries."""

import re
from collections.abc import Iterator
from typing import TypeVar

from khazana.statement.identity import Office
from khazana.statement.log.checkpoint import checkpoint_of
from khazana.statement.log.entries import Entry, read_entry
from khazana.statement.log.errors import EntryRefused, LogDamaged
from khazana.statement.log.files import (
    CHECKPOINT,
    LogFiles,
    LogFolder,
    bundle_of,
    open_log,
)
from khazana.statement.log.notes import ED25519_NOTE, MOST_NOTE_BYTES, Note, NoteKey, read_note
from khazana.statement.log.office_keys import FEED_ROLE, log_origin
from khazana.statement.log.tiles import WIDTH

E = TypeVar("E", bound=Entry)

_ISSUED = re.compile(rb'"issued":"[^"]*",')


def note_in(folder: LogFolder) -> Note | None:
    """The checkpoint's note as it lies in the folder; None where there is no log."""
    raw = folder.read(CHECKPOINT, most=MOST_NOTE_BYTES)
    return None if raw is None else read_note(raw)


def open_office_log(folder: LogFolder, office: Office) -> LogFiles | None:
    """The office's log in a folder that we keep ourselves; None where there is none.

    It opens under a key that has left or was revoked since: what we wrote or verified ourselves
    is not undone by that. Who reads it elsewhere judges by `read_office_checkpoint`.
    """
    note, origin = note_in(folder), log_origin(office.fingerprint)
    if note is None:
        return None
    if checkpoint_of(note).origin != origin:
        problem = f"it is of {checkpoint_of(note).origin[:200]!r}, not of {office.id}'s {origin!r}"
        raise LogDamaged(path=CHECKPOINT, problem=problem)
    for version in reversed(office.versions):
        for public in version.role_keys(FEED_ROLE).values():
            key = NoteKey(origin, public, ED25519_NOTE)
            if note.by(key) is not None:
                return open_log(folder, origin=origin, key=key)
    problem = f"no feed key of {office.id} up to version {office.newest.version} signed it"
    raise LogDamaged(path=CHECKPOINT, problem=problem)


def entries_from(log: LogFiles, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """The log's entries with their numbers, each held to the hash that the tree has for it."""
    for place in range(start // WIDTH, (log.checkpoint.size + WIDTH - 1) // WIDTH):
        for at, entry in enumerate(bundle_of(log, place)):
            if place * WIDTH + at >= start:
                yield place * WIDTH + at, entry


def entries_of(log: LogFiles, *kinds: type[E], start: int = 0) -> Iterator[tuple[int, E]]:
    """The log's entries of these kinds; those that cannot be read are judged elsewhere.

    An entry has one spelling, so whatever does not hold a kind's spelling is not of that kind,
    and is not parsed: most of a log of a million entries is of other kinds.
    """
    spelt = [b'"kind":"%b"' % str(kind.__struct_config__.tag).encode() for kind in kinds]
    for index, raw in entries_from(log, start):
        if not any(each in raw for each in spelt):
            continue
        try:
            entry = read_entry(raw)
        except EntryRefused:
            continue
        if isinstance(entry, kinds):
            yield index, entry


def without_time(entry: bytes) -> bytes:
    """An entry's bytes but for when it was issued: what makes two entries say the same.

    >>> without_time(b'{"digest":"00","issued":"2026-07-01T12:00:00Z","kind":"statement"}')
    b'{"digest":"00","kind":"statement"}'
    """
    return _ISSUED.sub(b"", entry, count=1)
