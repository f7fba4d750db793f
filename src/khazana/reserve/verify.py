"""The verification of a reserve statement: every check in its order, made by anyone anywhere."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.descriptor import DescriptorEngine
from khazana.errors import KhazanaError
from khazana.ledger.counted import Counted
from khazana.ledger.findings import Finding
from khazana.ledger.valuation import PricePoint
from khazana.reserve import (
    checks_blocks,
    checks_books,
    checks_chain,
    checks_coins,
    checks_explained,
)
from khazana.reserve.answers import FILE, Answer, answer
from khazana.reserve.case import Case, Given, NoProofOfControl, OffChainBalances
from khazana.reserve.checks_beside import beside
from khazana.reserve.checks_continuity import continuity
from khazana.reserve.evidence_grades import attestation_problems
from khazana.reserve.parts import BODIES
from khazana.reserve.question import Question
from khazana.reserve.reading import ReserveStatement, typed
from khazana.reserve.valuation_check import valuation
from khazana.reserve.valuation_document import ValuationDocument
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
from khazana.statement.office_file import Pin
from khazana.statement.signatures import signed_instants
from khazana.statement.times import write_instant


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a reader asks for.

    raw: the statement's file. pin: the office the reader expects. documents: given by the office,
    by id. beside: other publishers' statements. accept_opening: take the opening coins from
    `previous` instead of the whole history.
    valuation: what the holdings are said to be worth. prices: the reader's own, to hold it to.
    now: the reader's clock, UTC, for signatures that claim to be from the future.
    """

    raw: bytes
    chain: ChainView | None
    engine: DescriptorEngine
    profile: Profile
    now: datetime
    pin: Pin | None = None
    previous: ReserveStatement | None = None
    beside: Sequence[ReserveStatement | Counted] = ()
    accept_opening: bool = False
    documents: Mapping[str, Given] | None = None
    valuation: ValuationDocument | None = None
    prices: Sequence[PricePoint] | None = None
    verifiers: Sequence[EvidenceVerifier] = ()


class MoreChecks(Protocol):
    """Checks that other rooms add, such as mining's: made from a case once it is read."""

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


def verify(request: Request, *, more: Sequence[MoreChecks] = ()) -> Report:
    """Make every check of a statement and say what it all amounts to.

    more: the checks of other rooms; one called as in `OPEN` takes that question's place. Nothing
    is raised for what is wrong with the statement or silent about the chain: each check says so
    itself.
    """
    schema, envelope, statement = _read(request.raw)
    if envelope is None or statement is None:
        schema_only = _Known(schema, "Form of the file", Profile.TOTALS)
        blocked = [q for q in QUESTIONS if q.level is not None]
        return run_checks([schema_only, *blocked], None, profile=request.profile, subject=None)  # type: ignore[list-item]
    pinned = Profile.TOTALS if request.pin is not None else None
    identity, office = check_identity(envelope, request.pin)
    signatures = check_signatures(envelope, office, pinned=request.pin is not None, now=request.now)
    signatures = _not_before_closing(signatures, envelope, statement)
    evidence, _ = check_evidence(envelope, request.verifiers)
    case = Case(
        statement=statement,
        chain=request.chain,
        engine=request.engine,
        previous=request.previous,
        beside=request.beside,
        accept_opening=request.accept_opening,
        documents=request.documents,
        valuation=request.valuation,
        prices=request.prices,
    )
    checks: list[Check[Case]] = [
        _Known(schema, "Form of the file", Profile.TOTALS),
        _Known(check_root(envelope), "Parts belong to the root", Profile.TOTALS, ("schema",)),
        _Known(identity, "The office is the one expected", pinned),
        _Known(signatures, "The office signed this root", pinned),
        _Known(evidence, "Other evidence holds", None),
        *_with_more(_required_if_given(QUESTIONS, request), more, case),
    ]
    subject = subject_of(envelope, _name(statement))
    return run_checks(checks, case, profile=request.profile, subject=subject)


def _read(raw: bytes) -> tuple[CheckResult, Statement | None, ReserveStatement | None]:
    result, envelope = check_schema(raw, kinds=frozenset(BODIES))
    if envelope is None:
        return result, None, None
    try:
        return result, envelope, typed(envelope)
    except KhazanaError as error:
        finding = Finding("schema", str(error), str(error.facts().get("path", "the file")))
        failed = CheckResult(
            name=result.name,
            verdict=Verdict.FAILED,
            basis=result.basis,
            summary=str(error),
            findings=(finding,),
            limits=result.limits,
        )
        return failed, envelope, None


def _not_before_closing(
    result: CheckResult, envelope: Statement, statement: ReserveStatement
) -> CheckResult:
    """Rule R16: nobody can have signed a closing block before it was there.

    Every time that a signature states counts, so that a second signature cannot hide the first.
    """
    try:
        signed_at = min(signed_instants(envelope), default=None)
    except KhazanaError:
        return result  # the check of the signatures says what is wrong with them
    closed = statement.header.period.until_mtp
    if signed_at is None or write_instant(signed_at) >= closed:
        return result
    text = f"signed at {write_instant(signed_at)}, before the closing block ({closed})"
    return replace(
        result,
        verdict=Verdict.FAILED,
        summary=text,
        findings=(*result.findings, Finding("R16", text, "$.evidence")),
    )


def _name(statement: ReserveStatement) -> str:
    office, period = statement.header.office, statement.header.period
    name = office.name.get("en", office.id)
    text = f"{name}, after block {period.after.height} up to block {period.until.height}"
    return f"{text} ({office.notice})" if office.notice else text


def _required_if_given(questions: Iterable[Question], request: Request) -> Iterable[Question]:
    """What the reader took the trouble to bring is required, whatever the profile."""
    brought = {
        "continuity": request.previous is not None,
        "beside": bool(request.beside),
        "documents": bool(request.documents),
        "valuation": request.valuation is not None,
    }
    for question in questions:
        if brought.get(question.name):
            yield Question(
                question.name, question.title, question.ask, Profile.TOTALS, question.needs
            )
        else:
            yield question


def _with_more(
    questions: Iterable[Check[Case]], more: Sequence[MoreChecks], case: Case
) -> Iterable[Check[Case]]:
    added = [check for rule in more for check in rule(case)]
    instead = {check.name: check for check in added if check.name in OPEN}
    for question in questions:
        yield instead.get(question.name, question)
    yield from (check for check in added if instead.get(check.name) is not check)


def attested(case: Case) -> Answer:
    """What custodians hold: never provable here, so never passed unless it is nothing.

    What can be seen is whether a balance claims better evidence than it carries (Rule G1).
    """
    case.require("account")
    findings = [
        Finding("R19", text, f"account {name}")
        for name, body in case.statement.accounts.items()
        for attestation in (body.opening, *body.attested)
        if attestation is not None
        for text in attestation_problems(attestation)
    ]
    if findings:
        return answer(basis=FILE, good="", findings=findings)
    balances = [body.figures.closing for body in case.statement.accounts.values()]
    if any(balances):
        raise OffChainBalances(sats=sum(balances), accounts=sum(1 for b in balances if b))
    return Answer(FILE, "no balance is held by a custodian")


def control(case: Case) -> Answer:
    """Whether somebody proved that the closing coins can be moved; proofs bring their own check."""
    raise NoProofOfControl()


def _question(
    name: str,
    title: str,
    ask: Callable[[Case], Answer],
    level: Profile | None,
    *needs: str,
) -> Question:
    return Question(name, title, ask, level, needs)


_CHAIN, _COINS, _BOOKS, _WHY = checks_chain, checks_coins, checks_books, checks_explained
_TOTALS, _ADDRESSES, _FULL = Profile.TOTALS, Profile.ADDRESSES, Profile.FULL

QUESTIONS: tuple[Question, ...] = (
    _question("network", "Same network as the source", _CHAIN.network, _TOTALS, "schema"),
    _question("period", "Blocks of the period stand", _CHAIN.period, _TOTALS, "network"),
    _question("blocks", "Other blocks named stand", checks_blocks.blocks, _TOTALS, "period"),
    _question("scripts", "Scripts declared once", _CHAIN.scripts, _ADDRESSES, "schema"),
    _question("headers", "Headers of the period", _CHAIN.headers, _ADDRESSES, "period", "scripts"),
    _question("inclusion", "Transactions in blocks", _CHAIN.inclusion, _ADDRESSES, "headers"),
    _question("entries", "Entries re-derived", _COINS.entries, _FULL, "inclusion"),
    _question("completeness", "No transaction left out", _COINS.completeness, _FULL, "inclusion"),
    _question("opening", "Opening coins", _COINS.opening, _ADDRESSES, "inclusion"),
    _question("closing_coins", "Closing coins", _COINS.closing_coins, _ADDRESSES, "inclusion"),
    _question("maturity", "Immature coinbases apart", _COINS.maturity, _ADDRESSES, "schema"),
    _question("transfers", "Transfers net to zero", _WHY.transfers, _FULL, "schema"),
    _question("explanations", "Every flow explained", _WHY.explanations, _FULL, "schema"),
    _question("documents", "Documents open", _WHY.documents, None, "schema"),
    _question("balance", "Opening + entries = closing", _BOOKS.balance, _ADDRESSES, "schema"),
    _question("book_entries", "Perimeter, lane changes", _BOOKS.book_entries, _FULL, "schema"),
    _question("attested", "Balances at custodians", attested, None, "schema"),
    _question("continuity", "Follows the previous one", continuity, None, "schema"),
    _question("beside", "No coin in two statements", beside, None, "schema"),
    _question("valuation", "Values follow from prices", valuation, None, "schema", "root"),
    _question("control", "Proof of control", control, Profile.CONTROL, "schema"),
)
"""The reserve's own checks, in the order in which a report lists them."""

OPEN = frozenset({"control"})
"""Questions that another room may answer in our place: alone we know no proofs."""

ORDER = ("schema", "root", "identity", "signatures", "evidence", *(q.name for q in QUESTIONS))
"""The names of all checks of a reserve statement, in order."""
