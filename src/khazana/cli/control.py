"""Puts custody's judgement of proofs into a reserve statement's list of checks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from khazana.bitcoin.bip322.kernel_judge import kernel_consensus
from khazana.bitcoin.chain import BlockRef, coins_after
from khazana.bitcoin.transaction import OutPoint
from khazana.custody.closing import Closing, ClosingCoin
from khazana.custody.control import About, Coverage, judge_control
from khazana.custody.control_errors import ControlIncomplete, ProofsWithheld
from khazana.custody.control_evidence import (
    COMMITMENT_TYPE,
    CONTROL_TYPE,
    CommitmentVerifier,
    ControlVerifier,
    read_commitment,
    read_disclosed,
)
from khazana.reserve.answers import Answer
from khazana.reserve.bodies import block_ref, outpoint_of
from khazana.reserve.case import Case, NoProofOfControl
from khazana.reserve.question import Question
from khazana.statement.checks import Check, Profile
from khazana.statement.evidence import EvidenceVerifier
from khazana.units import Sats

LIMITS = (
    "A proof of control shows that the keys could sign when they signed. It does not show who owns "
    "the coins, nor that nobody else holds the keys.",
)

CONTROL_VERIFIERS: tuple[EvidenceVerifier, ...] = (ControlVerifier(), CommitmentVerifier())
"""For the check `evidence`: the form of what the check `control` judges."""


class ControlChecks:
    """The check `control`, for `khazana.reserve.verify.verify` (its `more`).

    disclosed: (file name, content) of withheld proofs that the reader was given.
    """

    def __init__(self, disclosed: Sequence[tuple[str, bytes]] = ()) -> None:
        self.disclosed = tuple(disclosed)

    def __call__(self, case: Case) -> Iterable[Check[Case]]:
        types = {item.type for item in case.statement.envelope.evidence}
        if not types & {CONTROL_TYPE, COMMITMENT_TYPE} and not self.disclosed:
            return ()
        needs = ("schema", "root", "period", "scripts", "closing_coins")
        level = Profile.TOTALS if self.disclosed else Profile.CONTROL
        return (Question("control", "Proof of control", self.control, level, needs),)

    def control(self, case: Case) -> Answer:
        """Whether every closing coin's own script signed this root, not before the closing."""
        evidence = self._evidence(case)
        header = case.statement.header
        about = About(
            root=case.statement.root,
            office=header.office.id,
            network=case.network,
            test=header.test,
            closing=closing_of(case),
        )
        chain = case.required_chain()
        coverage = judge_control(
            evidence, about, block_at=chain.block_at, consensus=kernel_consensus()
        )
        said = f"{coverage.words}; {_dated(coverage, case)}"
        if coverage.findings:
            first = coverage.findings[0]
            said = f"{first.text} in {first.where}; {said}"
        if coverage.findings or coverage.complete:
            return Answer(str(chain.basis), said, coverage.findings, LIMITS)
        raise ControlIncomplete(coverage=said, doubts="; ".join(coverage.doubts))

    def _evidence(self, case: Case) -> list[tuple[str, Mapping[str, Any]]]:
        shown: list[tuple[str, Mapping[str, Any]]] = []
        commitments = []
        for row, item in enumerate(case.statement.envelope.evidence):
            where = f"$.evidence[{row}]"
            if item.subject_root != case.statement.root:
                continue  # it was copied from elsewhere: the check `evidence` says so
            if item.type == CONTROL_TYPE:
                shown.append((where, item.fields))
            elif item.type == COMMITMENT_TYPE:
                commitments.append(read_commitment(item.fields, where).sha256)
        for name, raw in self.disclosed:
            fields = read_disclosed(raw, commitments=frozenset(commitments), file=name)
            shown.append((name, fields))
        if not shown and not commitments:
            raise NoProofOfControl()
        if not shown:
            raise ProofsWithheld(sha256=", ".join(commitments))
        return shown


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


def _dated(coverage: Coverage, case: Case) -> str:
    """Not before when the proofs were made."""
    blocks = sorted(set(coverage.proved_at.values()), key=lambda block: block.height)
    if not blocks:
        return "no proof holds"
    return "not before " + " and ".join(_date(block, case) for block in blocks)


def _date(block: BlockRef, case: Case) -> str:
    period = case.statement.header.period
    if block == block_ref(period.until):
        return f"block {block.height} (the closing block, {period.until_mtp})"
    return f"block {block.height}"
