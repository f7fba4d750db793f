"""Sealed proofs in the demo: their hash for the public, themselves for one auditor."""

from dataclasses import replace
from importlib.util import find_spec

import pytest

from khazana.cli.demo import auditor
from khazana.cli.main import main
from khazana.custody.control_evidence import COMMITMENT_TYPE, CONTROL_TYPE
from khazana.statement.checks import Profile


def test_without_the_programs_library_nothing_is_sealed_and_one_line_says_so(
    played, tmp_path, monkeypatch
):
    monkeypatch.setattr(auditor, "find_spec", lambda name: None)
    told = played.statement("el-salvador/statement.json")
    assert auditor.sealed_for_auditor(told, tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    assert "pip install 'khazana[office]'" in auditor.NOT_INSTALLED


@pytest.mark.skipif(find_spec("pyrage") is None, reason="the office extra is not installed")
def test_the_public_sees_the_hash_and_the_auditor_opens_the_proofs(played, tmp_path, capsys):
    folder = played.directory / "el-salvador" / auditor.SEALED
    shown = played.statement(f"el-salvador/{auditor.SEALED}/statement.json").envelope
    full = played.statement("el-salvador/statement.json").envelope
    types = {item.type for item in shown.evidence}
    assert COMMITMENT_TYPE in types
    assert CONTROL_TYPE not in types
    assert shown.root == full.root
    name = f"el-salvador/{auditor.SEALED}/statement.json"
    assert played.judged(name, "el-salvador", Profile.CONTROL).exit_status == 2
    words = ["custody", "open", str(folder / "statement.json"), str(folder / "proofs.age")]
    words += ["--identity", str(folder / "TEST-auditor.txt"), "--out", str(tmp_path / "p.json")]
    assert main(words) == 0
    capsys.readouterr()
    opened = (tmp_path / "p.json").read_bytes()
    assert opened == (folder / "opened.json").read_bytes()
    assert opened[:200] not in (folder / "proofs.age").read_bytes()
    assert f"as {auditor.AUDITOR} sees it" in played.output
    assert replace(shown, evidence=()) == replace(full, evidence=())
