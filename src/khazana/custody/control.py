"""How much of a statement's closing coins is proved: by value, by address, with grade and date."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from khazana.bitcoin.address import address_of
from khazana.bitcoin.bip322.verdict import State, Verdict
from khazana.bitcoin.bip322.verify import Consensus, verify
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.network import Network
from khazana.bitcoin.transaction import OutPoint
from khazana.custody.closing import Closing
from khazana.custody.control_evidence import ControlFile, ProofFile, read_control
from khazana.custody.message import control_message, read_message
from khazana.ledger.findings import Finding
from khazana.statement.errors import StatementMalformed
from khazana.units import Height


class ControlGrade(Enum):
    """How a closing coin is proved; best first."""

    SCRIPT = "script-level (BIP-322)"
    """Enough of the keys signed the message for the coin's own script."""
    LATER = "script-level, after a wait"
    """The same, for whoever waits until a time or age: the coin could not be moved so at once."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class About:
    """What the proofs must be about."""

    root: str
    office: str
    network: Network
    test: bool
    closing: Closing


@dataclass(frozen=True, slots=True)
class Coverage:
    """grades: of each closing coin. proved_at: the block that the newest of its proofs names.

    doubts: proofs that could not be judged, which count as none.
    """

    closing: Closing
    grades: Mapping[OutPoint, ControlGrade]
    proved_at: Mapping[OutPoint, BlockRef]
    findings: tuple[Finding, ...]
    doubts: tuple[str, ...]

    def value(self, grade: ControlGrade) -> int:
        """Satoshis proved at a grade."""
        return sum(c.amount for c in self.closing.coins if self.grades[c.outpoint] is grade)

    def addresses(self, grade: ControlGrade) -> int:
        """Scripts all of whose coins are proved at this grade."""
        by_script: dict[bytes, set[ControlGrade]] = {}
        for coin in self.closing.coins:
            by_script.setdefault(coin.script, set()).add(self.grades[coin.outpoint])
        return sum(1 for grades in by_script.values() if grades == {grade})

    @property
    def complete(self) -> bool:
        return all(grade is ControlGrade.SCRIPT for grade in self.grades.values())

    @property
    def words(self) -> str:
        """The figures in one line."""
        total, scripts = self.closing.total, len(self.closing.scripts)
        said = []
        for grade in ControlGrade:
            value, addresses = self.value(grade), self.addresses(grade)
            if value or grade is ControlGrade.SCRIPT:
                share = f" ({_percent(value, total)})" if total else ""
                said.append(
                    f"{grade.value}: {value} of {total} sat{share}, "
                    f"{addresses} of {scripts} addresses"
                )
        return "; ".join(said)


@dataclass(slots=True)
class _Judging:
    about: About
    block_at: Callable[[Height], BlockRef]
    consensus: Consensus | None
    findings: list[Finding] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    grades: dict[bytes, ControlGrade] = field(default_factory=dict)
    proved_at: dict[bytes, BlockRef] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)

    def wrong(self, rule: str, text: str, where: str) -> None:
        self.findings.append(Finding(rule, text, where))


def judge_control(
    evidence: Iterable[tuple[str, Mapping[str, Any]]],
    about: About,
    *,
    block_at: Callable[[Height], BlockRef],
    consensus: Consensus | None = None,
) -> Coverage:
    """Judge all proofs of a statement.

    evidence: (place in the file, fields) of each `khazana.control/1`. block_at: the best chain's.
    A script that is proved is proved for all its closing coins. A proof that cannot be judged
    counts as none; one that is false is a finding.
    """
    judging = _Judging(about, block_at, consensus)
    for where, fields in evidence:
        try:
            file = read_control(fields, where)
        except StatementMalformed as wrong:
            judging.wrong("C1", wrong.problem, wrong.path)
            continue
        if _message(judging, file, where):
            for row, proof in enumerate(file.proofs):
                _proof(judging, file, proof, f"{where}.proofs[{row}]")
    coins = about.closing.coins
    return Coverage(
        about.closing,
        {c.outpoint: judging.grades.get(c.script, ControlGrade.NONE) for c in coins},
        {c.outpoint: judging.proved_at[c.script] for c in coins if c.script in judging.proved_at},
        tuple(judging.findings),
        tuple(judging.doubts),
    )


def _message(judging: _Judging, file: ControlFile, where: str) -> bool:
    """Whether the message is this statement's, of a block at or after its closing block."""
    about, before = judging.about, len(judging.findings)
    said = read_message(file.message)
    place = f"{where}.message"
    if said is None:
        judging.wrong("C1", "the message is not one about a statement", place)
        return False
    if said.root != about.root or file.subject_root != about.root:
        judging.wrong("C2", f"wrong root: the message is about {said.root}", place)
    named = control_message(
        office=about.office,
        network=about.network,
        test=about.test,
        root=said.root,
        block=said.block,
    )
    if said != named:
        judging.wrong("C2", "the message names another office or network", place)
    if (said.block.height, said.block.hash) != (file.block.height, file.block.hash):
        judging.wrong("C1", "the block stated is not the one in the message", f"{where}.block")
    closing = about.closing.block
    if said.block.height < closing.height:
        text = f"signed for block {said.block.height}, before the closing block {closing.height}"
        judging.wrong("C3", text, place)
    elif said.block.height == closing.height:
        if said.block.hash != closing.hash:
            judging.wrong("C3", "its block is not the closing block of this chain", place)
    elif judging.block_at(said.block.height) != said.block:
        judging.wrong("C3", f"block {said.block} is not in the best chain", place)
    return len(judging.findings) == before


def _proof(judging: _Judging, file: ControlFile, proof: ProofFile, where: str) -> None:
    about = judging.about
    script = bytes.fromhex(proof.script)
    if proof.proof in judging.seen:
        judging.wrong("C4", f"the proof is reused, it stands at {judging.seen[proof.proof]}", where)
        return
    judging.seen[proof.proof] = where
    if isinstance(proof.address, str) and proof.address != address_of(script, about.network):
        judging.wrong("C1", "the address is not that of the script", f"{where}.address")
        return
    if script not in about.closing.scripts:
        judging.wrong("C5", "its script held no closing coin", where)
        return
    verdict = verify(
        proof.proof,
        script=script,
        message=file.message.encode(),
        coins=about.closing.known,
        consensus=judging.consensus,
    )
    claimed = [str(coin.outpoint) for coin in verdict.coins]
    if verdict.state is State.INVALID:
        reasons = ", ".join(dict.fromkeys(p.reason.value for p in verdict.problems))
        judging.wrong("C6", f"{verdict} [{reasons}]", where)
        return
    if verdict.state is State.INCONCLUSIVE:
        judging.doubts.append(f"{where}: {verdict}")
        return
    if claimed != (proof.coins if isinstance(proof.coins, list) else []):
        judging.wrong("C1", "the coins listed are not those the proof claims", f"{where}.coins")
        return
    _count(judging, file, verdict)


def _count(judging: _Judging, file: ControlFile, verdict: Verdict) -> None:
    grade = ControlGrade.SCRIPT if verdict.state is State.VALID else ControlGrade.LATER
    said = read_message(file.message)
    for each in verdict.inputs:
        if each.spent is None or said is None:
            continue
        script = each.spent.script
        if judging.grades.get(script) is not ControlGrade.SCRIPT:
            judging.grades[script] = grade
        known = judging.proved_at.get(script)
        if known is None or known.height < said.block.height:
            judging.proved_at[script] = said.block


def _percent(part: int, whole: int) -> str:
    """Rounded down, so that less than all never reads as 100 %."""
    tenths = part * 1000 // whole
    return f"{tenths // 10}.{tenths % 10} %"
