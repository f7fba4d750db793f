"""From two offices' feeds to the status of what they promised each other."""

from dataclasses import replace
from datetime import timedelta

import pytest

from khazana.accord.agreement.evidence import shown_by
from khazana.accord.agreement.shipped import shipped_agreement
from khazana.accord.agreement.status import Finding, Status, standings
from khazana.accord.feed.view import EntryShown, FeedView, VerdictShown
from tests.accord.offices import office
from tests.reserve.simulator import NOW

ONE, TWO, THIRD = office("drill-office"), office("tidal-office"), office("third-office")
LETTER = shipped_agreement("letter_of_intent")
AGREEMENT = replace(
    LETTER,
    parties=(
        replace(LETTER.parties[0], office=ONE.fingerprint),
        replace(LETTER.parties[1], office=TWO.fingerprint),
    ),
    commitments=tuple(
        replace(
            each,
            since=NOW.date() - timedelta(days=10),
            due=NOW.date() + timedelta(days=10),
            proof=replace(each.proof, count=2),
        )
        for each in LETTER.commitments
    ),
)


def view(of, *kinds, verdicts=()):
    entries = [
        EntryShown(
            index=n,
            issued=NOW - timedelta(hours=50 - n),
            kind=kind,
            root=None,
            leaf=leaf_of(of, n),
        )
        for n, kind in enumerate(kinds)
    ]
    return FeedView(office=of, log=None, entries=tuple(entries), verdicts=tuple(verdicts))


def leaf_of(of, number):
    return f"{of.id} {number}"


def verdict(index, of, on, finding="verified", entry=None):
    return VerdictShown(
        index=index,
        log=f"khazana.log/{of.fingerprint}",
        on=on,
        entry=entry or leaf_of(of, on),
        finding=finding,
        basis="own blocks",
        reason="",
        failed=(),
        height=1,
        block=None,
        signed_at=NOW,
    )


def status(agreement, views):
    found = standings(agreement, shown_by(agreement, views), now=NOW)
    return {each.commitment.id: each.status for each in found}


HAPPY = [
    view(ONE, "statement", "statement", "verdict", "verdict",
         verdicts=[verdict(2, TWO, 0), verdict(3, TWO, 1)]),
    view(TWO, "statement", "statement", "verdict", "verdict",
         verdicts=[verdict(2, ONE, 0), verdict(3, ONE, 1)]),
]  # fmt: skip


def test_both_keep_their_promises_when_each_verifies_the_other():
    assert set(status(AGREEMENT, HAPPY).values()) == {Status.FULFILLED}


def test_without_the_partners_feed_nothing_is_kept():
    assert set(status(AGREEMENT, HAPPY[:1]).values()) == {Status.OPEN}


def test_an_office_cannot_verify_itself():
    alone = view(ONE, "statement", "statement", verdicts=[verdict(2, ONE, 0), verdict(3, ONE, 1)])
    found = status(AGREEMENT, [alone, view(TWO)])
    assert found["pakistan-statements"] is Status.OPEN
    assert found["pakistan-verdicts"] is Status.OPEN


def test_a_verdict_whose_record_is_not_signed_proves_nothing():
    unsigned = [replace(HAPPY[0], verdicts=()), HAPPY[1]]
    assert status(AGREEMENT, unsigned)["pakistan-verdicts"] is Status.OPEN


@pytest.mark.parametrize("later", ["verified", "not-checkable"])
def test_one_office_that_contradicts_is_not_outvoted_by_another(later):
    third = view(THIRD, verdicts=[verdict(0, ONE, 0, later), verdict(1, ONE, 1, later)])
    accused = replace(HAPPY[1], verdicts=(verdict(2, ONE, 0, "contradicted"), verdict(3, ONE, 1)))
    for views in ([HAPPY[0], accused, third], [third, HAPPY[0], accused]):
        assert status(AGREEMENT, views)["pakistan-statements"] is Status.CONTRADICTED


def test_an_office_may_take_its_own_contradiction_back():
    again = (verdict(2, ONE, 0, "contradicted"), verdict(3, ONE, 1), verdict(4, ONE, 0))
    views = [HAPPY[0], replace(HAPPY[1], verdicts=again)]
    assert status(AGREEMENT, views)["pakistan-statements"] is Status.FULFILLED


def test_a_stranger_is_no_party():
    shown = shown_by(AGREEMENT, [*HAPPY, view(THIRD, "statement")])
    assert {each.by for each in shown} == {"pakistan", "el-salvador"}
    assert all(each.finding is Finding.VERIFIED for each in shown)


def test_a_verdict_on_another_log_of_the_same_office_proves_nothing_here():
    other = [verdict(2, ONE, 0, entry="other"), verdict(3, ONE, 1, entry="other")]
    views = [HAPPY[0], replace(HAPPY[1], verdicts=tuple(other))]
    assert status(AGREEMENT, views)["pakistan-statements"] is Status.OPEN
