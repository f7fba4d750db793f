"""A statement in its office's log: what an office or a stranger might forge fails one check."""

from dataclasses import replace
from datetime import timedelta

import pytest

from khazana.cli.logged import LogChecks
from khazana.errors import KhazanaError
from khazana.reserve.reading import read_reserve_statement
from khazana.reserve.verify import Request, verify
from khazana.statement.checks import Profile, Verdict
from khazana.statement.envelope import Evidence, with_evidence, write_statement
from khazana.statement.log.checkpoint import cosign
from khazana.statement.log.entries import CorrectionEntry, StatementEntry, entry_bytes
from khazana.statement.log.files import CHECKPOINT, appended, new_log
from khazana.statement.log.inclusion import InclusionVerifier, inclusion_evidence, judge_inclusion
from khazana.statement.log.notes import Note, read_note
from khazana.statement.log.office_keys import (
    FEED_ROLE,
    WITNESS_ROLE,
    RoleNotUsable,
    cosigned_by,
    feed_keys,
    key_in_role,
    log_origin,
    read_office_checkpoint,
    witness_name,
)
from khazana.statement.office_file import Pin
from tests.accord.offices import FOREVER, office, private_key, rotated, statement_of
from tests.reserve.simulator import NOW
from tests.statement.log.folder import MemoryFolder

from khazana.bitcoin.descriptor_engines import best_engine  # isort: skip

LATER = NOW + timedelta(days=1)
WORLD, RAW = statement_of()
STATEMENT = read_reserve_statement(RAW).envelope
OFFICE, PARTNER = WORLD.identity, office("partner-office")
FIRST = private_key("drill-office feed 1")


def entry(root=STATEMENT.root, by=OFFICE, issued="2026-11-22T12:00:00Z"):
    return entry_bytes(StatementEntry(office=by.fingerprint, issued=issued, root=root))


def log_with(*entries, key=FIRST, by=OFFICE):
    log = new_log(MemoryFolder(), key, origin=log_origin(by.fingerprint))
    return appended(log, entries, key)


def note_of(log):
    return read_note(log.folder.files[CHECKPOINT])


OTHERS = [entry(root=f"{n:02x}" * 32) for n in range(6)]
LOG = log_with(*OTHERS, entry(), *OTHERS)


def evidence(log=LOG, index=6, note=None):
    return inclusion_evidence(STATEMENT, log, note or note_of(log), index)


def report(*items, pin=None, witnesses=(), pinned=True):
    raw = write_statement(with_evidence(STATEMENT, *items))
    pin = pin or (Pin(OFFICE.fingerprint) if pinned else None)
    return verify(
        Request(
            raw=raw,
            chain=WORLD.chain,
            engine=best_engine(),
            profile=Profile.FULL,
            now=LATER,
            pin=pin,
            verifiers=[InclusionVerifier()],
        ),
        more=[LogChecks(LATER, pin, witnesses)],
    )


def changed(item, **fields):
    return Evidence(item.type, item.subject_root, {**item.fields, **fields})


def cosigned(note, at=NOW, key="partner-office witness 1", by=PARTNER):
    line = cosign(note, private_key(key), name=witness_name(by.fingerprint), at=at)
    return Note(note.text, (*note.signatures, line))


def test_a_statement_in_the_log_passes_and_says_where():
    said = report(evidence())
    assert said.exit_status == 0
    assert said.result("evidence").verdict is Verdict.PASSED
    result = said.result("log")
    assert result.verdict is Verdict.PASSED
    assert "entry 6 of the log of drill-office (13 entries)" in result.summary
    assert "issued 2026-11-22T12:00:00Z" in result.summary


def test_a_witness_that_the_reader_asks_for_must_have_cosigned():
    item = evidence(note=cosigned(note_of(LOG)))
    good = report(item, witnesses=[PARTNER])
    assert good.exit_status == 0
    assert "cosigned by partner-office at 2026-11-22T12:00:00Z" in good.result("log").summary
    missing = report(evidence(), witnesses=[PARTNER])
    assert (missing.exit_status, missing.result("log").verdict) == (2, Verdict.NOT_CHECKABLE)
    nothing = report(witnesses=[PARTNER])
    assert nothing.exit_status == 2
    forged = cosigned(note_of(LOG), key="partner-office feed 1")
    assert report(evidence(note=forged), witnesses=[PARTNER]).exit_status == 2


def test_without_a_pin_nobody_vouches_for_the_log():
    said = report(evidence(), pinned=False).result("log")
    assert said.verdict is Verdict.NOT_CHECKABLE
    assert "nobody vouches" in said.summary


ELSEWHERE = log_with(*OTHERS, entry(), key=private_key("stranger"))
FOREIGN = log_with(entry(by=PARTNER), key=private_key("partner-office feed 1"), by=PARTNER)
FUTURE = log_with(entry(issued="2026-11-30T00:00:00Z"))


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (changed(evidence(), index=5), "path does not lead"),
        (changed(evidence(), proof=evidence().fields["proof"][:-1]), "path does not lead"),
        (changed(evidence(), entry={**evidence().fields["entry"], "root": "00" * 32}), "not one"),
        (
            changed(evidence(), entry={**evidence().fields["entry"], "kind": "identity"}),
            "unknown field",
        ),
        (changed(evidence(), checkpoint=note_of(log_with(*OTHERS)).to_bytes().decode()), "path"),
        (evidence(ELSEWHERE), "no feed key"),
        (evidence(FOREIGN, 0), "is by the office"),
        (evidence(FUTURE, 0), "in the future"),
    ],
)
def test_forged_evidence_fails_the_log_alone(item, said):
    result = report(item)
    assert result.failed == ("log",)
    assert said in result.result("log").summary


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"note": 1}, "unknown field"),
        ({"proof": ["00"]}, "proof"),
        ({"index": -1}, "index"),
        ({"checkpoint": "nothing"}, "empty line"),
        ({"proof": ["00" * 32] * 64}, "proof"),
    ],
)
def test_malformed_evidence_is_named(fields, said):
    result = report(changed(evidence(), **fields))
    assert set(result.failed) == {"evidence", "log"}
    assert said in result.result("evidence").summary


def test_evidence_is_not_made_for_another_entry():
    with pytest.raises(KhazanaError, match="entry 5 is not the one"):
        evidence(index=5)
    correction = CorrectionEntry(
        office=OFFICE.fingerprint, issued="2026-11-22T12:00:00Z", corrects=0, digest="00" * 32
    )
    with pytest.raises(KhazanaError, match="not the one"):
        evidence(log_with(OTHERS[0], entry_bytes(correction)), 1)


def test_a_key_that_left_keeps_its_checkpoints_and_a_revoked_one_loses_them():
    left = rotated(OFFICE, since=NOW + timedelta(hours=1))
    assert report(evidence(), pin=Pin(left.fingerprint, left)).exit_status == 0
    stolen = rotated(OFFICE, since=NOW + timedelta(hours=1), revoke=("feed 1",))
    result = report(evidence(), pin=Pin(stolen.fingerprint, stolen))
    assert result.failed == ("log",)
    assert "which the office revoked" in result.result("log").summary
    # The office signs the same tree again with its new key; the entry and its path stay.
    again = log_with(*OTHERS, entry(), *OTHERS, key=private_key("drill-office feed 2"))
    assert report(evidence(again), pin=Pin(stolen.fingerprint, stolen)).exit_status == 0


def test_a_live_checkpoint_needs_a_key_that_is_in_force_give_or_take_a_day():
    raw = note_of(LOG).to_bytes()
    since = NOW
    after = rotated(OFFICE, since=since)
    for at, good in ((since, True), (since + timedelta(hours=23), True), (LATER, False)):
        if good:
            assert read_office_checkpoint(raw, after, at=at)[0].size == 13
        else:
            with pytest.raises(KhazanaError, match="version 1 is not in force"):
                read_office_checkpoint(raw, after, at=at + timedelta(hours=1))
    new = log_with(*OTHERS, key=private_key("drill-office feed 2"))
    # A reader whose clock is behind by less than a day takes the new key already.
    early = since - timedelta(hours=20)
    assert read_office_checkpoint(note_of(new).to_bytes(), after, at=early)[0].size == 6
    with pytest.raises(KhazanaError, match="not in force"):
        read_office_checkpoint(note_of(new).to_bytes(), after, at=since - timedelta(days=2))
    with pytest.raises(RoleNotUsable, match="no key"):
        feed_keys(after, at=FOREVER + timedelta(days=1))


def test_a_cosignature_counts_under_the_version_in_force_at_its_time():
    note = note_of(LOG)
    after = rotated(PARTNER, since=NOW, feed=1, witness=2)
    old, new = "partner-office witness 1", "partner-office witness 2"
    hour = timedelta(hours=1)
    assert cosigned_by(cosigned(note, NOW - hour, old), after, now=LATER) == NOW - hour
    assert cosigned_by(cosigned(note, NOW + hour, old), after, now=LATER) is None
    assert cosigned_by(cosigned(note, NOW + hour, new), after, now=LATER) == NOW + hour
    with pytest.raises(KhazanaError, match="in the future"):
        cosigned_by(cosigned(note, LATER + timedelta(days=2), new), after, now=LATER)
    gone = rotated(PARTNER, since=NOW, feed=1, witness=2, revoke=("witness 1",))
    assert cosigned_by(cosigned(note, NOW - hour, old), gone, now=LATER) is None


def test_a_key_acts_only_in_its_role_and_time():
    feed, witness = private_key("drill-office feed 1"), private_key("drill-office witness 1")
    assert key_in_role(OFFICE, feed, FEED_ROLE, at=NOW).name == log_origin(OFFICE.fingerprint)
    assert key_in_role(OFFICE, witness, WITNESS_ROLE, at=NOW).type == 4
    for key, role, at in (
        (witness, FEED_ROLE, NOW),
        (feed, WITNESS_ROLE, NOW),
        (feed, FEED_ROLE, FOREVER),
    ):
        with pytest.raises(RoleNotUsable, match=r"office\.toml"):
            key_in_role(OFFICE, key, role, at=at)


def test_the_evidence_is_judged_without_any_file(tmp_path):
    logged = judge_inclusion(evidence(), STATEMENT, OFFICE, now=LATER)
    assert (logged.index, logged.size, logged.cosigned) == (6, 13, ())
    assert replace(logged, size=12) != logged
