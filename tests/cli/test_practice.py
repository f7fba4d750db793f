"""An office to practise in: everything comes up, goes on where it stopped, and ends with Ctrl-C."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from khazana.cli.main import build_parser

pytest.importorskip("allauth", reason="the portal profile is not installed")
pytest.importorskip("pbk", reason="the devnet profile is not installed")

ROOT = Path(__file__).resolve().parents[2]
WAIT = 60


@contextmanager
def practising(folder):
    """The process and what it printed up to its last line of the beginning."""
    words = ["practice", "--dir", str(folder), "--chain-port", "0"]
    words += ["--desk-port", "0", "--pages-port", "0"]
    command = [sys.executable, "-m", "khazana.cli.main", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder.parent) as process:
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("Ctrl-C"):
                break
        try:
            yield process, said
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(WAIT)


def tip(said):
    chain = re.search(r"esplora:(\S+),", said)[1]
    return int(httpx.get(f"{chain}/blocks/tip/height").text)


def test_links_pages_and_chain_answer_and_a_second_start_goes_on(tmp_path):
    with practising(tmp_path / "practice") as (process, said):
        assert "test network, invented figures" in said
        links = re.findall(r"http://localhost:\d+/en/accounts/begin/\S+", said)
        assert len(links) == 4
        assert all(httpx.get(link).status_code == 200 for link in links)
        pages = re.search(r"public pages +(\S+)", said)[1]
        assert httpx.get(pages).status_code == 200
        height = tip(said)
        assert height >= 30
    assert process.returncode == 0
    until = time.monotonic() + WAIT
    while time.monotonic() < until:  # its children end with it
        try:
            httpx.get(pages, timeout=5)
        except httpx.TransportError:
            break
    else:
        pytest.fail("the public pages are still served")
    with practising(tmp_path / "practice") as (process, said):
        assert said.count("has an account; sign in at the desk") == 4
        assert tip(said) >= height
    assert process.returncode == 0


def test_the_readmes_commands_are_understood(tmp_path, monkeypatch):
    """Each command of the README's walk has the arguments that the program takes."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("## Run an office")[1].split("\n## ")[0]
    commands = re.findall(r"^ *(khazana .+)$", section, re.MULTILINE)
    assert len(commands) == 7
    monkeypatch.chdir(tmp_path)
    for command in commands:
        words = shlex.split(command)[1:]
        assert build_parser().parse_args(words).run, command


def test_a_taken_port_is_said_before_anything_is_made(tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = subprocess.run(
            [
                sys.executable, "-m", "khazana.cli.main", "practice", "--dir", str(tmp_path / "x"),
                "--chain-port", "0", "--desk-port", str(taken.getsockname()[1]),
            ],
            capture_output=True, text=True, timeout=WAIT, env=dict(os.environ),
        )  # fmt: skip
    assert ended.returncode == 2
    assert "--desk-port" in ended.stderr
    assert not (tmp_path / "x").exists()
