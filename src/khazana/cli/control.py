"""Puts custody's judgement of proofs into a reserve statement's list of checks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from khazana.bitcoin.bip322.kernel_judge import kernel_consensus
from khazana.bitcoin.chain import BlockRef, ChainView, coins_after
from khazana.bitcoin.descriptor import Descriptor, parse_descriptor
from khazana.bitcoin.transaction import OutPoint
from khazana.custody.closing import Closing, ClosingCoin
from khazana.custody.control import judge_control
from khazana.custody.control_errors import ControlIncomplete, ProofsSealed, ProofsWithheld
from khazana.custody.control_evidence import (
    COMMITMENT_TYPE,
    PROOF_TYPES,
    CommitmentFile,
    CommitmentVerifier,
    ControlVerifier,
    read_commitment,
    read_disclosed,
)
from khazana.custody.coverage import COLUMNS, ENOUGH, ControlGrade, Coverage
from khazana.custody.judging import About
from khazana.reserve.bodies import block_ref, outpoint_of
from khazana.reserve.case import Case, NoProofOfControl
from khazana.reserve.checks_chain import median_time_at
from khazana.statement.checks import Check, CheckResult, Profile, Table
from khazana.statement.checks import Verdict as CheckVerdict
from khazana.statement.envelope import Statement
from khazana.statement.evidence import EvidenceVerifier
from khazana.units import Height, Sats

LIMITS = (
    "A proof of control shows that the keys could sign when they signed. It does not show who owns "
    "the coins, nor that nobody else holds the keys.",
)
_GRADE_LIMITS = {
    ControlGrade.COSIGNERS: "Cosigners' messages show that enough keys can sign, not that the "
    "coins' scripts accept what they sign together.",
    ControlGrade.MOVE: "That the addresses of a move were declared before it rests on when the "
    "statement was made, which is the office's word unless you saw it before the move.",
}

CONTROL_VERIFIERS: tuple[EvidenceVerifier, ...] = (
    *(ControlVerifier(type_) for type_ in sorted(PROOF_TYPES)),
    CommitmentVerifier(),
)
"""For the check `evidence`: the form of what the check `control` judges."""

LOWEST = {
    "script": ENOUGH,
    "waiting": ControlGrade.LATER,
    "messages": ControlGrade.COSIGNERS,
    "move": ControlGrade.MOVE,
}
"""What a reader may accept as proof, by the word on the command line."""


@dataclass(frozen=True)
class ControlChecks:
    """The check `control`, for `khazana.reserve.verify.verify` (its `more`).

    disclosed: (file name, content) of withheld proofs that the reader was given.
    lowest: the lowest grade of proof that the reader accepts.
    """

    disclosed: Sequence[tuple[str, bytes]] = ()
    lowest: ControlGrade = ENOUGH

    def __call__(self, case: Case) -> Iterable[Check[Case]]:
        if has_proofs(case.statement.envelope) or self.disclosed:
            yield _Control(self.disclosed, self.lowest)


@dataclass(frozen=True)
class _Control:
    """Whether every closing coin is proved to be under control, not before the closing."""

    disclosed: Sequence[tuple[str, bytes]]
    lowest: ControlGrade
    name: str = "control"
    title: str = "Proof of control"
    needs: tuple[str, ...] = ("schema", "root", "period", "scripts", "closing_coins")

    @property
    def level(self) -> Profile:
        """What the reader brought is required whatever the profile."""
        return Profile.TOTALS if self.disclosed else Profile.CONTROL

    def run(self, case: Case) -> CheckResult:
        evidence = proofs_shown(case.statement.envelope, self.disclosed)
        chain = case.required_chain()
        coverage = judge_control(
            evidence, about_of(case), chain=chain, consensus=kernel_consensus()
        )
        return control_result(coverage, chain, lowest=self.lowest, date=lambda b: _date(b, case))


def control_result(
    coverage: Coverage,
    chain: ChainView,
    *,
    lowest: ControlGrade,
    date: Callable[[BlockRef], str],
) -> CheckResult:
    """The answer of the check `control`. date: a block with its time, for people."""
    said = "; ".join([coverage.words, _dated(coverage, date), *coverage.notes])
    if coverage.findings:
        verdict = CheckVerdict.FAILED
        first = coverage.findings[0]
        said = f"{first.text} in {first.where}; {said}"
    elif coverage.complete(lowest):
        verdict = CheckVerdict.PASSED
    else:
        verdict = CheckVerdict.NOT_CHECKABLE
        incomplete = ControlIncomplete(coverage=said, doubts="; ".join(coverage.doubts))
        said = f"could not be made: {incomplete}"
    grades = set(coverage.grades.values())
    limits = tuple(text for grade, text in _GRADE_LIMITS.items() if grade in grades)
    return CheckResult(
        name="control",
        verdict=verdict,
        basis=str(chain.basis),
        summary=said,
        findings=coverage.findings,
        limits=(*LIMITS, *limits),
        table=Table(columns=COLUMNS, rows=coverage.table(date)),
    )


def proofs_shown(
    statement: Statement, disclosed: Sequence[tuple[str, bytes]]
) -> list[tuple[str, Mapping[str, Any]]]:
    """Every proof that the statement carries or the reader was given, with its place."""
    shown: list[tuple[str, Mapping[str, Any]]] = []
    commitments: list[CommitmentFile] = []
    for row, item in enumerate(statement.evidence):
        where = f"$.evidence[{row}]"
        if item.subject_root != statement.root:
            continue  # it was copied from elsewhere: the check `evidence` says so
        if item.type in PROOF_TYPES:
            shown.append((where, item.fields))
        elif item.type == COMMITMENT_TYPE:
            commitments.append(read_commitment(item.fields, where))
    hashes = frozenset(commitment.sha256 for commitment in commitments)
    for name, raw in disclosed:
        shown.append((name, read_disclosed(raw, commitments=hashes, file=name)))
    if not shown and not commitments:
        raise NoProofOfControl()
    if not shown:
        _refuse_withheld(commitments)
    return shown


def has_proofs(statement: Statement) -> bool:
    """Whether anything in the file is about control."""
    return bool({item.type for item in statement.evidence} & {*PROOF_TYPES, COMMITMENT_TYPE})


def _refuse_withheld(commitments: Sequence[CommitmentFile]) -> None:
    """What a reader who was given none of the proofs is told: for whom they are sealed."""
    hashes = ", ".join(commitment.sha256 for commitment in commitments)
    readers = [reader for commitment in commitments for reader in commitment.readers]
    if not readers:
        raise ProofsWithheld(sha256=hashes)
    raise ProofsSealed(readers=", ".join(str(reader) for reader in readers), sha256=hashes)


def about_of(case: Case) -> About:
    """What a statement's proofs must be about."""
    header = case.statement.header
    return About(
        root=case.statement.root,
        office=header.office.id,
        network=case.network,
        test=header.test,
        closing=closing_of(case),
        made_at=Height(header.tip.height),
        descriptors=descriptors_of(case),
        declared=frozenset(script for wallet in case.wallets for script in wallet.scripts),
    )


def descriptors_of(case: Case) -> dict[str, Descriptor]:
    """The descriptors that the reader is shown, by wallet."""
    return {
        wallet: parse_descriptor(body.descriptor, case.network)
        for wallet, body in case.statement.descriptors.items()
    }


def closing_of(case: Case) -> Closing:
    """The disclosed closing coins, each with the script that the chain shows for it."""
    case.require("coins")
    until = block_ref(case.statement.header.period.until)
    declared = frozenset(script for wallet in case.wallets for script in wallet.scripts)
    spent: frozenset[OutPoint] = frozenset()
    if case.accept_opening:
        scripts = {c.outpoint: c.script for c in case.required_chain().coins_at(declared, until)}
    else:
        held = coins_after(case.facts.history, declared)
        scripts = {outpoint: coin.script for outpoint, coin in held.items()}
        spent = frozenset(
            confirmed.transaction.outpoint(vout)
            for confirmed in case.facts.history
            for vout, output in enumerate(confirmed.transaction.outputs)
            if output.script in declared
        ) - frozenset(scripts)
    coins = [
        # A coin unknown to the chain fails the check `closing_coins`, which this one needs.
        ClosingCoin(wallet, outpoint, Sats(coin.amount), scripts.get(outpoint, b""))
        for wallet, body in case.statement.coins.items()
        for coin in body.closing
        for outpoint in (outpoint_of(coin.outpoint),)
    ]
    return Closing(until, coins, spent)


def _dated(coverage: Coverage, date: Callable[[BlockRef], str]) -> str:
    """Not before when the proofs were made."""
    blocks = sorted(set(coverage.proved_at.values()), key=lambda block: block.height)
    if not blocks:
        return "no proof holds"
    return "not before " + " and ".join(map(date, blocks))


def _date(block: BlockRef, case: Case) -> str:
    """A block with its median time past, which the chain's own rules bound."""
    period = case.statement.header.period
    if block == block_ref(period.until):
        return f"block {block.height} (the closing block, {period.until_mtp})"
    return f"block {block.height} ({median_time_at(case, block)})"
