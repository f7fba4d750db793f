"""Our own feed and copies of others' on disk, and the judgement of statements for verdicts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.accord.feed.errors import ClockWentBack
from khazana.accord.feed.mirror import read_document
from khazana.accord.feed.paths import MOST_DOCUMENT_BYTES, OFFICE
from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.cli.control import CONTROL_VERIFIERS, LOWEST, ControlChecks
from khazana.cli.files import FileNotUsable
from khazana.cli.log_folder import DiskFolder
from khazana.cli.logged import LogChecks
from khazana.cli.mining_checks import MiningChecks
from khazana.cli.rotations import RotationChecks
from khazana.conditions.checks import ConditionChecks
from khazana.errors import KhazanaError
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.reserve.verify import Request, verify
from khazana.statement.checks import Profile, Report
from khazana.statement.endorsements import EndorsementVerifier
from khazana.statement.identity import Office, require_no_rollback
from khazana.statement.log.entries import DisclosureEntry, read_entry
from khazana.statement.log.files import LogFiles
from khazana.statement.log.inclusion import InclusionVerifier
from khazana.statement.log.office_keys import FEED_ROLE, key_in_role
from khazana.statement.log.office_log import entries_of, open_office_log
from khazana.statement.office_file import MAX_OFFICE_BYTES, Pin, read_office
from khazana.statement.times import read_instant, write_instant


def office_of(folder: DiskFolder, given: Office) -> Office:
    """The office whose feed this is: as given, which must continue what the feed has."""
    kept = folder.read(OFFICE, most=MAX_OFFICE_BYTES)
    return given if kept is None else require_no_rollback(read_office(kept), given)


def own_log(
    folder: DiskFolder, office: Office, private: Ed25519PrivateKey, *, now: datetime
) -> LogFiles:
    """Our log, ready for entries by this key, on a machine whose clock is not behind its last."""
    key_in_role(office, private, FEED_ROLE, at=now)
    log = open_office_log(folder, office)
    if log is None:
        problem = "there is no log of this office; the first `accord publish` takes --new"
        raise FileNotUsable(path=str(folder.root), problem=problem)
    if log.checkpoint.size:
        last = read_instant(read_entry(log.entry(log.checkpoint.size - 1)).issued)
        if last > now:
            raise ClockWentBack(now=write_instant(now), last=write_instant(last))
    return log


def disclosures(folder: DiskFolder, log: LogFiles) -> Iterator[tuple[str, bytes]]:
    """The statements' files that a log names and its folder has: root and bytes."""
    for _, entry in entries_of(log, DisclosureEntry):
        document = read_document(folder, entry.digest, most=MOST_DOCUMENT_BYTES)
        if document is not None:
            yield entry.root, document


@dataclass(frozen=True)
class ByOurOwnNode:
    """Verifies the partner's statements against our chain.

    beside: statements of other offices: whoever claims the same coin or script over the same time
    is contradicted. before: the partner's own earlier statements, by root.
    """

    chain: ChainView
    office: Office
    profile: Profile
    now: datetime
    beside: Sequence[ReserveStatement]
    before: dict[str, ReserveStatement]

    def __call__(self, raw: bytes) -> Report:
        pin = Pin(self.office.fingerprint, self.office)
        statement = _readable(raw)
        beside = () if statement is None else [o for o in self.beside if _overlap(statement, o)]
        previous = None if statement is None else statement.header.previous
        return verify(
            Request(
                raw=raw,
                chain=self.chain,
                engine=best_engine(),
                profile=self.profile,
                now=self.now,
                pin=pin,
                previous=self.before.get(previous) if previous else None,
                beside=beside,
                verifiers=(
                    *CONTROL_VERIFIERS,
                    EndorsementVerifier(now=self.now, known=self.office),
                    InclusionVerifier(),
                ),
            ),
            more=[
                ConditionChecks([]),
                RotationChecks(),
                MiningChecks([]),
                ControlChecks([], LOWEST["script"]),
                LogChecks(self.now, pin),
            ],
        )


def readable_statements(found: Iterator[tuple[str, bytes]]) -> dict[str, ReserveStatement]:
    """The statements that can be read, by root, each as the fullest of its disclosures."""
    statements: dict[str, ReserveStatement] = {}
    for root, raw in found:
        statement = _readable(raw)
        if statement is None or statement.root != root:
            continue
        known = statements.get(root)
        if known is None or len(known.envelope.withheld) > len(statement.envelope.withheld):
            statements[root] = statement
    return statements


def _readable(raw: bytes) -> ReserveStatement | None:
    try:
        return read_reserve_statement(raw)
    except KhazanaError:
        return None  # its own check says what is wrong with it


def _overlap(ours: ReserveStatement, other: ReserveStatement) -> bool:
    """Whether two offices' statements can be held against each other."""
    mine, theirs = ours.header.period, other.header.period
    return (
        other.header.network == ours.header.network
        and mine.after.height < theirs.until.height
        and theirs.after.height < mine.until.height
        and not other.withheld("coins")
    )


def proof_path(mirror: Path) -> Path:
    """Where the proof of a split view is put when nobody says where."""
    return mirror.with_name(f"{mirror.name}.split-view.json")
