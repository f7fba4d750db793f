"""The list of checks: what each found, what that rests on, and what it all amounts to."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeVar

from khazana.errors import KhazanaError
from khazana.ledger.findings import Finding

TEST_NOTICE = "test network, invented figures"
"""Stands on every output of a test network or demo."""


class Verdict(Enum):
    """What a check concludes. "Not checkable" is never a pass."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKABLE = "not checkable"


class Profile(Enum):
    """How much a reader requires; each profile includes the ones before it."""

    TOTALS = "totals"
    ADDRESSES = "addresses"
    FULL = "full"
    CONTROL = "control"

    def includes(self, level: "Profile") -> bool:
        """Whether a check of this level must be made for this profile."""
        order = list(Profile)
        return order.index(level) <= order.index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Figures that a check found, for people to read beside its verdict; each cell is text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError("every row of a table has one cell per column")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The answer of one check.

    basis: whose word it rests on, such as "own blocks (…)" or "the file itself".
    limits: what this check cannot show even when it passes; printed every time.
    table: figures beside the verdict.
    """

    name: str
    verdict: Verdict
    basis: str
    summary: str
    findings: tuple[Finding, ...] = ()
    limits: tuple[str, ...] = ()
    table: Table | None = None

    def __post_init__(self) -> None:
        if not self.summary:
            raise ValueError(f"check {self.name} gives a verdict without saying why")


CaseT = TypeVar("CaseT")
CaseT_contra = TypeVar("CaseT_contra", contravariant=True)


class Check(Protocol[CaseT_contra]):
    """One named question about a case.

    needs: checks listed earlier; if one of them failed, this one cannot be made.
    level: the smallest profile that requires it; None when no profile does.
    """

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def needs(self) -> tuple[str, ...]: ...

    @property
    def level(self) -> Profile | None: ...

    def run(self, case: CaseT_contra) -> CheckResult: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was checked, for the head of the report. test: the figures are invented."""

    name: str
    network: str
    test: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """A result with what the list of checks knows about it."""

    title: str
    required: bool
    result: CheckResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All checks that were asked for, in order. subject: None when the file could not be read.

    standing_limits: what no check of this list can show; printed whatever became of the checks.
    """

    profile: Profile
    subject: Subject | None
    lines: tuple[ReportLine, ...]
    standing_limits: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """0: every required check passed; 1: a check failed; 2: a required one was not made.

        Any failure counts, required or not: a reader must not overlook it.
        """
        if any(line.result.verdict is Verdict.FAILED for line in self.lines):
            return 1
        if any(line.required and line.result.verdict is not Verdict.PASSED for line in self.lines):
            return 2
        return 0

    def result(self, name: str) -> CheckResult:
        """The result of the check with this name."""
        for line in self.lines:
            if line.result.name == name:
                return line.result
        raise KeyError(name)

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the checks that failed, in order."""
        return tuple(
            line.result.name for line in self.lines if line.result.verdict is Verdict.FAILED
        )

    @property
    def limits(self) -> tuple[str, ...]:
        """What the list and its checks say they cannot show, each once, in order."""
        said = (limit for line in self.lines for limit in line.result.limits)
        return tuple(dict.fromkeys((*self.standing_limits, *said)))

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values; the order of the fields is part of the format."""
        document: dict[str, Any] = {"format": "khazana.report/1"}
        if self.subject is not None:
            document["subject"] = self.subject.name
            document["network"] = self.subject.network
            document["test"] = self.subject.test
            if self.subject.test:
                document["notice"] = TEST_NOTICE
        document["profile"] = self.profile.value
        document["exit_status"] = self.exit_status
        document["checks"] = [
            {
                "name": line.result.name,
                "title": line.title,
                "required": line.required,
                "verdict": line.result.verdict.value,
                "basis": line.result.basis,
                "summary": line.result.summary,
                "findings": [
                    {"rule": finding.rule, "text": finding.text, "where": finding.where}
                    for finding in line.result.findings
                ],
                "limits": list(line.result.limits),
                **_table_json(line.result.table),
            }
            for line in self.lines
        ]
        document["limits"] = list(self.limits)
        return document


def _table_json(table: Table | None) -> dict[str, Any]:
    """Only checks that have a table have the field."""
    if table is None:
        return {}
    return {
        "table": {"columns": list(table.columns), "rows": [list(row) for row in table.rows]},
    }


def run_checks(
    checks: Sequence[Check[CaseT]],
    case: CaseT,
    *,
    profile: Profile,
    subject: Subject | None,
    standing_limits: Sequence[str] = (),
) -> Report:
    """Make every check in order; one whose ground failed is not checkable and says because of what.

    A check that was itself blocked passes its blocker on. A source that stops answering makes the
    one check not checkable and leaves the others standing.
    """
    blockers: dict[str, str | None] = {}
    lines: list[ReportLine] = []
    for check in checks:
        if check.name in blockers:
            raise ValueError(f"two checks are called {check.name}")
        unknown = [name for name in check.needs if name not in blockers]
        if unknown:
            raise ValueError(f"check {check.name} needs {unknown[0]}, which is not before it")
        blocker = next((blockers[name] for name in check.needs if blockers[name]), None)
        result = _blocked(check.name, blocker) if blocker else _made(check, case)
        blockers[check.name] = check.name if result.verdict is Verdict.FAILED else blocker
        required = check.level is not None and profile.includes(check.level)
        lines.append(ReportLine(title=check.title, required=required, result=result))
    return Report(
        profile=profile,
        subject=subject,
        lines=tuple(lines),
        standing_limits=tuple(standing_limits),
    )


def _made(check: Check[CaseT], case: CaseT) -> CheckResult:
    try:
        result = check.run(case)
    except KhazanaError as error:
        return CheckResult(
            name=check.name,
            verdict=Verdict.NOT_CHECKABLE,
            basis="none",
            summary=f"could not be made: {error}",
        )
    if result.name != check.name:
        raise ValueError(f"check {check.name} answered for {result.name}")
    return result


def _blocked(name: str, blocker: str) -> CheckResult:
    return CheckResult(
        name=name,
        verdict=Verdict.NOT_CHECKABLE,
        basis="none",
        summary=f"not made because {blocker} failed",
    )
