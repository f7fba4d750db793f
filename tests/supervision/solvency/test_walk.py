"""The first walk of docs/solvency.md, command by command, as a newcomer pastes it."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from khazana.cli.main import main

PAGE = (Path(__file__).parents[3] / "docs" / "solvency.md").read_text(encoding="utf-8")
BLOCK = re.search(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)[1]
COMMANDS = [line for line in BLOCK.splitlines() if line.startswith("khazana ")]
BEFORE = BLOCK[: BLOCK.index("khazana office")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subprocess.run(["sh", "-e", "-c", BEFORE], cwd=tmp_path, check=True)
    return tmp_path


def test_every_command_of_the_walk_does_what_the_page_says(folder, capsys):
    for prints in ("typst", "segno"):
        pytest.importorskip(prints, reason="printing is in the portal extra")
    for line in COMMANDS:
        assert main(shlex.split(line)[1:]) == 0, line
    said = capsys.readouterr().out
    assert "your balance is in the total: 0.10000000 BTC" in said
    assert json.loads((folder / "countersigned.json").read_bytes())["signatures"]
    assert (folder / "slip.pdf").read_bytes().startswith(b"%PDF")
    assert (folder / "check.html").stat().st_size > 10_000
    (check,) = [line for line in COMMANDS if line.startswith("khazana solvency check")]
    for wrong in (
        check.replace("--words 3", "--words 4"),
        check.replace("--balance 1", "--balance 2"),
    ):
        assert main(shlex.split(wrong)[1:]) == 1
        assert "REJECTED" in capsys.readouterr().out


def test_every_command_that_the_page_names_exists():
    named = set(re.findall(r"^khazana solvency ([a-z]+)", PAGE, re.M))
    assert {"build", "prove", "slip", "check", "recompute", "page"} <= named
