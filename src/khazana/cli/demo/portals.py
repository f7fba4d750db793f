"""The two states' portals: a process each, from the first day of the demo on."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import httpx

from khazana.cli.demo import directory as lies
from khazana.cli.demo.server import HOST, listening_socket

_ACCENTS = {lies.PAKISTAN: "1", lies.EL_SALVADOR: "2"}
"""The offices with pages, in the order of their ports."""
_START_SECONDS, _STOP_SECONDS, _STEP = 20, 5, 0.05


@dataclass(frozen=True)
class Portal:
    """A state's pages: which office's, where, and the process that serves them."""

    office: str
    url: str
    process: "subprocess.Popen[bytes]"


def page_ports(first: int) -> Mapping[str, int]:
    """Office -> port of its pages: `first` and the one after it; 0: any two free ones.

    None where the portal's packages are not installed. Raises `PortTaken` if one cannot be had.
    """
    if find_spec("django") is None:
        return {}
    with ExitStack() as held:
        # Held together, so that two free ones are not the same one.
        sockets = [
            held.enter_context(listening_socket(first + n if first else 0, option="--pages"))
            for n in range(len(_ACCENTS))
        ]
        ports = [each.getsockname()[1] for each in sockets]
    return dict(zip(_ACCENTS, ports, strict=True))


@contextmanager
def portals(
    directory: Path, chain_url: str, ports: Mapping[str, int]
) -> Iterator[tuple[Portal, ...]]:
    """Serve the offices' pages on their ports while inside; they follow what is published."""
    started: list[Portal] = []
    try:
        for office, port in ports.items():
            started.append(_started(office, port, directory, chain_url))
        # The days can wait: whoever opens a page now shall not.
        for portal in started:
            _wait_for_answer(portal)
        yield tuple(started)
    finally:
        for portal in started:
            portal.process.terminate()
        for portal in started:
            try:
                portal.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                portal.process.kill()


def _wait_for_answer(portal: Portal) -> None:
    """Until the first page is there, the process has ended (and said why), or patience has."""
    until = time.monotonic() + _START_SECONDS
    while portal.process.poll() is None and time.monotonic() < until:
        try:
            httpx.get(f"{portal.url}/en/", timeout=_START_SECONDS)
        except httpx.HTTPError:
            time.sleep(_STEP)
        else:
            return


def _started(office: str, port: int, directory: Path, chain_url: str) -> Portal:
    other = next(name for name in _ACCENTS if name != office)
    words = [
        *("--data", str(directory / lies.PORTALS / office), "serve", "--plain-http"),
        *("--port", str(port), "--follow", str(directory / office)),
        *("--partner", str(directory / other), "--chain", f"esplora:{chain_url}"),
        # Founded later in the demo: each is known from when its file is there.
        *("--known-office", str(directory / other / "office.json")),
        *("--known-office", str(directory / lies.DRILL / "office.json")),
        *("--known-office", str(directory / office / "providers" / "regulator.json")),
        *("--progress", str(directory / lies.PROGRESS), "--accent", _ACCENTS[office]),
    ]
    process = subprocess.Popen([sys.executable, "-m", "khazana.portal", *words])
    return Portal(office, f"http://{HOST}:{port}", process)
