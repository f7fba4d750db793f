"""Evidence that a wallet was promised or declared by a block: its entry in the office's log.

{"type": "khazana.dated-in-log/1", "subject_root": …, "entry": {…}, "index": 3, "proof": ["hex", …],
 "checkpoint": "the signed note", "timestamp": "base64 of its OpenTimestamps proof; or left out",
 "record": "base64 of the signed declaration; left out for a sealed wallet"}

A statement names the block at which a wallet was sealed or declared. That is the office's word
until its log shows the entry under a checkpoint whose hash stands in a block.
"""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from khazana.accord.feed.records import (
    MOST_RECORD_BYTES,
    DeclarationRecord,
    SignedRecord,
    read_record,
    require_signed,
)
from khazana.errors import KhazanaError
from khazana.statement.checks import Verdict
from khazana.statement.dsse import from_base64
from khazana.statement.envelope import Evidence, Statement
from khazana.statement.evidence import EvidenceResult, evidence_of, failed
from khazana.statement.identity import Office
from khazana.statement.log.entries import CommitmentEntry, DeclarationEntry, read_entry
from khazana.statement.log.errors import EntryRefused
from khazana.statement.log.files import LogFiles
from khazana.statement.log.inclusion import (
    Inclusion,
    PathFile,
    inclusion_in,
    path_fields,
    require_in_log,
)
from khazana.statement.log.notes import Note
from khazana.statement.log.office_log import entries_of
from khazana.statement.timestamps.format import Proof

DATED_TYPE = "khazana.dated-in-log/1"


class DatedFile(PathFile, frozen=True, kw_only=True):
    """The evidence as it stands in the file."""

    type: Literal["khazana.dated-in-log/1"]
    record: Annotated[str, msgspec.Meta(max_length=2 * MOST_RECORD_BYTES)] | None = None


@dataclass(frozen=True, slots=True)
class Dated:
    """What the evidence holds. Nothing is verified yet. declared: for a declaration."""

    inclusion: Inclusion
    entry: CommitmentEntry | DeclarationEntry
    declared: SignedRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InLog:
    """An entry that the log has. commitment: of a sealed wallet. wallets: scripts by wallet.

    stamp: of its checkpoint; what it proves only a chain can tell.
    """

    index: int
    commitment: str | None
    wallets: Mapping[str, tuple[str, ...]]
    stamp: Proof | None


def dated_evidence(
    statement: Statement,
    log: LogFiles,
    wallets: Mapping[str, frozenset[str]],
    commitments: frozenset[str],
    *,
    document: Callable[[str], bytes | None],
    checkpoints: Callable[[int], tuple[Note, bytes | None]],
) -> Iterator[Evidence]:
    """The first entry of each commitment, and every declaration of a wallet of the statement.

    wallets: scripts that the statement lists. document: of the feed, by digest. checkpoints: the
    note to show entry `index` under, and its time stamp.
    """
    left = set(commitments)
    for index, entry in entries_of(log, CommitmentEntry, DeclarationEntry):
        more = {}
        if isinstance(entry, CommitmentEntry):
            if entry.digest not in left:
                continue
            left.discard(entry.digest)
        elif isinstance(entry, DeclarationEntry):
            raw = document(entry.digest)
            record = None if raw is None else read_record(raw).record
            if raw is None or not isinstance(record, DeclarationRecord):
                continue
            if not any(set(said) <= wallets.get(w, set()) for w, said in record.wallets.items()):
                continue
            more = {"record": base64.b64encode(raw).decode()}
        note, stamp = checkpoints(index)
        yield evidence_of(
            DATED_TYPE, statement, **path_fields(log, note, index, stamp=stamp), **more
        )


def read_dated(item: Evidence) -> Dated:
    """What a piece of evidence holds, strictly."""
    try:
        file = msgspec.convert(item.fields, DatedFile)
    except msgspec.ValidationError as error:
        raise EntryRefused(problem=f"the evidence is malformed: {error}") from error
    found = inclusion_in(file)
    entry = read_entry(found.entry)
    if isinstance(entry, CommitmentEntry) and file.record is None:
        return Dated(found, entry, None)
    if not isinstance(entry, DeclarationEntry) or file.record is None:
        problem = "it is neither a sealed wallet nor a declaration with its record"
        raise EntryRefused(problem=problem)
    signed = read_record(from_base64(file.record))
    if signed.digest != entry.digest:
        raise EntryRefused(problem="the record is not the one that the entry names")
    if not isinstance(signed.record, DeclarationRecord):
        raise EntryRefused(problem="the record declares no wallet")
    return Dated(found, entry, signed)


def judge_dated(item: Evidence, office: Office, *, now: datetime) -> InLog:
    """The entry, held to the office's log; raises, naming what does not hold."""
    dated = read_dated(item)
    require_in_log(dated.inclusion, dated.entry, office, now=now)
    wallets: Mapping[str, tuple[str, ...]] = {}
    if dated.declared is not None:
        require_signed(dated.declared, office, now=now)
        record = dated.declared.record
        wallets = record.wallets if isinstance(record, DeclarationRecord) else {}
    sealed = isinstance(dated.entry, CommitmentEntry)
    return InLog(
        index=dated.inclusion.index,
        commitment=dated.entry.digest if sealed else None,
        wallets=wallets,
        stamp=dated.inclusion.stamp,
    )


@dataclass(frozen=True, slots=True)
class DatedVerifier:
    """For the check `evidence`: the form of what the check `log_dates` judges."""

    type: str = DATED_TYPE

    def verify(self, item: Evidence, statement: Statement, *, where: str) -> EvidenceResult:
        try:
            found = read_dated(item)
        except KhazanaError as error:
            return failed(where, item, str(error))
        return EvidenceResult(
            where=where,
            type=item.type,
            verdict=Verdict.PASSED,
            summary=f"says it is entry {found.inclusion.index} of a log; see check log_dates",
        )


def undated(items: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """The evidence without that of this type: for who is to see no address."""
    return tuple(each for each in items if each.type != DATED_TYPE)
