"""`khazana mining stamps` and `khazana mining sites`: what they print, and what they refuse."""

import hashlib
import json

import pytest

from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.cli.commands import mining_stamps
from khazana.cli.main import main
from khazana.mining.evidence.seals import write_seals
from khazana.statement.timestamps.format import read_proof, write_proof
from khazana.statement.timestamps.make import promised
from khazana.units import Sats, Txid
from tests.cli.mining_story import Story
from tests.mining.metering import file_of, honest, seals_of

FEBRUARY = 1_769_990_400  # 2026-02-02


@pytest.fixture
def seals(tmp_path):
    path = tmp_path / "seals.csv"
    path.write_bytes(write_seals(seals_of(file_of(honest(31)))))
    return path


def run(*words) -> int:
    return main(["mining", "stamps", *map(str, words)])


@pytest.fixture
def stamped(seals, tmp_path, monkeypatch, capsys):
    """The document, the transaction that carries its hash, and the chain they are in."""
    document = tmp_path / "2026-01.txt"
    assert run("document", "--seals", seals, "--month", "2026-01", "--out", document) == 0
    digest = hashlib.sha256(document.read_bytes()).digest()
    assert digest.hex() in capsys.readouterr().out
    spent = TxIn(OutPoint(Txid("11" * 32), 0), b"", 0xFFFFFFFF)
    carrier = Transaction(2, (spent,), (TxOut(Sats(0), b"\x6a\x20" + digest),), 0)
    chain = SimulatedChain()
    chain.add_block([carrier], time=FEBRUARY)
    chain.add_block()
    monkeypatch.setattr(mining_stamps, "chain_of", lambda args: chain)
    return carrier.txid


def test_a_stamp_is_made_from_a_transaction_and_checked(seals, stamped, tmp_path, capsys):
    out = tmp_path / "2026-01.ots"
    common = ("--seals", seals, "--month", "2026-01", "--chain", "core:x")
    assert run("make", *common, "--txid", stamped, "--block", "1", "--out", out) == 0
    assert read_proof(out.read_bytes()).digest
    capsys.readouterr()
    assert run("check", out, *common) == 0
    said = capsys.readouterr().out
    assert said.startswith("test network, invented figures\n")
    assert "the seals of 2026-01 existed when block 1 was found, 2026-02-02" in said


def test_a_stamp_over_changed_seals_fails(seals, stamped, tmp_path, capsys):
    out = tmp_path / "2026-01.ots"
    common = ("--seals", seals, "--month", "2026-01", "--chain", "core:x")
    assert run("make", *common, "--txid", stamped, "--block", "1", "--out", out) == 0
    lines = seals.read_bytes().splitlines(keepends=True)
    seals.write_bytes(b"".join(lines[:-2]))
    assert run("check", out, *common) == 1
    assert "E28" in capsys.readouterr().out


def test_a_stamp_that_waits_proves_nothing_yet(seals, stamped, tmp_path, capsys):
    document = (tmp_path / "2026-01.txt").read_bytes()
    out = tmp_path / "waiting.ots"
    waiting = promised(hashlib.sha256(document).digest(), "https://calendar.example")
    out.write_bytes(write_proof(waiting))
    assert run("check", out, "--seals", seals, "--month", "2026-01", "--chain", "core:x") == 2
    assert "nothing is proved yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--month", "2026-13", "--txid", "ab" * 32, "--block", "1"), "is not a month"),
        (("--month", "2026-01", "--txid", "xyz", "--block", "1"), "--txid is 64"),
        (("--month", "2026-01", "--txid", "ab" * 32, "--block", "1"), "finds no transaction"),
        (("--month", "2026-02", "--txid", None, "--block", "1"), "0 times"),
    ],
)
def test_a_stamp_that_cannot_be_made_is_refused_and_nothing_is_written(
    seals, stamped, tmp_path, capsys, words, said
):
    out = tmp_path / "never.ots"
    filled = [stamped if word is None else word for word in words]
    assert run("make", "--seals", seals, *filled, "--chain", "core:x", "--out", out) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_a_month_without_seals_has_no_document(seals, tmp_path, capsys):
    out = tmp_path / "none.txt"
    assert run("document", "--seals", seals, "--month", "2025-01", "--out", out) == 2
    assert "no day of 2025-01 is sealed" in capsys.readouterr().err
    assert not out.exists()


def test_the_sites_of_a_statement_are_shown_with_a_limit_beside_every_ok(tmp_path, capsys):
    told = Story()
    file = tmp_path / "statement.json"
    file.write_bytes(told.world.signed(told.made()))
    assert main(["mining", "sites", "show", str(file)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("test network, invented figures\n")
    assert "SIMULATED: mainnet's difficulty is replayed" in said
    assert "no shortfall beyond the limit. Seen nine times in ten" in said
    assert "a shortfall of 4.46 % would have been seen nine times in ten" in said
    assert main(["mining", "sites", "show", str(file), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["notice"] == "test network, invented figures"
    (month,) = document["sites"][0]["months"]
    assert month["mwh"] == "7440"
    assert month["verdict"] == "within"
    assert month["detection_percent"] == "4.46"


def test_a_statement_without_sites_says_so(tmp_path, capsys):
    told = Story()
    world = told.world
    file = tmp_path / "statement.json"
    file.write_bytes(world.signed(world.made(told.opening, told.end).statement))
    assert main(["mining", "sites", "show", str(file)]) == 0
    assert "It speaks of no mining site." in capsys.readouterr().out
