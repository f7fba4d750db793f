"""What an office finds of each entry of its partner's log: verified, contradicted, not checkable.

A verdict on a verdict would never end: entries of that kind get none. Their signatures are held
when they are shown.
"""

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from khazana.accord.agreement.signed import read_signed_agreement
from khazana.accord.feed.errors import FeedRefused
from khazana.accord.feed.opened import OpenedSeal, opened_seals
from khazana.accord.feed.publication import follows
from khazana.accord.feed.records import (
    BlockFile,
    CorrectionRecord,
    DeclarationRecord,
    FailedFile,
    VerdictRecord,
    read_record,
    require_signed,
    said_by,
)
from khazana.errors import KhazanaError
from khazana.ledger.canonical import parse_strict
from khazana.statement.checks import Report, Verdict
from khazana.statement.identity import Office, grouped
from khazana.statement.log.entries import (
    AgreementEntry,
    AnyEntry,
    CommitmentEntry,
    CorrectionEntry,
    DeclarationEntry,
    DisclosureEntry,
    IdentityEntry,
    StatementEntry,
    VerdictEntry,
    read_entry,
    require_correctable,
)
from khazana.statement.log.errors import EntryRefused
from khazana.statement.log.files import LogFiles
from khazana.statement.log.office_keys import CLOCK_SKEW
from khazana.statement.log.office_log import entries_from, entries_of
from khazana.statement.times import read_instant, write_instant
from khazana.statement.tree import leaf_hash

Finding = Literal["verified", "contradicted", "not-checkable"]
MOST_FAILED = 50
MOST_TEXT = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was found, what it rests on, and the checks that failed."""

    finding: Finding
    basis: str
    reason: str
    failed: tuple[FailedFile, ...] = ()


class StatementJudge(Protocol):
    """Verifies a statement's file by the reader's own means, other offices' statements beside."""

    def __call__(self, raw: bytes) -> Report: ...


Documents = Callable[[str], bytes | None]
"""The document with a digest, already held to it; None where nobody served it."""


def judged_report(report: Report) -> Judged:
    """A report of `khazana verify` as a verdict."""
    results = [line.result for line in report.lines]
    bases = dict.fromkeys(r.basis for r in results if r.verdict is not Verdict.NOT_CHECKABLE)
    basis = _cut("; ".join(each for each in bases if each != "none") or "none", 400)
    wrong = [r for r in results if r.verdict is Verdict.FAILED]
    if wrong:
        failed = [
            FailedFile(check=r.name, text=_cut(f.text), where=_cut(f.where, 400))
            for r in wrong
            for f in r.findings or ()
        ] or [FailedFile(check=r.name, text=_cut(r.summary), where="") for r in wrong]
        reason = "; ".join(f"check {r.name} failed: {r.summary}" for r in wrong)
        return Judged(
            finding="contradicted",
            basis=basis,
            reason=_cut(reason),
            failed=tuple(failed[:MOST_FAILED]),
        )
    if report.exit_status:
        open_ = [
            f"{line.result.name}: {line.result.summary}"
            for line in report.lines
            if line.required and line.result.verdict is not Verdict.PASSED
        ]
        return Judged(finding="not-checkable", basis=basis, reason=_cut("; ".join(open_)))
    passed = sum(r.verdict is Verdict.PASSED for r in results)
    reason = f"{passed} checks passed at profile {report.profile.value}"
    return Judged(finding="verified", basis=basis, reason=reason)


@dataclass
class EntryJudge:
    """Judges the entries of one log, in order. office: whose log it is. now: our clock."""

    office: Office
    log: LogFiles
    documents: Documents
    statement: StatementJudge
    now: datetime
    _reports: dict[tuple[str, str], Judged] = field(default_factory=dict)
    _shown: Mapping[str, Sequence[str]] | None = None
    _opened: Mapping[str, OpenedSeal] | None = None

    def verdicts(self, start: int, *, skip: frozenset[int]) -> Iterator[tuple[int, bytes, Judged]]:
        """Number, bytes and verdict of each entry from `start` on that gets one.

        skip: entries that are read for the order of their times, and not judged.
        """
        before = self._issued(start - 1) if start else None
        for index, raw in entries_from(self.log, start):
            entry, issued = self._entry(index, raw, before)
            before = issued or before
            if index in skip:
                continue
            judged = entry if isinstance(entry, Judged) else self._judged(entry, index)
            if judged is not None:
                yield index, raw, judged

    def _entry(
        self, index: int, raw: bytes, before: datetime | None
    ) -> tuple[AnyEntry | Judged, datetime | None]:
        """The entry, or what is wrong with it whatever it is about; and when it was issued."""
        try:
            entry = read_entry(raw)
            require_correctable(entry, index=index)
        except EntryRefused as error:
            return _contradicted("entry", str(error), f"entry {index}"), None
        issued, where = read_instant(entry.issued), f"entry {index}"
        if entry.office != self.office.fingerprint:
            text = f"it names the office {grouped(entry.office)}, in the log of {self.office.id}"
            return _contradicted("entry", text, where), issued
        if issued > self.now + CLOCK_SKEW:
            text = (
                f"it says that it was made at {entry.issued}, in the future: our clock says "
                f"{write_instant(self.now)}"
            )
            return _contradicted("entry", text, where), None
        if before is not None and issued < before:
            text = f"it says that it was made at {entry.issued}, before the entry before it"
            return _contradicted("entry", text, where), None
        return entry, issued

    def _judged(self, entry: AnyEntry, index: int) -> Judged | None:
        where = f"entry {index}"
        match entry:
            case StatementEntry():
                return self._statement(entry.root)
            case DisclosureEntry():
                return self._disclosure(entry.root, entry.digest)
            case IdentityEntry():
                return self._identity(entry, where)
            case CorrectionEntry():
                return self._correction(entry, where)
            case AgreementEntry():
                return self._agreement(entry, index, where)
            case DeclarationEntry():
                return self._declaration(entry.digest, where)
            case CommitmentEntry():
                return self._commitment(entry.digest, where)
            case VerdictEntry():
                return None

    def _statement(self, root: str) -> Judged:
        """What its disclosures show: one that is false contradicts it, one that holds is enough."""
        found = [self._disclosure(root, digest) for digest in self._disclosures().get(root, ())]
        for finding in ("contradicted", "verified"):
            for judged in found:
                if judged.finding == finding:
                    return judged
        if found:
            return found[0]
        reason = "the log names no disclosure of it"
        return Judged(finding="not-checkable", basis="none", reason=reason)

    def _disclosure(self, root: str, digest: str) -> Judged:
        # By both: a document of one statement says nothing of another that the log ties to it.
        key = (root, digest)
        if key not in self._reports:
            self._reports[key] = self._judge_document(root, digest)
        return self._reports[key]

    def _judge_document(self, root: str, digest: str) -> Judged:
        where = f"document {digest}"
        try:
            raw = self.documents(digest)
        except FeedRefused as error:
            return _contradicted("disclosure", str(error), where)
        if raw is None:
            return _not_served(digest)
        try:
            document = parse_strict(raw)
        except KhazanaError as error:
            return _contradicted("disclosure", str(error), where)
        if not isinstance(document, dict) or document.get("root") != root:
            text = f"the log says it is of statement {root}, and it is not"
            return _contradicted("disclosure", text, where)
        return judged_report(self.statement(raw))

    def _disclosures(self) -> Mapping[str, Sequence[str]]:
        """Digests of the disclosures that the whole log names, by statement."""
        if self._shown is None:
            shown: dict[str, list[str]] = {}
            for _, entry in entries_of(self.log, DisclosureEntry):
                shown.setdefault(entry.root, []).append(entry.digest)
            self._shown = shown
        return self._shown

    def _identity(self, entry: IdentityEntry, where: str) -> Judged:
        version = self.office.version(entry.version)
        if version is None:
            reason = f"the office.json that we were served ends before version {entry.version}"
            return Judged(finding="not-checkable", basis="none", reason=reason)
        if version.digest != entry.digest:
            text = (
                f"the log says version {version.version} has digest {entry.digest}, "
                f"office.json has {version.digest}"
            )
            return _contradicted("identity", text, where)
        reason = f"version {version.version} is in the chain of office.json"
        return Judged(finding="verified", basis="the office's root keys", reason=reason)

    def _correction(self, entry: CorrectionEntry, where: str) -> Judged:
        try:
            raw = self.documents(entry.digest)
            if raw is None:
                return _not_served(entry.digest)
            signed = read_record(raw)
            require_signed(signed, self.office, now=self.now)
        except KhazanaError as error:
            return _contradicted("correction", str(error), where)
        record, corrected = signed.record, leaf_hash(self.log.entry(entry.corrects)).hex()
        if not isinstance(record, CorrectionRecord) or record.corrects != entry.corrects:
            return _contradicted("correction", "its record is about another entry", where)
        if record.entry != corrected:
            text = f"entry {entry.corrects} is {corrected}, and it corrects {record.entry}"
            return _contradicted("correction", text, where)
        reason = f"a signed correction of entry {entry.corrects}"
        return Judged(finding="verified", basis=f"keys of {self.office.id}", reason=reason)

    def _agreement(self, entry: AgreementEntry, index: int, where: str) -> Judged:
        try:
            raw = self.documents(entry.digest)
            if raw is None:
                return _not_served(entry.digest)
            signed = read_signed_agreement(raw)
            signed.require_named(entry.agreement, entry.version)
            by = signed.bound(self.office, now=self.now)
        except KhazanaError as error:
            return _contradicted("agreement", str(error), where)
        previous = signed.agreement.previous
        if not follows(self.log, previous, entry.version, before=index):
            text = f"no earlier entry has version {entry.version - 1} with hash {previous}"
            return _contradicted("agreement", text, where)
        reason = f"signed for {by.party} by {len(by.keys)} keys, every language under one hash"
        return Judged(finding="verified", basis=f"keys of {self.office.id}", reason=reason)

    def _declaration(self, digest: str, where: str) -> Judged:
        try:
            raw = self.documents(digest)
            if raw is None:
                return _not_served(digest)
            signed = read_record(raw)
            require_signed(signed, self.office, now=self.now)
        except KhazanaError as error:
            return _contradicted("declaration", str(error), where)
        if not isinstance(signed.record, DeclarationRecord):
            return _contradicted("declaration", "its record declares no wallet", where)
        reason = f"a signed declaration of {len(signed.record.wallets)} wallets"
        return Judged(finding="verified", basis=f"keys of {self.office.id}", reason=reason)

    def _commitment(self, digest: str, where: str) -> Judged:
        """Sealed: nothing to check. Opened: by a statement that holds, to the very scripts."""
        opened = self.opened.get(digest)
        if opened is None:
            reason = "a sealed wallet: nothing can be checked until the office shows it"
            return Judged(finding="not-checkable", basis="none", reason=reason)
        told = f"statement {opened.root} opens it as wallet {opened.wallet}"
        if opened.commitment != digest:
            return _contradicted("seal", f"{told}, and its scripts give another hash", where)
        judged = self._disclosure(opened.root, opened.document)
        if judged.finding != "verified":
            reason = _cut(f"{told}, which is {judged.finding}: {judged.reason}")
            return Judged(finding="not-checkable", basis=judged.basis, reason=reason)
        reason = f"{told}: {opened.scripts} scripts give this very hash"
        return Judged(finding="verified", basis=judged.basis, reason=reason)

    @property
    def opened(self) -> Mapping[str, OpenedSeal]:
        """Commitments that a statement of this log opens."""
        if self._opened is None:
            self._opened = opened_seals(self._disclosures(), self.documents)
        return self._opened

    def _issued(self, index: int) -> datetime | None:
        try:
            return read_instant(read_entry(self.log.entry(index)).issued)
        except EntryRefused:
            return None


def verdict_record(
    judged: Judged,
    *,
    witness: Office,
    at: datetime,
    origin: str,
    index: int,
    entry: bytes,
    block: BlockFile | None,
) -> VerdictRecord:
    """The record that the witness signs."""
    return VerdictRecord(
        **said_by(witness, at=at),
        log=origin,
        index=index,
        entry=leaf_hash(entry).hex(),
        finding=judged.finding,
        basis=judged.basis,
        reason=judged.reason,
        block=block,
        failed=judged.failed,
    )


def _contradicted(check: str, text: str, where: str) -> Judged:
    text = _cut(text)
    return Judged(
        finding="contradicted",
        basis="the log itself",
        reason=_cut(f"check {check} failed: {text}"),
        failed=(FailedFile(check=check, text=text, where=_cut(where, 400)),),
    )


def _not_served(digest: str) -> Judged:
    reason = f"the feed does not serve the document {digest}"
    return Judged(finding="not-checkable", basis="none", reason=reason)


def _cut(text: str, most: int = MOST_TEXT) -> str:
    # Foreign text that begins with a combining mark would otherwise change what stands before it.
    text = unicodedata.normalize("NFC", text)
    return text if len(text) <= most else unicodedata.normalize("NFC", text[: most - 1] + "…")
