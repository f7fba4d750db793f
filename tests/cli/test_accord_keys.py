"""Keys of a witness that are replaced, lost or stolen, and clocks that are wrong."""

from datetime import timedelta

import pytest

from khazana.accord.feed.paths import witness_path
from khazana.cli.clock import now
from khazana.cli.main import main
from khazana.statement.log.notes import read_note
from khazana.statement.log.office_keys import cosigned_by
from tests.accord.offices import rotated
from tests.cli.accord_desk import two_desks


@pytest.fixture
def desks(tmp_path, monkeypatch):
    """Two offices; the partner judged the other's five entries an hour ago."""
    drill, partner, blocks = two_desks(tmp_path)
    set_clocks(monkeypatch, now() - timedelta(hours=1))
    assert drill.publish("--new", drill.commitments(0, 4)) == 0
    assert partner.publish("--new") == 0
    assert partner.pull(drill) == 0
    assert partner.witness(drill, blocks) == 0
    set_clocks(monkeypatch, now())
    return drill, partner, blocks


def set_clocks(monkeypatch, at, *modules):
    for module in modules or ("accord_publish", "accord_witness", "accord_pull", "accord_show"):
        monkeypatch.setattr(f"khazana.cli.commands.{module}.now", lambda: at)


def cosigned(drill, partner):
    raw = (partner.feed / witness_path(drill.office.fingerprint)).read_bytes()
    return cosigned_by(read_note(raw), partner.office, now=None)


def next_version(desk, **more):
    desk.adopt(rotated(desk.office, since=now() - timedelta(minutes=1), feed=1, **more))


def test_a_witness_key_that_was_replaced_or_lost_signs_no_more_and_the_next_one_does(desks, capsys):
    """A key that is lost is replaced the same way: by the root keys, in the next version."""
    drill, partner, blocks = desks
    first = cosigned(drill, partner)
    next_version(partner, witness=2)
    assert partner.publish() == 0
    assert drill.publish(drill.commitments(4, 6)) == 0
    assert partner.pull(drill) == 0
    capsys.readouterr()
    assert partner.witness(drill, blocks) == 2
    assert "does not have that role in version 2" in capsys.readouterr().err
    assert cosigned(drill, partner) == first  # the old one still counts, at its time
    partner.witness_key = "witness 2"
    assert partner.witness(drill, blocks) == 0
    assert cosigned(drill, partner) > first
    assert drill.pull(partner, "--own", drill.feed) == 0
    assert "cosigned your log with 7 entries" in capsys.readouterr().out


def test_what_a_stolen_witness_key_signed_counts_for_nobody_and_is_signed_again(desks, capsys):
    drill, partner, blocks = desks
    assert drill.pull(partner, "--own", drill.feed) == 0
    index = partner.entries("verdict")[-1][0]
    next_version(partner, witness=2, revoke=("witness 1",))
    assert partner.publish() == 0
    assert cosigned(drill, partner) is None
    capsys.readouterr()
    shown = ["accord", "show", str(drill.feed), "--witness", str(partner.identity)]
    assert main(shown) == 0
    assert "not cosigned by partner-office" in capsys.readouterr().out
    assert main(["accord", "show", str(partner.feed)]) == 0
    line = next(
        each for each in capsys.readouterr().out.splitlines() if each.split()[:1] == [str(index)]
    )
    assert "its record is false: " in line
    assert "0 of the 1 signatures" in line
    partner.witness_key = "witness 2"
    assert partner.witness(drill, blocks) == 0
    assert cosigned(drill, partner) is not None
    assert drill.pull(partner, "--own", drill.feed) == 0
    capsys.readouterr()
    assert main(shown) == 0
    assert "\ncosigned by partner-office" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("ahead", "status", "said"),
    [
        (timedelta(hours=23), 0, ""),
        (timedelta(hours=25), 2, "this machine's clock says"),
    ],
)
def test_a_partners_clock_may_be_wrong_by_less_than_a_day(
    desks, monkeypatch, capsys, ahead, status, said
):
    drill, partner, blocks = desks
    assert drill.publish(drill.commitments(4, 6)) == 0
    assert partner.pull(drill) == 0
    at = now()
    set_clocks(monkeypatch, at + ahead)
    assert partner.witness(drill, blocks) == 0
    set_clocks(monkeypatch, at)
    capsys.readouterr()
    assert drill.pull(partner, "--own", drill.feed) == status
    assert said in capsys.readouterr().err


def test_entries_from_a_clock_that_is_far_ahead_are_contradicted(desks, monkeypatch, capsys):
    drill, partner, blocks = desks
    at = now()
    set_clocks(monkeypatch, at + timedelta(hours=25))
    assert drill.publish(drill.commitments(4, 5)) in (0, 2)
    size = drill.checkpoint().size
    set_clocks(monkeypatch, at)
    assert partner.pull(drill) == 0
    capsys.readouterr()
    assert partner.witness(drill, blocks) == 1
    assert f"entry {size - 1} contradicted: check entry failed" in capsys.readouterr().out
    assert partner.entries("verdict")[-1][1].finding == "contradicted"


def test_a_witness_whose_clock_went_back_signs_nothing(desks, monkeypatch, capsys):
    drill, partner, blocks = desks
    before = cosigned(drill, partner)
    assert drill.publish(drill.commitments(4, 6)) == 0
    assert partner.pull(drill) == 0
    set_clocks(monkeypatch, now() - timedelta(hours=2), "accord_witness")
    capsys.readouterr()
    assert partner.witness(drill, blocks) == 2
    assert "this machine's clock says" in capsys.readouterr().err.lower()
    assert cosigned(drill, partner) == before
