"""Judges all proofs of control of a statement: which closing coins are proved, how and when."""

from collections.abc import Iterable, Mapping
from typing import Any

from khazana.bitcoin.address import address_of
from khazana.bitcoin.bip322.verdict import State, Verdict
from khazana.bitcoin.bip322.verify import Consensus, verify
from khazana.bitcoin.chain import ChainView
from khazana.custody.control_evidence import (
    COSIGNED_TYPE,
    MOVED_TYPE,
    ProofFile,
    read_control,
)
from khazana.custody.cosigners import judge_cosigned
from khazana.custody.coverage import ControlGrade, Coverage
from khazana.custody.judging import About, Judging
from khazana.custody.message import ControlMessage
from khazana.custody.moves import judge_moved, moved_words
from khazana.statement.errors import StatementMalformed


def judge_control(
    evidence: Iterable[tuple[str, Mapping[str, Any]]],
    about: About,
    *,
    chain: ChainView,
    consensus: Consensus | None = None,
) -> Coverage:
    """Judge every proof of a statement.

    evidence: (place in the file, fields) of each `khazana.control/1`, `khazana.control-messages/1`
    and `khazana.control-move/1`. A script that is proved is proved for all its closing coins. A
    proof that cannot be judged counts as none; one that is false is a finding.
    """
    judging = Judging(about, chain, consensus)
    for where, fields in evidence:
        if fields.get("type") == COSIGNED_TYPE:
            judge_cosigned(judging, fields, where)
        elif fields.get("type") == MOVED_TYPE:
            judge_moved(judging, fields, where)
        else:
            _judge_proofs(judging, fields, where)
    if judging.moved:
        judging.notes.append(moved_words(judging.moved, judging))
    return judging.coverage()


def _judge_proofs(judging: Judging, fields: Mapping[str, Any], where: str) -> None:
    try:
        file = read_control(fields, where)
    except StatementMalformed as wrong:
        judging.wrong("C1", wrong.problem, wrong.path)
        return
    stated = (file.block.height, file.block.hash)
    said = judging.message(file.message, subject_root=file.subject_root, stated=stated, where=where)
    if said is not None:
        for row, proof in enumerate(file.proofs):
            _proof(judging, said, proof, f"{where}.proofs[{row}]")


def _proof(judging: Judging, said: ControlMessage, proof: ProofFile, where: str) -> None:
    about = judging.about
    script = bytes.fromhex(proof.script)
    if not judging.is_new(proof.proof, where):
        return
    if isinstance(proof.address, str) and proof.address != address_of(script, about.network):
        judging.wrong("C1", "the address is not that of the script", f"{where}.address")
        return
    if script not in about.by_script:
        judging.wrong("C5", "its script held no closing coin", where)
        return
    verdict = verify(
        proof.proof,
        script=script,
        message=said.text.encode(),
        coins=about.known,
        consensus=judging.consensus,
    )
    if verdict.state is State.INVALID:
        reasons = ", ".join(dict.fromkeys(p.reason.value for p in verdict.problems))
        judging.wrong("C6", f"{verdict} [{reasons}]", where)
        return
    if verdict.state is State.INCONCLUSIVE:
        judging.doubt(str(verdict), where)
        return
    claimed = [str(coin.outpoint) for coin in verdict.coins]
    if claimed != (proof.coins if isinstance(proof.coins, list) else []):
        judging.wrong("C1", "the coins listed are not those the proof claims", f"{where}.coins")
        return
    _count(judging, said, verdict, where)


def _count(judging: Judging, said: ControlMessage, verdict: Verdict, where: str) -> None:
    grade = ControlGrade.SCRIPT
    if verdict.state is State.VALID_AT:
        grade = ControlGrade.LATER
        judging.notes.append(f"{where} is {verdict.waits}")
    for each in verdict.inputs:
        if each.spent is not None:
            judging.count(judging.about.by_script[each.spent.script], grade, said.block)
