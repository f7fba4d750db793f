"""An office to practise in: a test chain that goes on, a desk, its worker and the public pages.

Everything of it lies in one folder and ends with the command; begun again, it goes on.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import httpx

from khazana.cli.clock import now
from khazana.cli.demo.server import HOST, listening_socket, served, url_of
from khazana.devnet.network import Devnet
from khazana.errors import KhazanaError
from khazana.statement.checks import TEST_NOTICE

PEOPLE = (
    ("amina", "operator", "prepares"),
    ("bilal", "approver", "confirms"),
    ("carla", "approver", "confirms"),
    ("dawud", "auditor", "audits"),
)
"""Name at the desk, role, and what that role does."""
FIRST_BLOCKS = 30
"""Enough that a period of some blocks is closed and buried from the first minute on."""
BLOCK_SECONDS = 15
_START_SECONDS, _STOP_SECONDS, _STEP = 60, 10, 0.1


@dataclass(eq=False, kw_only=True)
class PracticeDidNotStart(KhazanaError):
    """One of the processes ended or stayed silent."""

    part: str
    code = "practice_did_not_start"
    words = "{part} did not start; what it printed stands above."


@dataclass(frozen=True)
class Ports:
    """Where each part listens on this machine; 0: any free port."""

    chain: int
    desk: int
    pages: int


def practise(directory: Path, ports: Ports, *, stop: Event) -> int:
    """Serve until `stop` is set; 0 when everything ended as it should."""
    with ExitStack() as stack:
        chain = stack.enter_context(listening_socket(ports.chain, option="--chain-port"))
        desk, pages = _free_ports(ports)
        devnet = Devnet(directory / "chain")
        stack.enter_context(served(devnet, chain, lambda: int(now().timestamp())))
        url, desk_url = url_of(chain), f"http://localhost:{desk}"
        if devnet.tip().height < FIRST_BLOCKS:
            _mine(url, FIRST_BLOCKS)
        data = ["--data", str(directory / "data")]
        folders = ["--office", str(directory / "office")]
        folders += ["--publication", str(directory / "publication")]
        source = ["--chain", f"esplora:{url}"]
        links = [_link(data, *person[:2], desk_url) for person in PEOPLE]
        serve = [*data, "serve", "--plain-http", "--port", str(desk), "--desk", *folders]
        stack.enter_context(_process("the desk", [*serve, *source], f"{desk_url}/en/"))
        stack.enter_context(_process("the worker", [*data, "work", *folders, *source]))
        public = ["--data", str(directory / "public"), "serve", "--plain-http", "--port"]
        public += [str(pages), "--follow", str(directory / "publication"), *source]
        address = f"http://{HOST}:{pages}"
        stack.enter_context(_process("the public pages", public, f"{address}/en/"))
        _say(directory, url, desk_url, address, links)
        while not stop.wait(BLOCK_SECONDS):
            _mine(url, 1)
    return 0


def _say(
    directory: Path, url: str, desk_url: str, address: str, links: Sequence[str | None]
) -> None:
    print(f"{TEST_NOTICE}: an office to practise in, in {directory}")
    print(f"public pages  {address}/en/")
    print(f"staff desk    {desk_url}/en/desk/")
    print(f"chain         esplora:{url}, a block every {BLOCK_SECONDS} seconds")
    print("Open each link in a browser profile of its own; it works once:")
    for (name, role, does), link in zip(PEOPLE, links, strict=True):
        print(f"  {name}, {role} ({does}): {link or 'has an account; sign in at the desk'}")
    print("Ctrl-C ends it; the same command goes on from there.", flush=True)


def _free_ports(ports: Ports) -> tuple[int, int]:
    """Looked at before anything starts, and together, so that two free ones differ."""
    with (
        listening_socket(ports.desk, option="--desk-port") as desk,
        listening_socket(ports.pages, option="--pages-port") as pages,
    ):
        return desk.getsockname()[1], pages.getsockname()[1]


def _mine(url: str, blocks: int) -> None:
    httpx.post(f"{url}/devnet/mine", json={"blocks": blocks}, timeout=60).raise_for_status()


def _link(data: Sequence[str], name: str, role: str, desk_url: str) -> str | None:
    """The one-time link of a new account; None for one that is there already."""
    words = [*data, "staff", "add", name, "--role", role, "--address", desk_url]
    ended = subprocess.run(
        [sys.executable, "-m", "khazana.portal", *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    links = [word for word in ended.stdout.split() if word.startswith(desk_url)]
    if not links and "there is such an account" not in ended.stderr:
        print(ended.stderr, file=sys.stderr)
        raise PracticeDidNotStart(part=f"The account of {name}")
    return links[0] if links else None


@contextmanager
def _process(part: str, words: Sequence[str], url: str = "") -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "khazana.portal", *words])
    try:
        if url and not _answers(process, url):
            raise PracticeDidNotStart(part=part)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(process: "subprocess.Popen[bytes]", url: str) -> bool:
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            httpx.get(url, timeout=_START_SECONDS)
        except httpx.HTTPError:
            time.sleep(_STEP)
        else:
            return True
    return False
