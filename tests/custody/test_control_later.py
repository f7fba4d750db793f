"""Recovery paths in the judgement of control: a grade of their own, with what they wait for."""

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.simulated import SimulatedChain
from khazana.custody.closing import Closing
from khazana.custody.collect import collect
from khazana.custody.control import judge_control
from khazana.custody.control_evidence import CONTROL_TYPE
from khazana.custody.coverage import COLUMNS, ControlGrade, Coverage
from khazana.custody.judging import About
from tests.custody.test_campaign import BLOCK, MESSAGE
from tests.custody.test_campaign_paths import LEAVES, RECOVERY, back, campaign


def judged(*planned_and_signers) -> Coverage:
    """The coverage that proofs of these campaigns, signed by these people, amount to."""
    evidence, coins = [], []
    for planned, signers in planned_and_signers:
        done = collect(planned, back(planned, *signers))
        assert done.complete
        proofs = [{"script": s.round.script.hex(), "proof": s.proof} for s in done.rounds]
        coins = planned.closing.coins
        fields = {
            "type": CONTROL_TYPE,
            "subject_root": MESSAGE.root,
            "message": MESSAGE.text,
            "block": {"height": BLOCK.height, "hash": BLOCK.hash},
            "proofs": proofs,
        }
        evidence.append((f"$[{len(evidence)}]", fields))
    about = About(
        root=MESSAGE.root,
        office=MESSAGE.office,
        network=REGTEST,
        test=True,
        closing=Closing(BLOCK, coins),
        made_at=BLOCK.height,
    )
    return judge_control(evidence, about, chain=SimulatedChain())


def dated(block: BlockRef) -> str:
    return f"block {block.height}"


def test_a_recovery_path_is_a_lower_grade_that_says_what_it_waits_for():
    for descriptor in (RECOVERY, LEAVES):
        found = judged((campaign(descriptor, recovery=1), ("dara",)))
        assert found.findings == ()
        assert set(found.grades.values()) == {ControlGrade.LATER}
        assert not found.complete()
        assert found.complete(ControlGrade.LATER)
        assert all("valid for coins 52560 blocks old" in note for note in found.notes)
        rows = found.table(dated)
        assert len(rows[0]) == len(COLUMNS)
        assert rows[0] == ("script-level, after a wait", "2000000", "100.0 %", "2", "block 120")
        assert rows[-1][1:4] == ("2000000", "100.0 %", "2")


def test_the_quorums_own_proof_counts_before_its_recovery_path():
    quorum = (campaign(RECOVERY), ("anna", "cia"))
    recovery = (campaign(RECOVERY, recovery=1), ("dara",))
    for order in ((quorum, recovery), (recovery, quorum)):
        found = judged(*order)
        assert set(found.grades.values()) == {ControlGrade.SCRIPT}
        assert found.complete()


def test_the_same_recovery_proof_twice_is_reused():
    recovery = (campaign(RECOVERY, recovery=1), ("dara",))
    assert {finding.rule for finding in judged(recovery, recovery).findings} == {"C4"}
