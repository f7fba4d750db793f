"""Evidence that a statement stands in its office's log: the entry, its path, a signed checkpoint.

{"type": "khazana.log-inclusion/1", "subject_root": …, "entry": {…}, "index": 7,
 "proof": ["hex", …], "checkpoint": "the signed note, cosignatures included",
 "timestamp": "base64 of an OpenTimestamps proof of the note's text; may be left out"}
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from khazana.errors import KhazanaError
from khazana.ledger.canonical import canonical_bytes
from khazana.statement.checks import Verdict
from khazana.statement.dsse import from_base64
from khazana.statement.envelope import Evidence, Statement
from khazana.statement.evidence import EvidenceResult, evidence_of, failed
from khazana.statement.identity import Office, grouped
from khazana.statement.log.checkpoint import Checkpoint, checkpoint_of
from khazana.statement.log.entries import Entry, Index, StatementEntry, read_entry
from khazana.statement.log.errors import EntryRefused
from khazana.statement.log.files import LogFiles
from khazana.statement.log.notes import MOST_NOTE_BYTES, Note, read_note
from khazana.statement.log.office_keys import CLOCK_SKEW, cosigned_by, read_office_checkpoint
from khazana.statement.times import read_instant
from khazana.statement.timestamps.format import MOST_STAMP_BYTES, Proof, read_proof
from khazana.statement.tree import includes, leaf_hash
from khazana.statement.wire import Hash256

INCLUSION_TYPE = "khazana.log-inclusion/1"

LIMIT_ISSUED = (
    "When the office put the statement into its log is its own word; that it was there when a "
    "witness cosigned is the witness's word."
)
LIMIT_ONE_VIEW = (
    "That everybody is shown the same log cannot be seen in one file: compare the checkpoint with "
    "your own copy of the log, or ask for a witness's cosignature (--witness)."
)


class PathFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An entry with its path to a checkpoint, as it stands in evidence."""

    subject_root: Hash256
    entry: dict[str, Any]
    index: Index
    proof: Annotated[Sequence[Hash256], msgspec.Meta(max_length=63)]
    checkpoint: Annotated[str, msgspec.Meta(max_length=MOST_NOTE_BYTES)]
    timestamp: Annotated[str, msgspec.Meta(max_length=2 * MOST_STAMP_BYTES)] | None = None


class InclusionFile(PathFile, frozen=True, kw_only=True):
    """The evidence as it stands in the file."""

    type: Literal["khazana.log-inclusion/1"]


@dataclass(frozen=True, slots=True)
class Inclusion:
    """An entry of a log with the path to a checkpoint's root. Nothing is verified yet."""

    entry: bytes
    index: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint
    stamp: Proof | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """Where a statement stands in its office's log.

    issued: in the office's word. size: of the log, by the checkpoint. cosigned: by whom, when.
    stamp: of the checkpoint; what it proves only a chain can tell.
    """

    index: int
    issued: datetime
    size: int
    cosigned: tuple[tuple[str, datetime], ...]
    stamp: Proof | None = None


def stamped_digest(note: Note) -> bytes:
    """What a time stamp of a checkpoint is over: SHA-256 of its text, which cosignatures share."""
    return hashlib.sha256(note.text.encode()).digest()


def inclusion_evidence(
    statement: Statement,
    log: LogFiles,
    note: Note,
    index: int,
    *,
    stamp: bytes | None = None,
) -> Evidence:
    """Evidence that entry `index` of the log is this statement's. note: the log's own checkpoint.

    The note may bear cosignatures; its tree may be an earlier state of the log that has the entry.
    stamp: the file of a time stamp of the note.
    """
    parsed = read_entry(log.entry(index))
    if not isinstance(parsed, StatementEntry) or parsed.root != statement.root:
        raise EntryRefused(problem=f"entry {index} is not the one of statement {statement.root}")
    return evidence_of(INCLUSION_TYPE, statement, **path_fields(log, note, index, stamp=stamp))


def path_fields(
    log: LogFiles, note: Note, index: int, *, stamp: bytes | None = None
) -> dict[str, Any]:
    """Entry `index` with its path to the note's root, as fields of evidence."""
    size = checkpoint_of(note).size
    return {
        "entry": msgspec.json.decode(log.entry(index)),
        "index": index,
        "proof": [h.hex() for h in log.tree.inclusion_proof(index, size=size)],
        "checkpoint": note.to_bytes().decode(),
        **({} if stamp is None else {"timestamp": base64.b64encode(stamp).decode()}),
    }


def read_inclusion(item: Evidence) -> Inclusion:
    """What a piece of evidence holds, strictly."""
    try:
        file = msgspec.convert(item.fields, InclusionFile)
    except msgspec.ValidationError as error:
        raise EntryRefused(problem=f"the evidence is malformed: {error}") from error
    return inclusion_in(file)


def inclusion_in(file: PathFile) -> Inclusion:
    """The entry, the path and the checkpoint in a piece of evidence; nothing is verified yet."""
    note = read_note(file.checkpoint.encode())
    proof = tuple(bytes.fromhex(each) for each in file.proof)
    stamp = None
    if file.timestamp is not None:
        stamp = read_proof(from_base64(file.timestamp), what="the checkpoint's time stamp")
        if stamp.digest != stamped_digest(note):
            raise EntryRefused(problem="the time stamp is not one of this checkpoint")
    entry = canonical_bytes(file.entry)
    return Inclusion(entry, file.index, proof, note, checkpoint_of(note), stamp)


def judge_inclusion(
    item: Evidence,
    statement: Statement,
    office: Office,
    *,
    now: datetime,
    witnesses: Sequence[Office] = (),
) -> Logged:
    """Where the statement stands in the log of `office`; raises, naming what does not hold.

    now: the reader's clock. witnesses: offices whose cosignature the reader can verify.
    """
    found = read_inclusion(item)
    entry = read_entry(found.entry)
    if not isinstance(entry, StatementEntry) or entry.root != statement.root:
        raise EntryRefused(problem="the entry is not one of this statement")
    checkpoint, note = require_in_log(found, entry, office, now=now)
    cosigned = []
    for witness in witnesses:
        at = cosigned_by(note, witness, now=now)
        if at is not None:
            cosigned.append((witness.id, at))
    issued = read_instant(entry.issued)
    return Logged(found.index, issued, checkpoint.size, tuple(cosigned), found.stamp)


def require_in_log(
    found: Inclusion, entry: Entry, office: Office, *, now: datetime
) -> tuple[Checkpoint, Note]:
    """The checkpoint of the office's log to whose root the entry's path leads; or refuses."""
    if entry.office != office.fingerprint:
        raise EntryRefused(problem=f"the entry is by the office {grouped(entry.office)}")
    issued = read_instant(entry.issued)
    if issued > now + CLOCK_SKEW:
        raise EntryRefused(problem=f"the entry says it was made at {entry.issued}, in the future")
    checkpoint, note, _ = read_office_checkpoint(found.note.to_bytes(), office)
    if not includes(
        root=checkpoint.root,
        size=checkpoint.size,
        index=found.index,
        leaf=leaf_hash(found.entry),
        proof=found.proof,
    ):
        problem = f"the path does not lead from entry {found.index} to the checkpoint's root"
        raise EntryRefused(problem=problem)
    return checkpoint, note


@dataclass(frozen=True, slots=True)
class InclusionVerifier:
    """For the check `evidence`: the form of what the check `log` judges."""

    type: str = INCLUSION_TYPE

    def verify(self, item: Evidence, statement: Statement, *, where: str) -> EvidenceResult:
        try:
            found = read_inclusion(item)
        except KhazanaError as error:
            return failed(where, item, str(error))
        return EvidenceResult(
            where=where,
            type=item.type,
            verdict=Verdict.PASSED,
            summary=f"says it is entry {found.index} of {found.checkpoint.origin}; see check log",
        )
