"""The walk of docs/solvency.md: from a CSV file to a counter-signed statement of coverage."""

import contextlib
import io
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from khazana.cli.main import main

pytest.importorskip("pbk", reason="the devnet extra is not installed")

from khazana.devnet.network import Devnet
from tests.cli.serving import served

PAGE = (Path(__file__).parents[2] / "docs" / "solvency.md").read_text(encoding="utf-8")
WALK = next(block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.S) if "/devnet/" in block)

# Twenty starts of Python would take longer than all they do: this process runs the commands.
PROGRAM = """#!/bin/sh
answer=$(mktemp)
printf '%s\\n' "$@" | curl -sS --data-binary @- {url} > "$answer"
tail -n +2 "$answer"
exit "$(head -n 1 "$answer")"
"""


class _Commands(BaseHTTPRequestHandler):
    """A command's words, one a line; its exit status and what it printed."""

    def do_POST(self) -> None:
        words = self.rfile.read(int(self.headers["content-length"])).decode().splitlines()
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = main(words)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{status}\n{out.getvalue()}".encode())

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what the commands print is what counts."""


@pytest.fixture
def program() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Commands) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield PROGRAM.format(url=f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()
        thread.join(timeout=10)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_walk_from_csv_to_a_counter_signed_statement_does_what_the_page_says(
    tmp_path, program, monkeypatch
):
    folder = tmp_path / "empty"
    for each in (folder, tmp_path / "bin"):
        each.mkdir()
    (tmp_path / "bin" / "khazana").write_text(program)
    (tmp_path / "bin" / "khazana").chmod(0o755)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with Devnet(tmp_path / "net") as devnet, served(devnet) as url:
        done = subprocess.run(
            ["sh", "-e", "-c", WALK.replace("http://127.0.0.1:3002", url)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert 'Result 0: every check that "full" requires passed' in said
    assert "BTC: covered at block" in said
    assert "PKR: covered at block" in said
    assert "on the word of banks or custodians alone" in said
    assert "test network, invented figures" in said
