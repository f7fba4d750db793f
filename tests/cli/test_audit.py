"""`khazana audit`: the same statement from block files as from any other source."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from khazana.cli.main import main

pytest.importorskip("pbk", reason="the devnet extra is not installed")
pytest.importorskip("numba", reason="the office extra is not installed")

from khazana.bitcoin.address import script_of
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import TxOut
from khazana.devnet.network import Devnet
from khazana.units import Sats
from tests.bitcoin.block_file_writer import KEY, masked
from tests.cli.serving import served
from tests.cli.test_first_statement import ADDRESS, DAY, OTHER, START, write_office

SEED = "07" * 32


@pytest.fixture(scope="module")
def devnet(tmp_path_factory):
    """A purchase, an unexplained receipt, a payment out of the purchase, a stale branch."""
    devnet = Devnet(tmp_path_factory.mktemp("devnet") / "data")
    devnet.mine(110, time=START, spacing=DAY)
    bought = devnet.pay([TxOut(Sats(150_000_000), script_of(ADDRESS, REGTEST))])
    devnet.mine(time=START + 110 * DAY)
    devnet.pay([TxOut(Sats(5_000), script_of(OTHER, REGTEST))])
    devnet.mine(10, time=START + 111 * DAY, spacing=DAY)
    yield devnet, bought
    devnet.close()


@pytest.fixture(scope="module")
def folder(devnet, tmp_path_factory):
    """The devnet's own log of blocks is a block file in every respect but its name."""
    log = next(path for path in devnet[0].directory.rglob("*") if path.is_file() and is_log(path))
    content = log.read_bytes()
    target = tmp_path_factory.mktemp("node") / "blocks"
    target.mkdir()
    (target / "xor.dat").write_bytes(KEY)
    (target / "blk00000.dat").write_bytes(masked(content, KEY) + bytes(10_000))
    return target


def is_log(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == REGTEST.magic


@pytest.fixture(scope="module")
def office(devnet, tmp_path_factory):
    publics = ["11" * 32, "22" * 32, "33" * 32]
    return write_office(tmp_path_factory.mktemp("office"), publics, devnet[1])


def audit(office, folder, out, *more) -> int:
    words = ["audit", "--office", office, "--chain", f"blocks:{folder}", "--from", 0]
    return main(
        [str(w) for w in (*words, "--to", "tip-5", "--salt-seed", SEED, "--out", out, *more)]
    )


@pytest.fixture(scope="module")
def expected(devnet, office, tmp_path_factory) -> bytes:
    """The statement as it is made through an Esplora server."""
    out = tmp_path_factory.mktemp("esplora") / "statement.json"
    with served(devnet[0]) as url:
        words = ["statement", "make", "--office", office, "--chain", f"esplora:{url}", "--from", 0]
        words += ["--to", "tip-5", "--salt-seed", SEED, "--out", out]
        assert main([str(word) for word in words]) == 0
    return out.read_bytes()


@pytest.mark.parametrize(
    "more", [[], ["--full"], ["--threads", "1"], ["--full", "--threads", "3"]], ids=str
)
def test_an_audit_makes_the_same_bytes_as_any_other_source(
    office, folder, expected, tmp_path, capsys, more
):
    assert audit(office, folder, tmp_path / "statement.json", *more) == 0
    assert (tmp_path / "statement.json").read_bytes() == expected
    basis = capsys.readouterr().out
    assert ("every block read" if "--full" in more else "blocks with an answer") in basis


def test_a_statement_may_be_made_from_block_files_as_from_any_source(
    office, folder, expected, tmp_path
):
    out = tmp_path / "statement.json"
    words = ["statement", "make", "--office", office, "--chain", f"blocks:{folder}", "--from", 0]
    words += ["--to", "tip-5", "--salt-seed", SEED, "--out", out]
    assert main([str(word) for word in words]) == 0
    assert out.read_bytes() == expected


def test_the_closing_hash_names_the_chain(office, folder, devnet, expected, tmp_path):
    closing = json.loads(expected)
    until = find(closing, "until")
    words = ["audit", "--office", office, "--chain", f"blocks:{folder}", "--from", 0]
    words += ["--to", until["hash"], "--salt-seed", SEED, "--out", tmp_path / "statement.json"]
    assert main([str(word) for word in words]) == 0
    assert (tmp_path / "statement.json").read_bytes() == expected


def find(node, name):
    """The first value with this name in a JSON document."""
    if isinstance(node, dict):
        if name in node:
            return node[name]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            found = find(item, name)
            if found is not None:
                return found
    return None


def test_a_checkpoint_is_written_used_and_stays_with_its_owner(
    office, folder, expected, tmp_path, capsys
):
    kept = tmp_path / "checkpoint"
    for _ in range(2):
        assert audit(office, folder, tmp_path / "s.json", "--checkpoint", kept) == 0
        assert (tmp_path / "s.json").read_bytes() == expected
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.write_bytes(kept.read_bytes()[:-1])
    (tmp_path / "s.json").unlink()
    assert audit(office, folder, tmp_path / "s.json", "--checkpoint", kept) == 2
    assert "The checkpoint is not usable" in capsys.readouterr().err
    assert not (tmp_path / "s.json").exists()


def test_a_statement_verifies_against_block_files(office, folder, expected, tmp_path, capsys):
    statement = tmp_path / "statement.json"
    statement.write_bytes(expected)
    status = main(["verify", str(statement), "--chain", f"blocks:{folder}", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert status == 0, report
    assert "own blocks" in json.dumps(report)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--threads", "0"], "--threads needs a number from 1 on"),
        (["--chain", "core:somewhere"], "'core' is no kind of chain source"),
        (["--chain", "blocks:/nowhere/at/all"], "no such file"),
    ],
)
def test_what_cannot_be_audited_is_refused_with_the_reason(
    office, folder, tmp_path, capsys, more, words
):
    assert audit(office, folder, tmp_path / "s.json", *more) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_nothing_behind(office, folder, tmp_path):
    """A process of its own is interrupted while it reads; it ends, and no file is there."""
    program = """
import sys
from khazana.bitcoin.blockfiles import compiled, walk
import khazana.cli.commands.audit as audit
def slow(question):
    print("reading", flush=True)
    while True:
        question.progress(1, 2)
audit.walk_with = lambda threads: slow
from khazana.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
    words = ["audit", "--office", office, "--chain", f"blocks:{folder}", "--from", "0"]
    words += ["--to", "tip-5", "--out", tmp_path / "s.json", "--checkpoint", tmp_path / "kept"]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "reading\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "nothing was left half-written" in errors
    assert list(tmp_path.iterdir()) == []
