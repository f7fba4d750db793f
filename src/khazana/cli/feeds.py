"""Our own feed and copies of others' on disk, and the judgement of statements for verdicts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.accord.feed.dated import DatedVerifier
from khazana.accord.feed.errors import ClockWentBack, FeedRefused
from khazana.accord.feed.mirror import read_document
from khazana.accord.feed.paths import MOST_DOCUMENT_BYTES, OFFICE
from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.cli.control import CONTROL_VERIFIERS, LOWEST, ControlChecks
from khazana.cli.files import FileNotUsable
from khazana.cli.log_dates import LogDates
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

KEPT_STATEMENTS = 4
"""In memory at once, each perhaps hundreds of megabytes."""
MOST_DISCLOSURES = 16
"""Of one statement that are read to find the fullest."""


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


class Statements:
    """The statements that a log discloses, by root: read when they are asked for, few kept.

    A partner may disclose more than any memory takes. Of a statement's disclosures the fullest of
    the first ones counts.
    """

    def __init__(self, folder: DiskFolder, log: LogFiles) -> None:
        self._folder, self._log = folder, log
        self._digests: dict[str, list[str]] | None = None
        self._read = lru_cache(maxsize=KEPT_STATEMENTS)(self._fullest)

    @property
    def roots(self) -> Iterable[str]:
        return self._named.keys()

    def __call__(self, root: str) -> ReserveStatement | None:
        return self._read(root)

    @property
    def _named(self) -> dict[str, list[str]]:
        if self._digests is None:
            self._digests = {}
            for _, entry in entries_of(self._log, DisclosureEntry):
                digests = self._digests.setdefault(entry.root, [])
                if len(digests) < MOST_DISCLOSURES:
                    digests.append(entry.digest)
        return self._digests

    def _fullest(self, root: str) -> ReserveStatement | None:
        found: ReserveStatement | None = None
        for digest in self._named.get(root, ()):
            try:
                raw = read_document(self._folder, digest, most=MOST_DOCUMENT_BYTES)
            except FeedRefused:
                continue  # its own verdict says so
            statement = None if raw is None else _readable(raw)
            if statement is None or statement.root != root:
                continue
            if found is None or len(found.envelope.withheld) > len(statement.envelope.withheld):
                found = statement
        return found


class BesideByPeriod:
    """Our own statements to hold a partner's against: only those of its period are in memory."""

    def __init__(self, ours: Statements, third: Sequence[ReserveStatement]) -> None:
        self._ours, self._third = ours, third
        self._headers: dict[str, Span] | None = None

    def __call__(self, statement: ReserveStatement) -> list[ReserveStatement]:
        if self._headers is None:
            read = ((root, self._ours(root)) for root in self._ours.roots)
            self._headers = {root: Span.of(each) for root, each in read if each is not None}
        mine = Span.of(statement)
        ours = (self._ours(root) for root, span in self._headers.items() if mine.meets(span))
        third = (each for each in self._third if mine.meets(Span.of(each)))
        return [*(each for each in ours if each is not None), *third]


@dataclass(frozen=True, slots=True)
class Span:
    """The blocks that a statement is about. coins: whether it shows them."""

    network: object
    after: int
    until: int
    coins: bool

    @classmethod
    def of(cls, statement: ReserveStatement) -> "Span":
        header = statement.header
        shown = not statement.withheld("coins")
        period = header.period
        return cls(header.network, period.after.height, period.until.height, shown)

    def meets(self, other: "Span") -> bool:
        """Whether another office's statement can be held against this one."""
        same = other.network == self.network and other.coins
        return same and self.after < other.until and other.after < self.until


@dataclass(frozen=True)
class ByOurOwnNode:
    """Verifies the partner's statements against our chain.

    beside: statements of other offices over the time of one: whoever claims the same coin or script
    is contradicted. before: the partner's own earlier statements, by root.
    """

    chain: ChainView
    office: Office
    profile: Profile
    now: datetime
    beside: Callable[[ReserveStatement], Sequence[ReserveStatement]]
    before: Callable[[str], ReserveStatement | None]

    def __call__(self, raw: bytes) -> Report:
        pin = Pin(self.office.fingerprint, self.office)
        statement = _readable(raw)
        beside = () if statement is None else self.beside(statement)
        previous = None if statement is None else statement.header.previous
        return verify(
            Request(
                raw=raw,
                chain=self.chain,
                engine=best_engine(),
                profile=self.profile,
                now=self.now,
                pin=pin,
                previous=self.before(previous) if previous else None,
                beside=beside,
                verifiers=(
                    *CONTROL_VERIFIERS,
                    EndorsementVerifier(now=self.now, known=self.office),
                    InclusionVerifier(),
                    DatedVerifier(),
                ),
            ),
            more=[
                ConditionChecks([]),
                RotationChecks(),
                MiningChecks([]),
                ControlChecks([], LOWEST["script"]),
                LogChecks(self.now, pin),
                LogDates(self.now, pin),
            ],
        )


def _readable(raw: bytes) -> ReserveStatement | None:
    try:
        return read_reserve_statement(raw)
    except KhazanaError:
        return None  # its own check says what is wrong with it


def proof_path(mirror: Path) -> Path:
    """Where the proof of a split view is put when nobody says where."""
    return mirror.with_name(f"{mirror.name}.split-view.json")
