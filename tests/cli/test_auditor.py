"""`khazana auditor`: what a stranger, an auditor and a reader of opinions type."""

import json

import pytest

from khazana.cli.main import main
from khazana.reserve.auditing.announcement import write_announcement
from khazana.reserve.auditing.papers import write_papers
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.envelope import with_evidence, write_statement
from khazana.statement.keys import private_key_to_pem
from khazana.statement.opinions import opinion_evidence, read_signed_opinion, write_opinion
from tests.reserve.auditing.archive import AUDITOR, STATEMENT, announced, files, opinion_on
from tests.reserve.simulator import keys
from tests.reserve.world import story


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr("khazana.cli.chains.open_chain", lambda source: story().world.chain)
    (tmp_path / "statement.json").write_bytes(story().second)
    (tmp_path / "announcement.json").write_bytes(write_announcement(announced()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_stranger_draws_the_same_sample_with_one_command(folder, capsys):
    words = ["auditor", "sample", "announcement.json", "--chain", "esplora:x", "--out", "mine.json"]
    assert main([*words, "--statement", "statement.json"]) == 0
    assert (folder / "mine.json").read_bytes() == files()["samples/1.json"]
    said = capsys.readouterr().out
    assert f"drawn by block {story().end}" in said
    assert "test network, invented figures" in said
    (folder / "population.json").write_bytes(files()["populations/1.json"])
    assert main([*words, "--population", "population.json"]) == 0
    assert capsys.readouterr().out == said
    assert main(words) == 2
    assert "--population FILE" in capsys.readouterr().err


def test_another_statement_than_the_announced_draws_nothing(folder, capsys):
    (folder / "statement.json").write_bytes(story().first)
    words = ["auditor", "sample", "announcement.json", "--chain", "esplora:x"]
    assert main([*words, "--statement", "statement.json"]) == 2
    assert "it changed, and nothing is drawn" in " ".join(capsys.readouterr().err.split())


def test_a_sample_is_announced_for_a_block_to_come_and_not_for_one_that_is_there(folder, capsys):
    tip = story().world.chain.tip().height
    words = ["auditor", "announce", "statement.json", "--chain", "esplora:x", "--of", "coins"]
    words += ["--size", "2", "--by", "anna", "--out", "new.json", "--height"]
    assert main([*words, str(tip)]) == 2
    assert "draws nothing" in " ".join(capsys.readouterr().err.split())
    assert not (folder / "new.json").exists()
    assert main([*words, str(tip + 1)]) == 0
    assert f"drawn by block {tip + 1}" in capsys.readouterr().out
    draw = ["auditor", "sample", "new.json", "--chain", "esplora:x", "--statement"]
    assert main([*draw, "statement.json"]) == 2
    assert "6 deep" in " ".join(capsys.readouterr().err.split())


def test_papers_are_checked_and_a_change_is_named(folder, capsys):
    (folder / "papers.tar").write_bytes(write_papers(files()))
    assert main(["auditor", "papers", "papers.tar", "--chain", "esplora:x"]) == 0
    said = capsys.readouterr().out
    assert said.count("passed") == 8
    assert "FAILED" not in said
    changed = {**files(), "opinion.json": opinion_on(STATEMENT.root, keys("other", 1)[0])[1]}
    (folder / "papers.tar").write_bytes(write_papers(changed))
    assert main(["auditor", "papers", "papers.tar", "--json"]) == 1
    told = {each["what"]: each["problem"] for each in json.loads(capsys.readouterr().out)}
    assert [what for what, problem in told.items() if problem] == ["opinion"]
    (folder / "papers.tar").write_bytes(write_papers(files())[:-600])
    assert main(["auditor", "papers", "papers.tar"]) == 2


def test_an_opinion_is_signed_and_verify_names_it_and_holds_it_to_the_pinned_key(folder, capsys):
    opinion, _ = opinion_on(STATEMENT.root)
    (folder / "key").write_bytes(private_key_to_pem(AUDITOR))
    (folder / "opinion.json").write_bytes(write_opinion(opinion) + b"\n")
    sign = ["auditor", "sign", "opinion.json", "--key", "key", "--out", "signed.json"]
    assert main(sign) == 0
    assert f"signed by key {opinion.key}" in capsys.readouterr().out
    _, envelope = read_signed_opinion((folder / "signed.json").read_bytes())
    bare = read_reserve_statement(story().second).envelope
    carried = with_evidence(bare, opinion_evidence(bare, envelope))
    (folder / "statement.json").write_bytes(write_statement(carried))

    words = ["verify", "statement.json", "--chain", "esplora:x", "--json"]
    assert main(words) == 0
    assert evidence(capsys)["verdict"] == "not checkable"
    assert main([*words, "--auditor", opinion.key]) == 0
    known = evidence(capsys)
    assert known["verdict"] == "passed"
    assert main([*words, "--auditor", "00" * 32]) == 2
    assert "carries no opinion" in capsys.readouterr().err
    assert main([*words, "--auditor", "anna"]) == 2


def evidence(capsys):
    checks = json.loads(capsys.readouterr().out)["checks"]
    return next(each for each in checks if each["name"] == "evidence")


def test_another_key_signs_nothing(folder, capsys):
    opinion, _ = opinion_on(STATEMENT.root)
    (folder / "key").write_bytes(private_key_to_pem(keys("other", 1)[0]))
    (folder / "opinion.json").write_bytes(write_opinion(opinion) + b"\n")
    sign = ["auditor", "sign", "opinion.json", "--key", "key", "--out", "signed.json"]
    assert main(sign) == 2
    assert "this one is another" in " ".join(capsys.readouterr().err.split())
    assert not (folder / "signed.json").exists()
