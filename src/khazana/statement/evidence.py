"""Detached evidence about a statement's root, and an open registry of who can judge which type."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from khazana.errors import KhazanaError
from khazana.ledger.findings import Finding
from khazana.statement.checks import Verdict
from khazana.statement.envelope import Evidence, Statement
from khazana.statement.identity import Office
from khazana.statement.office_file import office_document, office_from_document

IDENTITY_TYPE = "khazana.identity/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceResult:
    """What one piece of evidence turned out to be worth. where: as in $.evidence[0]."""

    where: str
    type: str
    verdict: Verdict
    summary: str
    findings: tuple[Finding, ...] = ()
    limits: tuple[str, ...] = ()


class EvidenceVerifier(Protocol):
    """Judges one type of evidence. A room that adds a type hands in one of these.

    What the verdict rests on beside the statement (a chain, an office, a time) the verifier holds
    itself.
    """

    @property
    def type(self) -> str: ...

    def verify(self, item: Evidence, statement: Statement, *, where: str) -> EvidenceResult: ...


def judge_evidence(
    statement: Statement, verifiers: Iterable[EvidenceVerifier]
) -> tuple[EvidenceResult, ...]:
    """The worth of every piece of evidence in the file, in order.

    Evidence about another root was copied from elsewhere: it fails, whatever its type. A type
    nobody here knows is not checkable, never passed.
    """
    by_type: dict[str, EvidenceVerifier] = {}
    for verifier in verifiers:
        if verifier.type in by_type:
            raise ValueError(f"two verifiers judge {verifier.type}")
        by_type[verifier.type] = verifier
    return tuple(
        _judged(statement, item, by_type.get(item.type), where)
        for where, item in evidence_places(statement)
    )


def evidence_places(statement: Statement) -> Sequence[tuple[str, Evidence]]:
    """Each piece of evidence with its place in the file."""
    return [(f"$.evidence[{row}]", item) for row, item in enumerate(statement.evidence)]


def _judged(
    statement: Statement, item: Evidence, verifier: EvidenceVerifier | None, where: str
) -> EvidenceResult:
    if item.subject_root != statement.root:
        return failed(where, item, f"it is about another root, {item.subject_root}")
    if verifier is None:
        return EvidenceResult(
            where=where,
            type=item.type,
            verdict=Verdict.NOT_CHECKABLE,
            summary=f"evidence of type {item.type} is not known to this version",
        )
    try:
        return verifier.verify(item, statement, where=where)
    except KhazanaError as error:
        return EvidenceResult(
            where=where,
            type=item.type,
            verdict=Verdict.NOT_CHECKABLE,
            summary=f"could not be judged: {error}",
        )


def failed(where: str, item: Evidence, problem: str) -> EvidenceResult:
    """The result for evidence that is false: one finding that says why."""
    return EvidenceResult(
        where=where,
        type=item.type,
        verdict=Verdict.FAILED,
        summary=problem,
        findings=(Finding("evidence", problem, where),),
    )


def evidence_of(type_: str, statement: Statement, **fields: Any) -> Evidence:
    """Evidence about a statement, ready to be attached to it."""
    document = {"type": type_, "subject_root": statement.root, **fields}
    return Evidence(type_, statement.root, document)


def identity_evidence(statement: Statement, office: Office) -> Evidence:
    """The office's own file, carried along so that a reader needs only its fingerprint."""
    return evidence_of(IDENTITY_TYPE, statement, office=office_document(office))


def carried_office(item: Evidence) -> Office:
    """The office that a piece of identity evidence carries; raises when its chain is not valid."""
    return office_from_document(item.fields.get("office"))


@dataclass(frozen=True, slots=True)
class IdentityVerifier:
    """Judges whether the identity a file carries is a valid chain of versions.

    Whose it is, is the question of the check called "identity".
    """

    type: str = IDENTITY_TYPE

    def verify(self, item: Evidence, statement: Statement, *, where: str) -> EvidenceResult:
        stray = set(item.fields) - {"type", "subject_root", "office"}
        if stray:
            return failed(where, item, f"unknown field {min(stray)}")
        try:
            office = carried_office(item)
        except KhazanaError as error:
            return failed(where, item, str(error))
        return EvidenceResult(
            where=where,
            type=item.type,
            verdict=Verdict.PASSED,
            summary=f"carries the identity of {office.id} up to version {office.newest.version}",
        )
