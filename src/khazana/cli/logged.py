"""Puts the judgement of log evidence into a reserve statement's list of checks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from khazana.errors import KhazanaError
from khazana.ledger.findings import Finding
from khazana.reserve.case import Case
from khazana.statement.checks import Check, CheckResult, Profile, Verdict
from khazana.statement.evidence import evidence_places
from khazana.statement.file_checks import LIMIT_UNKNOWN_SIGNER, check_identity
from khazana.statement.identity import Office
from khazana.statement.log.inclusion import (
    INCLUSION_TYPE,
    LIMIT_ISSUED,
    LIMIT_ONE_VIEW,
    Logged,
    judge_inclusion,
)
from khazana.statement.log.office_keys import RoleNotUsable
from khazana.statement.office_file import Pin
from khazana.statement.times import write_instant
from khazana.statement.timestamps.format import Proof
from khazana.statement.timestamps.judge import judge_proof


@dataclass(frozen=True)
class LogChecks:
    """The check `log`, for `khazana.reserve.verify.verify` (its `more`).

    now: the reader's clock. witnesses: offices whose cosignature the reader asks for.
    """

    now: datetime
    pin: Pin | None = None
    witnesses: Sequence[Office] = ()

    def __call__(self, case: Case) -> Iterable[Check[Case]]:
        types = {item.type for item in case.statement.envelope.evidence}
        if INCLUSION_TYPE in types or self.witnesses:
            yield _InLog(self)


@dataclass(frozen=True)
class _Stamped:
    """A time stamp in words, and what is wrong with it."""

    words: str
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True)
class _InLog:
    """Whether the statement stands in its office's log, and whether the witnesses saw it there."""

    given: LogChecks
    name: str = "log"
    title: str = "In the office's log"
    needs: tuple[str, ...] = ("schema", "root")

    @property
    def level(self) -> Profile | None:
        """What the reader brought is required whatever the profile."""
        return Profile.TOTALS if self.given.witnesses else None

    def run(self, case: Case) -> CheckResult:
        statement = case.statement.envelope
        # Evidence about another root fails the check `evidence`: it was copied.
        items = [
            (where, item)
            for where, item in evidence_places(statement)
            if item.type == INCLUSION_TYPE and item.subject_root == statement.root
        ]
        if not items:
            return self._said(Verdict.NOT_CHECKABLE, "the file does not show that it is in a log")
        _, office = check_identity(statement, self.given.pin)
        if office is None:
            return self._said(Verdict.NOT_CHECKABLE, "the log is an unknown office's")
        found: list[Logged] = []
        findings: list[Finding] = []
        for where, item in items:
            try:
                found.append(
                    judge_inclusion(
                        item,
                        statement,
                        office,
                        now=self.given.now,
                        witnesses=self.given.witnesses,
                    )
                )
            except RoleNotUsable as error:
                return self._said(Verdict.NOT_CHECKABLE, str(error))
            except KhazanaError as error:
                findings.append(Finding("log", str(error), where))
        stamped = [self._stamped(each.stamp, case) for each in found if each.stamp is not None]
        findings += [Finding("log", f"time stamp: {p}", "") for each in stamped for p in each.wrong]
        if findings:
            return self._said(Verdict.FAILED, findings[0].text, tuple(findings), office=office)
        said = "; ".join([*(_words(each, office) for each in found), *(s.words for s in stamped)])
        cosigned = {witness for each in found for witness, _ in each.cosigned}
        for witness in self.given.witnesses:
            if witness.id not in cosigned:
                text = f"{said}; no checkpoint here is cosigned by {witness.id}"
                return self._said(Verdict.NOT_CHECKABLE, text, office=office)
        if self.given.pin is None:
            text = f"{said}, but nobody vouches for this office"
            return self._said(Verdict.NOT_CHECKABLE, text, office=office)
        return self._said(Verdict.PASSED, said, office=office)

    def _stamped(self, stamp: Proof, case: Case) -> "_Stamped":
        """What the time stamp of a checkpoint proves on the reader's chain."""
        if case.chain is None:
            return _Stamped("its time stamp was not checked: no chain was given")
        judged = judge_proof(stamp, case.chain)
        if judged.problems:
            return _Stamped("", judged.problems)
        if judged.confirmed:
            first = judged.confirmed[0]
            when = write_instant(first.at)
            return _Stamped(f"its checkpoint existed at block {first.height} ({when})")
        waiting = judged.pending or judged.foreign
        return _Stamped(f"its time stamp shows nothing yet: {', '.join(waiting) or 'it is empty'}")

    def _said(
        self,
        verdict: Verdict,
        summary: str,
        findings: tuple[Finding, ...] = (),
        *,
        office: Office | None = None,
    ) -> CheckResult:
        limits = [LIMIT_ISSUED]
        if not self.given.witnesses:
            limits.append(LIMIT_ONE_VIEW)
        if self.given.pin is None:
            limits.append(LIMIT_UNKNOWN_SIGNER)
        basis = "none"
        if office is not None:
            names = [office.id, *(witness.id for witness in self.given.witnesses)]
            basis = f"keys of {', '.join(names)}"
        return CheckResult(
            name=self.name,
            verdict=verdict,
            basis=basis,
            summary=summary,
            findings=findings,
            limits=tuple(limits),
        )


def _words(logged: Logged, office: Office) -> str:
    text = (
        f"entry {logged.index} of the log of {office.id} ({logged.size} entries), "
        f"issued {write_instant(logged.issued)}"
    )
    for witness, at in logged.cosigned:
        text += f", cosigned by {witness} at {write_instant(at)}"
    return text
