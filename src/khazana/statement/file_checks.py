"""The checks of the file itself, before any chain is asked: form, root, signer, signatures."""

from collections.abc import Collection, Iterable
from datetime import datetime

from khazana.errors import KhazanaError
from khazana.ledger.findings import Finding
from khazana.statement.checks import CheckResult, Subject, Verdict
from khazana.statement.envelope import DEFAULT_LIMITS, Limits, Statement, read_statement
from khazana.statement.evidence import (
    IDENTITY_TYPE,
    EvidenceResult,
    EvidenceVerifier,
    IdentityVerifier,
    carried_office,
    evidence_places,
    judge_evidence,
)
from khazana.statement.identity import STATEMENT_ROLE, Office, grouped
from khazana.statement.office_file import Pin
from khazana.statement.signatures import SIGNATURE_TYPE, SignatureJudgement, judge_signature

BASIS_FILE = "the file itself"

LIMIT_FORM = "A file in good form can still say things that are not true."
LIMIT_ROOT = "The root shows that the parts belong together, not that they are true."
LIMIT_WITHHELD = (
    "What is withheld cannot be seen here: its content is fixed by the root, but only who is shown "
    "it can check it."
)
LIMIT_UNKNOWN_SIGNER = (
    "Anyone can make a correct statement about public addresses; without the office's file or "
    "fingerprint nothing shows that the office made it."
)
LIMIT_PIN = (
    "That the pinned fingerprint or file is the office's rests on where you got it; a newer "
    "version that revokes a key may exist: compare with the office's newest file."
)
LIMIT_SIGNED = (
    "A signature shows that the keys were used, not by whom or willingly; its time is the signer's "
    "word."
)


def subject_of(statement: Statement, name: str) -> Subject:
    """What stands at the head of a report about this statement."""
    return Subject(name=name, network=statement.network.name, test=statement.test)


def check_schema(
    raw: bytes, *, kinds: Collection[str], limits: Limits = DEFAULT_LIMITS
) -> tuple[CheckResult, Statement | None]:
    """ "schema": the file is read strictly and is in canonical form. Gives the statement, if so."""
    name = "schema"
    try:
        statement = read_statement(raw, kinds=kinds, limits=limits)
    except KhazanaError as error:
        finding = Finding(name, str(error), error.facts().get("path", "the file"))
        return _result(name, Verdict.FAILED, str(error), (finding,), (LIMIT_FORM,)), None
    summary = f"{len(statement.parts)} parts disclosed, {len(statement.withheld)} withheld"
    return _result(name, Verdict.PASSED, summary, (), (LIMIT_FORM,)), statement


def check_root(statement: Statement) -> CheckResult:
    """ "root": the disclosed parts and the digests of the others give the root."""
    limits = (LIMIT_ROOT,) if statement.is_full else (LIMIT_ROOT, LIMIT_WITHHELD)
    if statement.computed_root == statement.root:
        summary = f"{statement.size} parts give the root {statement.root}"
        return _result("root", Verdict.PASSED, summary, (), limits)
    text = f"the parts give the root {statement.computed_root}, the file says {statement.root}"
    return _result("root", Verdict.FAILED, text, (Finding("root", text, "$.root"),), limits)


def check_identity(statement: Statement, pin: Pin | None) -> tuple[CheckResult, Office | None]:
    """ "identity": the office you pinned is the one this statement is by.

    Gives the office by which signatures are to be judged: the newest account of the pinned one;
    without a pin the one the file itself carries, which proves nothing about who that is.
    """
    name = "identity"
    carried: list[Office] = []
    findings: list[Finding] = []
    for where, item in evidence_places(statement):
        if item.type != IDENTITY_TYPE or item.subject_root != statement.root:
            continue
        try:
            carried.append(carried_office(item))
        except KhazanaError as error:
            findings.append(Finding(name, str(error), where))
    if pin is None:
        if findings:
            return _result(name, Verdict.FAILED, findings[0].text, tuple(findings)), None
        claimed = carried[0] if len(carried) == 1 else None
        says = f"; the file names {_described(claimed)}" if claimed else ""
        summary = f"unknown signer: no office was given to compare with{says}"
        result = _result(
            name, Verdict.NOT_CHECKABLE, summary, (), (LIMIT_UNKNOWN_SIGNER,), basis="none"
        )
        return result, claimed
    office = pin.office
    for offered in carried:
        try:
            office = Pin(pin.fingerprint, office).admits(offered)
        except KhazanaError as error:
            findings.append(Finding(name, str(error), "$.evidence"))
    basis = f"the office's {'file' if pin.office else 'fingerprint'} that you gave"
    if office is not None:
        findings.extend(_disagreements(statement, office))
    if findings:
        failed = _result(
            name, Verdict.FAILED, findings[0].text, tuple(findings), (LIMIT_PIN,), basis=basis
        )
        return failed, None
    if office is None:
        summary = "the file carries no identity: give the office's file instead of its fingerprint"
        return _result(name, Verdict.NOT_CHECKABLE, summary, (), (LIMIT_PIN,), basis=basis), None
    summary = f"the pinned office is {_described(office)}"
    return _result(name, Verdict.PASSED, summary, (), (LIMIT_PIN,), basis=basis), office


def _disagreements(statement: Statement, office: Office) -> Iterable[Finding]:
    """What the header says against the office's identity."""
    newest = office.newest
    if newest.network != statement.network:
        text = f"{office.id} publishes on {newest.network}, the statement is on {statement.network}"
        yield Finding("identity", text, "$.network")
    if newest.test != statement.test:
        yield Finding("identity", "the test flag is not the office's", "$.test")
    named = statement.header.body.get("office")
    if isinstance(named, dict) and named.get("fingerprint") not in (None, office.fingerprint):
        text = f"the header names the office {grouped(str(named['fingerprint']))}"
        yield Finding("identity", text, "$.parts[0].body.office")
    if isinstance(named, dict) and named.get("id") not in (None, office.id):
        text = f"the header says {named['id']}, the pinned office is {office.id}"
        yield Finding("identity", text, "$.parts[0].body.office")


def _described(office: Office) -> str:
    return f"{office.id}, version {office.newest.version}, {grouped(office.fingerprint)}"


def check_signatures(
    statement: Statement, office: Office | None, *, pinned: bool, now: datetime
) -> CheckResult:
    """ "signatures": enough keys of the office's statement role signed this root.

    Every signature in the file is judged; one that is false fails the check even when enough
    others are good. With an office that nobody pinned, good or missing ones are not checkable.
    """
    name = "signatures"
    items = [(w, item) for w, item in evidence_places(statement) if item.type == SIGNATURE_TYPE]
    if office is None:
        copied = [where for where, item in items if item.subject_root != statement.root]
        if copied:
            text = "a signature about another root was copied into this file"
            findings = [Finding(name, text, where) for where in copied]
            return _result(name, Verdict.FAILED, text, tuple(findings), (LIMIT_SIGNED,))
        summary = f"{len(items)} signature(s) in the file, by an unknown signer"
        return _result(name, Verdict.NOT_CHECKABLE, summary, (), (LIMIT_SIGNED,), basis="none")
    judged = [
        judge_signature(item, statement, office, now=now, where=where) for where, item in items
    ]
    findings = [finding for each in judged for finding in each.result.findings]
    limits = (LIMIT_SIGNED, *(limit for each in judged for limit in each.result.limits))
    enough, reached = _threshold(office, judged)
    if pinned and not enough:
        findings.append(Finding(name, reached, "$.evidence"))
    basis = f"keys of {office.id}" if pinned else "keys that the file itself names"
    if findings:
        summary = "; ".join(dict.fromkeys(finding.text for finding in findings))
        return _result(name, Verdict.FAILED, summary, tuple(findings), limits, basis=basis)
    if not pinned:
        summary = f"{reached}, but nobody vouches for this office"
        return _result(
            name, Verdict.NOT_CHECKABLE, summary, (), (*limits, LIMIT_UNKNOWN_SIGNER), basis=basis
        )
    return _result(name, Verdict.PASSED, reached, (), limits, basis=basis)


def _threshold(office: Office, judged: Iterable[SignatureJudgement]) -> tuple[bool, str]:
    """Whether the signers under one and the same version reach its threshold, in words."""
    signers: dict[int, set[str]] = {}
    for each in judged:
        if each.version:
            signers.setdefault(each.version, set()).update(each.signers)
    best = "no signature of the statement role is good"
    for version in office.versions:
        found, needed = signers.get(version.version), version.roles[STATEMENT_ROLE].threshold
        if found is None:
            continue
        best = f"{len(found)} of the {needed} signatures needed (version {version.version})"
        if len(found) >= needed:
            return True, best
    return False, best


def check_evidence(
    statement: Statement, verifiers: Iterable[EvidenceVerifier]
) -> tuple[CheckResult, tuple[EvidenceResult, ...]]:
    """ "evidence": every other piece of evidence in the file is known here and holds.

    Signatures have a check of their own, except that one about another root fails here: it was
    copied from another statement.
    """
    name = "evidence"
    known = [IdentityVerifier(), *verifiers]
    results = tuple(
        each for each in judge_evidence(statement, known) if each.type != SIGNATURE_TYPE
    )
    wrong = [each for each in results if each.verdict is Verdict.FAILED]
    unknown = [each for each in results if each.verdict is Verdict.NOT_CHECKABLE]
    limits = tuple(dict.fromkeys(limit for each in results for limit in each.limits))
    verdict = Verdict.FAILED if wrong else Verdict.NOT_CHECKABLE if unknown else Verdict.PASSED
    if wrong or unknown:
        summary = "; ".join(f"{each.where}: {each.summary}" for each in wrong or unknown)
        findings = tuple(finding for each in results for finding in each.findings)
        return _result(name, verdict, summary, findings, limits), results
    summary = f"{len(results)} piece(s) of evidence beside signatures hold"
    return _result(name, verdict, summary, (), limits), results


def _result(
    name: str,
    verdict: Verdict,
    summary: str,
    findings: tuple[Finding, ...] = (),
    limits: tuple[str, ...] = (),
    *,
    basis: str = BASIS_FILE,
) -> CheckResult:
    return CheckResult(
        name=name,
        verdict=verdict,
        basis=basis,
        summary=summary,
        findings=findings,
        limits=limits,
    )
