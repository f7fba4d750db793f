"""The verification of a coverage statement: every check in its order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.descriptor import DescriptorEngine
from khazana.errors import KhazanaError
from khazana.ledger.counted import Counted
from khazana.ledger.findings import Finding
from khazana.statement.checks import Check, CheckResult, Profile, Report, Verdict, run_checks
from khazana.statement.envelope import Statement
from khazana.statement.evidence import EvidenceVerifier
from khazana.statement.file_checks import (
    check_evidence,
    check_identity,
    check_root,
    check_schema,
    check_signatures,
    subject_of,
)
from khazana.statement.identity import Office
from khazana.statement.office_file import Pin
from khazana.statement.signatures import signed_instants
from khazana.statement.times import write_instant
from khazana.supervision.coverage import checks_chain, checks_file, checks_series
from khazana.supervision.coverage.case import Answer, Case, NoProofOfControl, Question
from khazana.supervision.coverage.countersign import RecomputationVerifier
from khazana.supervision.coverage.parts import BODIES
from khazana.supervision.coverage.reading import CoverageStatement, typed
from khazana.supervision.solvency.epoch import Epoch

STANDING_LIMITS = (
    "Covered at one block is all that is shown: not that the provider can pay all it owes, nor "
    "what it owes elsewhere.",
)


@dataclass(frozen=True, kw_only=True)
class CoverageRequest:
    """What a reader asks for. raw: the statement's file. pin: the provider they expect.

    beside, levels, slips, told, regulator: see Case. now: the reader's clock, UTC.
    """

    raw: bytes
    chain: ChainView | None
    engine: DescriptorEngine
    profile: Profile
    now: datetime
    pin: Pin | None = None
    previous: CoverageStatement | None = None
    beside: Sequence[Counted] = ()
    regulator: Office | None = None
    levels: Sequence[tuple[str, bytes]] = ()
    slips: Sequence[tuple[str, bytes]] = ()
    told: Epoch | None = None
    verifiers: Sequence[EvidenceVerifier] = ()


class MoreChecks(Protocol):
    """Checks that other rooms add, such as custody's of control."""

    def __call__(self, case: Case) -> Iterable[Check[Case]]: ...


@dataclass(frozen=True)
class _Known:
    """A check whose result is known before the case exists."""

    result: CheckResult
    title: str
    level: Profile | None
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.result.name

    def run(self, case: Case | None) -> CheckResult:
        return self.result


def verify_coverage(request: CoverageRequest, *, more: Sequence[MoreChecks] = ()) -> Report:
    """Make every check; nothing is raised for what is wrong or silent, each check says so itself.

    more: one called `control` takes that question's place; others stand behind it.
    """
    schema, envelope, statement = _read(request.raw)
    if envelope is None or statement is None:
        only = _Known(schema, "Form of the file", Profile.TOTALS)
        return run_checks(
            [only, *(q for q in QUESTIONS if q.level is not None)],  # type: ignore[list-item]
            None,
            profile=request.profile,
            subject=None,
            standing_limits=STANDING_LIMITS,
        )
    pinned = Profile.TOTALS if request.pin is not None else None
    identity, office = check_identity(envelope, request.pin)
    signatures = check_signatures(envelope, office, pinned=request.pin is not None, now=request.now)
    evidence, _ = check_evidence(envelope, (*request.verifiers, RecomputationVerifier()))
    case = Case(
        statement=statement,
        chain=request.chain,
        engine=request.engine,
        previous=request.previous,
        beside=request.beside,
        regulator=request.regulator,
        levels=request.levels,
        slips=request.slips,
        told=request.told,
    )
    added = [check for rule in more for check in rule(case)]
    instead = {check.name: check for check in added if check.name == "control"}
    checks: list[Check[Case]] = [
        _Known(schema, "Form of the file", Profile.TOTALS),
        _Known(check_root(envelope), "Parts belong to the root", Profile.TOTALS, ("schema",)),
        _Known(identity, "The provider is the one expected", pinned),
        _Known(_not_before(signatures, statement), "The provider signed this root", pinned),
        _Known(evidence, "Other evidence holds", None),
        *(instead.get(question.name, question) for question in _required(request)),
        *(check for check in added if check.name not in instead),
    ]
    return run_checks(
        checks,
        case,
        profile=request.profile,
        subject=subject_of(envelope, statement.name),
        standing_limits=STANDING_LIMITS,
    )


def _read(raw: bytes) -> tuple[CheckResult, Statement | None, CoverageStatement | None]:
    result, envelope = check_schema(raw, kinds=frozenset(BODIES))
    if envelope is None:
        return result, None, None
    try:
        return result, envelope, typed(envelope)
    except KhazanaError as error:
        finding = Finding("schema", str(error), str(error.facts().get("path", "the file")))
        wrong = replace(result, verdict=Verdict.FAILED, summary=str(error), findings=(finding,))
        return wrong, envelope, None


def _not_before(result: CheckResult, statement: CoverageStatement) -> CheckResult:
    """Rule V1: nobody can have signed before the block was there."""
    try:
        at = min(signed_instants(statement.envelope), default=None)
    except KhazanaError:
        return result  # the check of the signatures says what is wrong with them
    block_mtp = statement.header.block_mtp
    if at is None or write_instant(at) >= block_mtp:
        return result
    text = f"signed at {write_instant(at)}, before the block ({block_mtp})"
    return replace(
        result,
        verdict=Verdict.FAILED,
        summary=text,
        findings=(*result.findings, Finding("V1", text, "$.evidence")),
    )


def _required(request: CoverageRequest) -> Iterable[Question]:
    """What the reader took the trouble to bring is required, whatever the profile."""
    brought = {
        "coverage_levels": bool(request.levels),
        "coverage_slips": bool(request.slips) or request.told is not None,
        "coverage_beside": bool(request.beside),
        "coverage_continuity": request.previous is not None,
        "coverage_countersigned": request.regulator is not None,
    }
    for question in QUESTIONS:
        given = brought.get(question.name)
        yield replace(question, level=Profile.TOTALS) if given else question


def control(case: Case) -> Answer:
    """Whether somebody proved that the coins can be moved; proofs bring their own check."""
    raise NoProofOfControl()


_CHAIN, _FILE, _SERIES = checks_chain, checks_file, checks_series
_TOTALS, _ADDRESSES, _FULL = Profile.TOTALS, Profile.ADDRESSES, Profile.FULL
_NETWORK, _SNAPSHOT = ("network",), ("coverage_snapshot",)

QUESTIONS: tuple[Question, ...] = (
    Question("network", "Same network as the source", _CHAIN.network, _TOTALS),
    Question("coverage_snapshot", "Block drawn by chance", _CHAIN.snapshot, _TOTALS, _NETWORK),
    Question("coverage_same_block", "All of one block", _FILE.same_block, _TOTALS),
    Question("coverage_totals", "Totals are the roots' sums", _FILE.totals, _TOTALS),
    Question("coverage_levels", "Published levels add up", _FILE.levels, None),
    Question("coverage_slips", "Same roots for everybody", _FILE.slips, None),
    Question("coverage_scripts", "Scripts declared once", _CHAIN.scripts, _ADDRESSES),
    Question(
        "coverage_coins",
        "Coins on the chain",
        _CHAIN.coins,
        _ADDRESSES,
        ("coverage_snapshot", "coverage_scripts"),
    ),
    Question("coverage_assets", "Covered, asset by asset", _FILE.assets, _TOTALS),
    Question("coverage_attested", "Balances at banks", _FILE.attested, None),
    Question("coverage_borrowed", "No coins for one day", _CHAIN.borrowed, _FULL, _SNAPSHOT),
    Question("coverage_beside", "No coin in two accounts", _SERIES.beside, None),
    Question("coverage_continuity", "Follows the epoch before", _SERIES.continuity, None),
    Question("coverage_countersigned", "Built again by the regulator", _SERIES.countersigned, None),
    Question("control", "Proof of control", control, Profile.CONTROL),
)
"""The room's own checks, in the order in which a report lists them."""

ORDER = ("schema", "root", "identity", "signatures", "evidence", *(q.name for q in QUESTIONS))
"""The names of all checks of a coverage statement, in order."""
