"""Two offices that publish, copy, witness and judge each other, as commands between folders."""

import shutil

import pytest

from khazana.cli.main import main
from tests.cli.accord_desk import two_desks
from tests.reserve.simulator import BTC, rerooted, script


def declared(desk, wallet, *, amount=5 * BTC):
    """A wallet with a coin, and the honest statement over it."""
    world = desk.world
    world.wallet(wallet, entity="treasury")
    world.perimeter("all", *[w.id for w in world.wallets])
    start = world.mine(2)
    world.fund(script(wallet), amount)
    end = world.mine(3)
    world.mine(8)
    return world.made(start, end).statement


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The story that several tests read: statements on both sides, one of them false."""
    folder = tmp_path_factory.mktemp("accord")
    drill, partner, blocks = two_desks(folder)
    honest = declared(drill, "fund")
    theirs = declared(partner, "treasury")

    def lie(parts):
        coins = parts["coins/fund"]["closing"]
        coins[0]["amount"] += BTC

    false = rerooted(honest, lie)
    from tests.bitcoin.block_file_writer import write_blocks

    write_blocks(blocks, drill.world.chain.blocks)
    honest_file = drill.write("honest.json", drill.world.signed(honest))
    false_file = drill.write("false.json", drill.world.signed(false))
    theirs_file = partner.write("theirs.json", partner.world.signed(theirs))
    return drill, partner, blocks, honest_file, false_file, theirs_file


def test_the_happy_path_ends_in_verified_verdicts_and_cosigned_logs(told, capsys, tmp_path):
    drill, partner, blocks, honest, _, theirs = told
    assert drill.publish("--new", honest) == 0
    assert "3 new entries" in capsys.readouterr().out
    assert drill.publish(honest) == 0
    assert "0 new entries, 3 known before" in capsys.readouterr().out
    assert partner.publish("--new", theirs) == 0
    assert partner.pull(drill) == 0
    assert "3 new entries, 3 in all; 1 documents fetched, 0 not served" in capsys.readouterr().out
    assert partner.witness(drill, blocks) == 0
    said = capsys.readouterr().out
    assert "cosigned the log of drill-office with 3 entries" in said
    assert "3 verdicts at block" in said
    assert "3 verified, 0 contradicted" in said
    assert "test network, invented figures" in said
    assert [e.finding for _, e in partner.entries("verdict")] == ["verified"] * 3
    # Again: nothing new is said.
    assert partner.pull(drill) == 0
    assert partner.witness(drill, blocks) == 0
    assert "unchanged and cosigned" in capsys.readouterr().out
    # The first office takes the cosignature, attaches it, and a stranger verifies it.
    assert drill.pull(partner, "--own", drill.feed) == 0
    assert "partner-office cosigned your log with 3 entries" in capsys.readouterr().out
    out = tmp_path / "attached.json"
    words = ["accord", "attach", honest, "--feed", drill.feed, "--identity", drill.identity]
    assert main([str(w) for w in [*words, "--out", out]]) == 0
    capsys.readouterr()
    words = ["verify", out, "--chain", f"blocks:{blocks}", "--office", drill.identity]
    assert main([str(w) for w in [*words, "--witness", partner.identity]]) == 0
    assert "cosigned by partner-office" in capsys.readouterr().out
    assert main(["accord", "show", str(partner.feed), "--whole"]) == 0
    shown = capsys.readouterr().out
    assert "verified: entry 0 of khazana.log/" in shown
    assert "every tile and entry gives the root" in shown
