"""Devnet servers in processes of their own, so that a test can kill them.

Importing takes longer than opening a chain, so one process imports everything once and forks a
fresh server for each start; it never opens a devnet itself.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import os, sys
from pathlib import Path
from khazana.devnet.serve import run
for line in sys.stdin:
    directory, port, now = line.rstrip().split("\\t")
    child = os.fork()
    if child == 0:
        run(Path(directory), clock=lambda: int(now), port=int(port))
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Server:
    """A running server: ask over HTTP, end by a signal."""

    def __init__(self, port: int, pid: int) -> None:
        self.pid = pid
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20)

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                self.client.get("/blocks/tip/height")
                return
            except httpx.TransportError:
                time.sleep(0.01)
        raise RuntimeError("the server does not answer")

    def signal(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)


class Servers:
    """Starts one server after another."""

    def __enter__(self) -> Self:
        self._parent = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._parent.stdin.close()
        self._parent.wait(20)
        self._parent.stdout.close()

    def start(self, directory: Path, *, clock: int) -> Server:
        port = free_port()
        self._parent.stdin.write(f"{directory}\t{port}\t{clock}\n")
        self._parent.stdin.flush()
        server = Server(port, int(self._parent.stdout.readline()))
        server.wait_until_it_answers()
        return server

    def ended(self, server: Server) -> int:
        """Wait until the server is gone; its exit status, negative for a signal."""
        status = int(self._parent.stdout.readline())
        server.client.close()
        return status


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
