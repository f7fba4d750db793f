"""An agreement as an office publishes it: read whole or refused, logged, judged by the partner."""

import json
from datetime import timedelta

import pytest

from khazana.accord.agreement.published import published_in
from khazana.accord.agreement.signed import (
    SignedAgreementRefused,
    read_signed_agreement,
    signed_agreement,
)
from khazana.accord.feed.errors import PublicationRefused
from khazana.accord.feed.paths import digest_of, document_path
from khazana.accord.feed.publication import publication_of
from khazana.accord.feed.verdicts import EntryJudge
from khazana.ledger.canonical import canonical_bytes
from khazana.statement.errors import SignatureRefused
from khazana.statement.log.entries import AgreementEntry, entry_bytes
from khazana.statement.log.files import appended, new_log
from khazana.statement.log.office_keys import log_origin
from khazana.statement.times import write_instant
from tests.accord.letters import MINUTES, amended, letter, signed
from tests.accord.offices import office, private_key
from tests.reserve.simulator import NOW
from tests.statement.log.folder import MemoryFolder

OFFICE, PARTNER = office("drill-office"), office("partner-office")
FEED = private_key("drill-office feed 1")
FIRST = letter(OFFICE, PARTNER)
SECOND = amended(FIRST)
DAY = NOW - timedelta(days=1)


def ours(text=FIRST, **more):
    return signed(text, "pakistan", OFFICE, at=DAY, **more)


def empty_log():
    return new_log(MemoryFolder(), FEED, origin=log_origin(OFFICE.fingerprint))


def published(log, *files):
    """The files published one after another, as the command does it."""
    for file in files:
        raw = file.to_bytes()
        found = publication_of(raw, OFFICE, now=NOW, log=log)
        log.folder.write(document_path(digest_of(raw)), raw)
        log = appended(log, [entry_bytes(each) for each in found.entries], FEED)
    return log


def judged(log, documents=None):
    def document(digest):
        return log.folder.read(document_path(digest), most=1 << 22)

    judge = EntryJudge(
        office=OFFICE, log=log, documents=documents or document, statement=None, now=NOW
    )
    return [found for _, _, found in judge.verdicts(0, skip=frozenset())]


def test_the_file_is_read_back_as_it_was_written():
    file = ours(SECOND, minutes=(MINUTES,))
    again = read_signed_agreement(file.to_bytes())
    assert again == file
    assert again.agreement.version == 2
    assert again.minutes_of(again.agreement.visits[0].minutes) == MINUTES
    assert again.minutes_of("00" * 32) is None


def test_signatures_of_enough_keys_bind_the_office_and_no_other():
    assert ours().bound(OFFICE, now=NOW).party == "pakistan"
    with pytest.raises(SignatureRefused, match="1 key"):
        ours(by=1).bound(OFFICE, now=NOW)
    with pytest.raises(SignatureRefused, match="was not given"):
        ours().bound(PARTNER, now=NOW)


def test_both_parties_signatures_may_stand_in_one_file():
    theirs = signed(FIRST, "el-salvador", PARTNER, at=DAY)
    both = signed_agreement(FIRST, (*theirs.envelopes, *ours().envelopes))
    assert both.bound(OFFICE, now=NOW).party == "pakistan"
    assert both.bound(PARTNER, now=NOW).party == "el-salvador"


def test_an_agreement_of_another_network_binds_nobody():
    with pytest.raises(SignatureRefused, match="same network"):
        ours(FIRST.replace("test = true", "test = false")).bound(OFFICE, now=NOW)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d.pop("minutes"), "minutes"),
        (lambda d: d.update(more=1), "more"),
        (lambda d: d.update(format="khazana.signed-agreement/2"), "format"),
        (lambda d: d.update(signatures=[]), "signatures"),
        (lambda d: d.update(text=d["text"].replace("version = 1", "version = 0")), "version"),
        (lambda d: d.update(minutes=["Never held."]), "belong to none of its visits"),
        (lambda d: d["signatures"][0].pop("payload"), "payload"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_refused_with_its_problem(change, problem):
    document = json.loads(ours().to_bytes())
    change(document)
    with pytest.raises(SignedAgreementRefused, match=problem):
        read_signed_agreement(canonical_bytes(document) + b"\n")


def test_another_spelling_of_the_same_file_is_refused():
    with pytest.raises(SignedAgreementRefused, match="canonical"):
        read_signed_agreement(ours().to_bytes() + b"\n")


def test_versions_are_published_in_order_and_verified_by_the_partner():
    log = published(empty_log(), ours(), ours(SECOND, minutes=(MINUTES,)))
    found = judged(log)
    assert [each.finding for each in found] == ["verified", "verified"]
    assert "signed for pakistan by 2 keys" in found[0].reason
    shown = list(published_in(log.folder, log, OFFICE, now=NOW))
    assert [(each.index, each.signed.agreement.version) for each in shown] == [(0, 1), (1, 2)]


def test_a_version_whose_predecessor_is_not_in_the_log_is_not_published():
    with pytest.raises(PublicationRefused, match="publish that one first"):
        published(empty_log(), ours(SECOND))


def test_an_agreement_that_the_office_did_not_sign_is_not_published():
    with pytest.raises(SignatureRefused):
        published(empty_log(), signed(FIRST, "el-salvador", PARTNER, at=DAY))


def logged(file, **changes):
    """An entry that the office should never have made, and its document."""
    raw = file.to_bytes()
    said = {"agreement": file.agreement.digest, "version": file.agreement.version, **changes}
    head = {"office": OFFICE.fingerprint, "issued": write_instant(DAY)}
    log = empty_log()
    log.folder.write(document_path(digest_of(raw)), raw)
    entry = AgreementEntry(**head, digest=digest_of(raw), **said)
    return appended(log, [entry_bytes(entry)], FEED)


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (logged(ours(), version=2), "the log says version 2"),
        (logged(ours(), agreement="00" * 32), "with hash 0000"),
        (logged(ours(by=1)), "1 key"),
        (logged(signed(FIRST, "el-salvador", PARTNER, at=DAY)), "was not given"),
        (logged(ours(SECOND)), "no earlier entry has version 1"),
    ],
)
def test_a_false_entry_is_contradicted_and_shows_nothing(log, reason):
    (found,) = judged(log)
    assert found.finding == "contradicted"
    assert reason in found.reason
    if "earlier" not in reason:
        assert list(published_in(log.folder, log, OFFICE, now=NOW)) == []


def test_an_agreement_that_is_not_served_cannot_be_checked():
    (found,) = judged(logged(ours()), documents=lambda digest: None)
    assert found.finding == "not-checkable"
