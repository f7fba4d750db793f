"""Two offices through 1,000 entries each: killed, rotated, rewritten, split; lies are caught."""

import os
import random
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest

from khazana.accord.feed.split_view import read_split_view
from khazana.cli.clock import now
from khazana.cli.log_folder import DiskFolder
from khazana.cli.main import main
from khazana.statement.log.checkpoint import checkpoint_of
from khazana.statement.log.entries import VerdictEntry
from khazana.statement.log.files import appended, new_log, verify_whole
from khazana.statement.log.notes import read_note
from khazana.statement.log.office_keys import log_origin
from khazana.statement.log.office_log import entries_from
from khazana.statement.office_file import write_office
from tests.accord.offices import private_key, rotated
from tests.cli.accord_desk import killed_after, two_desks

ENTRIES = 1000
BATCH = 250
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
"""Where there is such a place: what survives a kill does not depend on the disk."""


@pytest.fixture(scope="module")
def desks():
    """Both offices after 1,000 entries each, killed again and again while they publish."""
    with tempfile.TemporaryDirectory(prefix="accord-", dir=MEMORY) as folder:
        yield published(Path(folder))


@pytest.fixture
def tmp_path():
    """A folder beside those of the offices."""
    with tempfile.TemporaryDirectory(prefix="accord-", dir=MEMORY) as folder:
        yield Path(folder)


def published(folder):
    drill, partner, blocks = two_desks(folder)
    chance, killed = random.Random(1000), 0
    for desk in (drill, partner):
        assert desk.publish("--new") == 0
        for start in range(1, ENTRIES, BATCH):
            record = desk.commitments(start, min(start + BATCH, ENTRIES))
            words, size = desk.publish_words(record), desk.checkpoint().size
            for _ in range(2):
                killed += killed_after(words, chance.uniform(0.03, 0.12))
                after = desk.checkpoint().size
                assert after in (size, start - 1 + min(BATCH, ENTRIES - start) + 1)
            assert desk.publish(record) == 0
        assert desk.checkpoint().size == ENTRIES
    assert killed >= 4
    return drill, partner, blocks


def test_a_thousand_entries_are_witnessed_by_processes_that_are_killed(desks):
    drill, partner, blocks = desks
    chance, killed = random.Random(7), 0
    for us, them in ((partner, drill), (drill, partner)):
        size = them.checkpoint().size
        for _ in range(4):
            killed += killed_after(us.pull_words(them), chance.uniform(0.05, 0.2))
            assert us.copied(them) in (None, them.checkpoint())
        assert us.pull(them) == 0
        assert us.copied(them) == them.checkpoint()
        begun = us.checkpoint()
        for _ in range(4):
            killed += killed_after(us.witness_words(them, blocks), chance.uniform(0.1, 0.4))
            assert us.log().tree.root(begun.size) == begun.root
        assert us.witness(them, blocks) == 0
        verdicts = [entry for _, entry in us.entries("verdict")]
        judged = [i for i, e in them.entries() if i < size and not isinstance(e, VerdictEntry)]
        assert [entry.index for entry in verdicts] == judged
        assert {entry.finding for entry in verdicts} == {"verified", "not-checkable"}
        verify_whole(us.log())
    assert killed >= 8
    # The second witnessed verdicts of the first as entries, and judged none of them.
    assert drill.copied(partner).size == 2 * ENTRIES
    seen = (drill.feed / "witness" / partner.office.fingerprint).read_bytes()
    assert checkpoint_of(read_note(seen)).size == 2 * ENTRIES


def test_a_rotated_key_signs_on_and_the_old_one_no_more(desks, capsys):
    drill, partner, blocks = desks
    assert partner.pull(drill) == 0
    size, before = drill.checkpoint().size, drill.office
    drill.adopt(rotated(drill.office, since=now() - timedelta(days=2), feed=2, witness=2))
    assert drill.publish() == 2
    assert "does not have that role in version 2" in capsys.readouterr().err
    drill.feed_key, drill.witness_key = "feed 2", "witness 2"
    assert drill.publish(drill.commitments(5000, 5010)) == 0
    assert drill.checkpoint().size == size + 11  # and the identity's second version
    assert partner.pull(drill) == 0
    assert partner.witness(drill, blocks) == 0
    assert partner.entries("verdict")[-1][1].finding == "verified"
    # Whoever serves the old identity again tries to bring old keys back.
    old = drill.root / "old-feed"
    shutil.copytree(drill.feed, old)
    (old / "office.json").write_bytes(write_office(before))
    capsys.readouterr()
    assert partner.pull(drill, source=old) == 2
    assert "an old file is being shown" in capsys.readouterr().err
    # And whoever signs with the key that left is not heard.
    later = forged(drill, drill.root / "stolen", drill.checkpoint().size, 1, key="feed 1")
    assert later.checkpoint.size == drill.checkpoint().size + 1
    assert partner.pull(drill, source=drill.root / "stolen") == 2
    assert "whose version 1 is not in force" in capsys.readouterr().err


def test_a_revoked_key_needs_a_look_before_the_log_goes_on(desks, capsys):
    drill, partner, _ = desks
    before = drill.office
    drill.adopt(rotated(before, since=now() - timedelta(days=1, hours=1), feed=1, witness=2))
    # Version 3 went back to feed key 1; now it is stolen.
    drill.feed_key = "feed 1"
    assert drill.publish() == 0
    stolen = rotated(
        drill.office, since=now() - timedelta(hours=1), feed=2, witness=2, revoke=("feed 1",)
    )
    drill.adopt(stolen)
    drill.feed_key = "feed 2"
    capsys.readouterr()
    assert drill.publish() == 2
    assert "compare with your partner's copy, then say --resign" in capsys.readouterr().err
    assert drill.publish("--resign") == 0
    assert partner.pull(drill) == 0
    assert partner.copied(drill) == drill.checkpoint()


def forged(desk, folder, keep, more, key="feed 2"):
    """The office's log again, but only as far as `keep`, and then other entries."""
    kept = [raw for index, raw in entries_from(desk.log()) if index < keep]
    shutil.copytree(desk.feed, folder, ignore=shutil.ignore_patterns("tile", "checkpoint"))
    private = private_key(f"{desk.world.name} {key}")
    log = new_log(DiskFolder(folder), private, origin=log_origin(desk.office.fingerprint))
    other = [kept[-1].replace(b"0", b"1", 3)] * more
    return appended(log, [*kept, *other], private)


@pytest.mark.parametrize(("fewer", "more"), [(10, 30), (10, 10), (500, 3), (1, 1)])
def test_a_rewritten_log_is_caught_and_the_proof_convinces_a_third_party(
    desks, tmp_path, capsys, fewer, more
):
    drill, partner, blocks = desks
    assert partner.pull(drill) == 0
    assert partner.witness(drill, blocks) == 0
    seen = partner.copied(drill)
    log = forged(drill, tmp_path / "forged", seen.size - fewer, more)
    proof = tmp_path / "proof.json"
    capsys.readouterr()
    assert partner.pull(drill, "--proof", proof, source=tmp_path / "forged") == 1
    said = capsys.readouterr().out
    assert "drill-office signed two logs that contradict each other" in said
    assert partner.copied(drill) == seen
    split = read_split_view(proof.read_bytes())
    sizes = {checkpoint_of(note).size for note in (split.older, split.newer)}
    assert sizes == {seen.size, log.checkpoint.size}
    assert main(["accord", "show", str(proof)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("PROVED: drill-office signed two logs")
    assert "test network, invented figures" in shown
    changed = proof.read_bytes().replace(b'"beginning":"', b'"beginning":"00', 1)
    proof.write_bytes(changed)
    assert main(["accord", "show", str(proof)]) == 1
    assert "proves nothing" in capsys.readouterr().out


def test_an_earlier_state_of_the_same_log_is_no_proof_and_changes_nothing(desks, tmp_path, capsys):
    drill, partner, _ = desks
    assert partner.pull(drill) == 0
    seen = partner.copied(drill)
    forged(drill, tmp_path / "backup", seen.size - 5, 0)
    assert partner.pull(drill, source=tmp_path / "backup") == 2
    assert "an old copy is being served" in capsys.readouterr().err
    assert partner.copied(drill) == seen


def test_a_split_view_is_found_by_two_who_compare(desks, tmp_path, capsys):
    drill, partner, blocks = desks
    assert partner.pull(drill) == 0
    assert partner.witness(drill, blocks) == 0
    seen = partner.copied(drill)
    forged(drill, tmp_path / "shown-to-others", seen.size - 4, 9)
    third = tmp_path / "third"
    words = ["accord", "pull", str(tmp_path / "shown-to-others"), "--mirror", str(third)]
    assert main([*words, "--office", drill.office.fingerprint]) == 0
    for one, other in (
        (partner.mirror(drill), third),
        (third, partner.mirror(drill)),
        (third, partner.mirror(drill) / "checkpoint"),
        (third, partner.feed / "witness" / drill.office.fingerprint),
    ):
        proof = tmp_path / "proof.json"
        words = ["accord", "compare", str(one), str(other), "--proof", str(proof)]
        assert main(words) == 1
        assert main(["accord", "show", str(proof)]) == 0
        proof.unlink()
    same = ["accord", "compare", str(partner.mirror(drill)), str(drill.feed), "--proof", "none"]
    assert main(same) == 0
    assert "one log" in capsys.readouterr().out
    assert not Path("none").exists()


def test_a_partner_that_was_down_for_a_month_catches_up(desks, capsys, monkeypatch):
    drill, partner, blocks = desks
    month = now() + timedelta(days=31)
    for module in ("accord_publish", "accord_witness", "accord_pull"):
        monkeypatch.setattr(f"khazana.cli.commands.{module}.now", lambda: month)
    assert partner.pull(drill) == 0
    behind = partner.copied(drill).size
    assert drill.publish(drill.commitments(6000, 6300)) == 0
    assert drill.publish(drill.commitments(6300, 6600)) == 0
    assert partner.pull(drill) == 0
    assert "600 new entries" in capsys.readouterr().out
    assert partner.witness(drill, blocks) == 0
    assert partner.entries("verdict")[-1][1].index == behind + 599
    # Nothing new for another day: the cosignature is renewed, so that it shows somebody looks.
    later = month + timedelta(days=1)
    monkeypatch.setattr("khazana.cli.commands.accord_witness.now", lambda: later)
    capsys.readouterr()
    assert partner.witness(drill, blocks) == 0
    assert "cosigned the log of drill-office" in capsys.readouterr().out
