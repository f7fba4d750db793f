"""Faults that a dishonest office with valid keys could have used: each one closed."""

import pytest

from khazana.accord.feed.split_view import SplitViewRefused, split_between
from khazana.accord.feed.view import feed_view
from khazana.accord.feed.witnessing import next_cosignature
from khazana.ledger.canonical import canonical_bytes
from khazana.statement.log.entries import DisclosureEntry, StatementEntry, entry_bytes
from khazana.statement.log.errors import LogDamaged
from khazana.statement.log.files import CHECKPOINT, appended, new_log
from khazana.statement.log.notes import Note, NoteSignature, read_note
from khazana.statement.log.office_keys import cosigned_by, log_origin
from khazana.statement.log.office_log import open_office_log
from khazana.statement.log.tiles import WIDTH, bundle_bytes
from khazana.statement.office_file import write_office
from khazana.statement.tree import leaf_hash
from tests.accord.offices import AccordWorld
from tests.accord.test_feed_verdicts import OTHER, ROOT, head, judged
from tests.reserve.simulator import NOW
from tests.statement.log.folder import MemoryFolder

ONE, TWO = AccordWorld("drill-office"), AccordWorld("tidal-office")
TRUE = canonical_bytes({"root": OTHER})
DIGEST = "aa" * 32


@pytest.mark.parametrize("first", [OTHER, ROOT])
def test_a_true_document_of_one_statement_verifies_no_other(first):
    second = ROOT if first == OTHER else OTHER
    found = judged(
        *(
            entry
            for root in (first, second)
            for entry in (
                StatementEntry(**head(), root=root),
                DisclosureEntry(**head(), root=root, digest=DIGEST),
            )
        ),
        documents={DIGEST: TRUE},
    )
    told = {root: found[2 * n + 1].finding for n, root in enumerate((first, second))}
    assert told == {OTHER: "verified", ROOT: "contradicted"}


def log_of(folder, entries):
    log = new_log(folder, ONE.feed_key, origin=log_origin(ONE.identity.fingerprint))
    folder.files["office.json"] = write_office(ONE.identity)
    return appended(log, entries, ONE.feed_key)


def entry_of(root):
    issued = "2026-01-01T00:00:00Z"
    return entry_bytes(
        StatementEntry(office=ONE.identity.fingerprint, issued=issued, root=f"{root:064x}")
    )


def test_a_note_full_of_strangers_lines_does_not_stop_the_witness():
    folder = MemoryFolder()
    log = log_of(folder, [entry_of(1)])
    note = read_note(folder.files[CHECKPOINT])
    junk = tuple(NoteSignature(f"stranger-{n}", b"abcd", b"z" * 64) for n in range(63))
    full = read_note(Note(note.text, (*note.signatures, *junk)).to_bytes())
    cosigned = next_cosignature(
        ONE.identity, log, full, None, witness=TWO.identity, private=TWO.witness_key, now=NOW
    )
    again = read_note(cosigned.to_bytes())
    assert len(again.signatures) == 2
    assert cosigned_by(again, TWO.identity, now=NOW) == NOW


def exchanged(folder, entries):
    """The same checkpoint over tiles in which somebody without a key exchanged an entry."""
    log_of(folder, entries)
    forged = [*entries[:5], entry_of(0xFF), *entries[6:]]
    folder.files["tile/entries/000"] = bundle_bytes(forged[:WIDTH])
    folder.files["tile/0/000"] = b"".join(map(leaf_hash, forged[:WIDTH]))
    return folder


ENTRIES = [entry_of(number) for number in range(WIDTH + 44)]


def test_a_feed_whose_full_tiles_were_exchanged_is_refused():
    whole = MemoryFolder()
    log_of(whole, ENTRIES)
    assert feed_view(whole, now=NOW).entries[5].root == f"{5:064x}"
    with pytest.raises(LogDamaged):
        feed_view(exchanged(MemoryFolder(), ENTRIES), now=NOW)


def test_exchanged_tiles_neither_hide_nor_feign_a_split_view():
    folder = exchanged(MemoryFolder(), ENTRIES)
    log = open_office_log(folder, ONE.identity)
    older = MemoryFolder()
    log_of(older, ENTRIES[:200])
    with pytest.raises(SplitViewRefused, match="do not lead"):
        split_between(
            ONE.identity,
            read_note(older.files[CHECKPOINT]),
            newer=read_note(folder.files[CHECKPOINT]),
            tree=log.tree,
        )
