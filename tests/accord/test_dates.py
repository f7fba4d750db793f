"""Since when a wallet was promised: only what somebody else saw counts against the office."""

from datetime import timedelta

from khazana.accord.feed.dates import promised_in
from khazana.statement.log.checkpoint import cosign
from khazana.statement.log.entries import CommitmentEntry, entry_bytes
from khazana.statement.log.files import CHECKPOINT, appended, new_log
from khazana.statement.log.notes import Note, read_note
from khazana.statement.log.office_keys import log_origin, witness_name
from khazana.statement.times import write_instant
from tests.accord.offices import office, private_key
from tests.reserve.simulator import NOW
from tests.statement.log.folder import MemoryFolder

OFFICE, WITNESS = office("drill-office"), office("partner-office")
FEED = private_key("drill-office feed 1")
DAY = timedelta(days=1)


def entry(number, at=NOW):
    head = {"office": OFFICE.fingerprint, "issued": write_instant(at)}
    return entry_bytes(CommitmentEntry(**head, digest=f"{number:064x}"))


def note_of(log, at=None):
    note = read_note(log.folder.files[CHECKPOINT])
    if at is None:
        return note
    key = private_key("partner-office witness 1")
    line = cosign(note, key, name=witness_name(WITNESS.fingerprint), at=at)
    return Note(note.text, (*note.signatures, line))


def test_a_promise_dates_from_the_first_cosigned_checkpoint_that_has_it():
    log = new_log(MemoryFolder(), FEED, origin=log_origin(OFFICE.fingerprint))
    log = appended(log, [entry(1)], FEED)
    early = note_of(log, NOW - 2 * DAY)
    log = appended(log, [b"noise", entry(2), entry(1, NOW + DAY)], FEED)
    late = note_of(log, NOW)
    found = promised_in(
        log,
        OFFICE,
        [f"{n:064x}" for n in (1, 2, 3)],
        notes=[late, early],
        witnesses=[WITNESS],
        now=NOW + DAY,
    )
    one, two = found[f"{1:064x}"], found[f"{2:064x}"]
    assert (one.index, one.issued, one.no_later_than) == (0, NOW, NOW - 2 * DAY)
    assert (two.index, two.no_later_than) == (2, NOW)
    assert f"{3:064x}" not in found


def test_a_promise_that_nobody_saw_or_that_was_seen_in_another_log_is_the_offices_word():
    origin = log_origin(OFFICE.fingerprint)
    log = appended(new_log(MemoryFolder(), FEED, origin=origin), [entry(1)], FEED)
    other = appended(new_log(MemoryFolder(), FEED, origin=origin), [entry(9)], FEED)
    ahead = appended(other, [entry(1)], FEED)
    for notes in ([], [note_of(log)], [note_of(other, NOW)], [note_of(ahead, NOW)]):
        found = promised_in(
            log, OFFICE, [f"{1:064x}"], notes=notes, witnesses=[WITNESS], now=NOW + DAY
        )
        assert found[f"{1:064x}"].no_later_than is None
