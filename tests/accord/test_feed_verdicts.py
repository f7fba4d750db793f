"""Verdicts on entries that an office should never have logged, and records nobody should count."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from khazana.accord.feed.errors import FeedRefused, RecordRefused
from khazana.accord.feed.records import (
    BlockFile,
    CommitmentsRecord,
    FailedFile,
    SignedRecord,
    VerdictRecord,
    read_record,
    require_signed,
    said_by,
    sign_record,
)
from khazana.accord.feed.verdicts import EntryJudge, Judged, judged_report, verdict_record
from khazana.ledger.canonical import canonical_bytes
from khazana.statement.checks import (
    CheckResult,
    Profile,
    Report,
    ReportLine,
    Verdict,
)
from khazana.statement.log.entries import (
    CommitmentEntry,
    CorrectionEntry,
    DisclosureEntry,
    IdentityEntry,
    StatementEntry,
    VerdictEntry,
    entry_bytes,
)
from khazana.statement.log.files import appended, new_log
from khazana.statement.log.office_keys import log_origin
from khazana.statement.times import write_instant
from tests.accord.offices import office, private_key
from tests.reserve.simulator import NOW
from tests.statement.log.folder import MemoryFolder

OFFICE, PARTNER = office("drill-office"), office("partner-office")
FEED, WITNESS = private_key("drill-office feed 1"), private_key("partner-office witness 1")
ROOT, OTHER = "11" * 32, "22" * 32


def head(at=NOW, by=OFFICE):
    return {"office": by.fingerprint, "issued": write_instant(at)}


def report(*results):
    lines = tuple(ReportLine(title=r.name, required=True, result=r) for r in results)
    return Report(profile=Profile.ADDRESSES, subject=None, lines=lines)


def said(verdict, name="closing_coins", summary="said"):
    return CheckResult(name=name, verdict=verdict, basis="own blocks (x)", summary=summary)


GOOD = report(said(Verdict.PASSED))


def judged(*entries, documents=None, statement=lambda raw: GOOD, now=NOW):
    log = new_log(MemoryFolder(), FEED, origin=log_origin(OFFICE.fingerprint))
    raw = [each if isinstance(each, bytes) else entry_bytes(each) for each in entries]
    log = appended(log, raw, FEED)
    judge = EntryJudge(
        office=OFFICE, log=log, documents=(documents or {}).get, statement=statement, now=now
    )
    return {index: found for index, _, found in judge.verdicts(0, skip=frozenset())}


EARLY, LATE = NOW - timedelta(seconds=1), NOW + timedelta(days=1, seconds=1)


@pytest.mark.parametrize(
    ("entry", "check", "text"),
    [
        (b"hello", "entry", "starts no value"),
        (b"{}", "entry", "refused"),
        (CommitmentEntry(**head(by=PARTNER), digest=ROOT), "entry", "names the office"),
        (CommitmentEntry(**head(EARLY), digest=ROOT), "entry", "before the entry before it"),
        (CommitmentEntry(**head(LATE), digest=ROOT), "entry", "in the future"),
        (CorrectionEntry(**head(), corrects=7, digest=ROOT), "entry", "a later one"),
        (IdentityEntry(**head(), version=1, digest=ROOT), "identity", "office.json has"),
        (DisclosureEntry(**head(), root=ROOT, digest="aa" * 32), "disclosure", "is not"),
        (CorrectionEntry(**head(), corrects=0, digest="bb" * 32), "correction", "refused"),
    ],
)
def test_a_false_entry_is_contradicted_by_the_check_it_fails(entry, check, text):
    first = CommitmentEntry(**head(), digest=OTHER)
    documents = {"aa" * 32: canonical_bytes({"root": OTHER}), "bb" * 32: b"{}"}
    found = judged(first, entry, documents=documents)
    assert found[0].finding == "not-checkable"
    assert found[1].finding == "contradicted"
    assert found[1].failed[0].check == check
    assert text in found[1].failed[0].text


def test_the_entries_after_a_false_one_are_judged_by_themselves():
    found = judged(
        CommitmentEntry(**head(), digest=OTHER),
        b"noise",
        CommitmentEntry(**head(EARLY), digest=ROOT),
        IdentityEntry(**head(), version=1, digest=OFFICE.newest.digest),
        IdentityEntry(**head(), version=2, digest=ROOT),
    )
    findings = [each.finding for each in found.values()]
    assert findings == [
        "not-checkable",
        "contradicted",
        "contradicted",
        "verified",
        "not-checkable",
    ]


def test_a_statement_is_what_its_disclosures_show_and_each_is_verified_once():
    asked = []

    def statement(raw):
        asked.append(raw)
        return report(said(Verdict.FAILED)) if b"false" in raw else GOOD

    true, false = (canonical_bytes({"root": ROOT, "is": word}) for word in ("true", "false"))
    logged = [
        StatementEntry(**head(), root=ROOT),
        DisclosureEntry(**head(), root=ROOT, digest="01" * 32),
    ]
    more = DisclosureEntry(**head(), root=ROOT, digest="02" * 32)
    documents = {"01" * 32: true, "02" * 32: false}
    found = judged(*logged, documents=documents, statement=statement)
    assert [each.finding for each in found.values()] == ["verified", "verified"]
    assert len(asked) == 1
    found = judged(*logged, more, documents=documents, statement=statement)
    assert [f.finding for f in found.values()] == ["contradicted", "verified", "contradicted"]
    found = judged(*logged, more, documents={}, statement=statement)
    assert {each.finding for each in found.values()} == {"not-checkable"}
    assert judged(logged[0])[0].reason == "the log names no disclosure of it"


def test_a_document_with_other_bytes_than_its_digest_is_contradicted():
    def documents(digest):
        raise FeedRefused(path=f"documents/{digest}", problem="its bytes have another digest")

    log = new_log(MemoryFolder(), FEED, origin=log_origin(OFFICE.fingerprint))
    entry = entry_bytes(DisclosureEntry(**head(), root=ROOT, digest=OTHER))
    judge = EntryJudge(
        office=OFFICE,
        log=appended(log, [entry], FEED),
        documents=documents,
        statement=lambda raw: GOOD,
        now=NOW,
    )
    assert [j.finding for _, _, j in judge.verdicts(0, skip=frozenset())] == ["contradicted"]


def test_a_verdict_gets_no_verdict_which_would_never_end():
    entry = VerdictEntry(**head(), log="x", index=0, finding="verified", digest=ROOT)
    assert judged(entry) == {}


def test_a_report_becomes_a_verdict_with_its_basis_and_figures():
    good = judged_report(GOOD)
    assert (good.finding, good.basis) == ("verified", "own blocks (x)")
    open_ = judged_report(report(said(Verdict.NOT_CHECKABLE, summary="no chain")))
    assert (open_.finding, open_.reason) == ("not-checkable", "closing_coins: no chain")
    wrong = judged_report(report(said(Verdict.FAILED, summary="claimed 6, found 5")))
    assert wrong.finding == "contradicted"
    assert wrong.failed == (FailedFile(check="closing_coins", text="claimed 6, found 5", where=""),)


def test_foreign_words_that_would_change_what_stands_before_them_can_be_signed():
    mark = "\u0338 overlay"  # composes with the "=" or ">" before it
    long = said(Verdict.FAILED, name="x", summary="a" * 3998 + "=" + mark)
    found = judged_report(report(long, said(Verdict.FAILED, summary=mark)))
    record = verdict(found)
    assert read_record(sign_record(record, WITNESS).to_bytes()).record == record


def verdict(found, **changes):
    record = verdict_record(
        found,
        witness=PARTNER,
        at=NOW,
        origin=log_origin(OFFICE.fingerprint),
        index=3,
        entry=b"entry",
        block=None,
    )
    return msgspec.structs.replace(record, **changes)


HOLDS = Judged(finding="verified", basis="own blocks", reason="all held")


def test_a_verdict_comes_back_and_counts():
    signed = sign_record(verdict(HOLDS), WITNESS)
    again = read_record(signed.to_bytes())
    assert again == signed
    assert require_signed(again, PARTNER, now=NOW) == NOW


@pytest.mark.parametrize(
    ("changes", "key", "problem"),
    [
        ({}, "partner-office feed 1", "0 of the 1 signatures of role witness"),
        ({}, "stranger", "0 of the 1 signatures"),
        ({"office": OFFICE.fingerprint}, "partner-office witness 1", "is said by the office"),
        ({"identity_version": 2}, "partner-office witness 1", "was not in force"),
        ({"test": False}, "partner-office witness 1", "test flag"),
        ({"signed_at": write_instant(LATE)}, "partner-office witness 1", "in the future"),
    ],
)
def test_a_record_that_nobody_should_count_is_refused(changes, key, problem):
    signed = sign_record(verdict(HOLDS, **changes), private_key(key))
    with pytest.raises(RecordRefused, match=problem):
        require_signed(signed, PARTNER, now=NOW)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"{", b"{ ", "canonical form"),
        (b"}\n", b"}", "canonical form"),
        (b"record+json", b"root+json", "no record"),
        (b'"payload":"', b'"payload":"AAAA', "refused"),
        (b"payloadType", b"payloadKind", "payload"),
    ],
)
def test_a_record_in_other_words_is_refused(old, new, problem):
    raw = sign_record(verdict(HOLDS), WITNESS).to_bytes()
    with pytest.raises(RecordRefused, match=problem):
        read_record(raw.replace(old, new, 1))


def test_a_changed_record_does_not_keep_its_signature():
    signed = sign_record(verdict(HOLDS), WITNESS)
    other = sign_record(verdict(HOLDS, index=4), private_key("stranger"))
    forged = SignedRecord(
        other.record, replace(other.envelope, signatures=signed.envelope.signatures)
    )
    with pytest.raises(RecordRefused, match="was not made by that key"):
        require_signed(read_record(forged.to_bytes()), PARTNER, now=NOW)


def test_a_contradiction_names_a_check_and_nothing_else_does():
    failed = (FailedFile(check="balance", text="off by 1", where=""),)
    with pytest.raises(ValueError, match="names the checks"):
        verdict(Judged(finding="contradicted", basis="b", reason="r"))
    with pytest.raises(ValueError, match="names the checks"):
        verdict(Judged(finding="verified", basis="b", reason="r", failed=failed))
    with pytest.raises(RecordRefused, match="length"):
        sign_record(CommitmentsRecord(**said_by(PARTNER, at=NOW), commitments=()), private_key("x"))
    assert isinstance(verdict(HOLDS), VerdictRecord)


def test_what_was_judged_before_is_not_judged_again():
    """A partner's entries from long ago must not cost a verification in every run."""
    asked = []
    folder = MemoryFolder()
    log = new_log(folder, FEED, origin=log_origin(OFFICE.fingerprint))
    entries = [DisclosureEntry(**head(), root=ROOT, digest=f"{n:064x}") for n in range(4)]
    log = appended(log, [entry_bytes(each) for each in entries], FEED)
    judge = EntryJudge(
        office=OFFICE,
        log=log,
        documents=asked.append,
        statement=lambda raw: report(said(Verdict.PASSED)),
        now=NOW,
    )
    found = [index for index, _, _ in judge.verdicts(0, skip=frozenset({0, 1, 3}))]
    assert found == [2]
    assert asked == [f"{2:064x}"]


@pytest.mark.parametrize(
    ("where", "text"),
    [("reason", "a\x00b"), ("basis", "\x1b[2J"), ("reason", "a\x9bb"), ("reason", "x" * 4001)],
)
def test_text_that_databases_and_terminals_refuse_is_in_no_record(where, text):
    record = verdict_record(
        HOLDS, witness=PARTNER, at=NOW, origin="log", index=0, entry=b"x", block=None
    )
    changed = msgspec.structs.replace(record, **{where: text})
    with pytest.raises(RecordRefused):
        sign_record(changed, WITNESS)


def test_a_block_beyond_what_any_chain_reaches_is_in_no_record():
    record = verdict_record(
        HOLDS,
        witness=PARTNER,
        at=NOW,
        origin="log",
        index=0,
        entry=b"x",
        block=BlockFile(height=2**31, hash="00" * 32),
    )
    with pytest.raises(RecordRefused):
        sign_record(record, WITNESS)
