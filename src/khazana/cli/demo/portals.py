"""The two states' portals: a process each, from the first day of the demo on."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from khazana.cli.demo import directory as lies
from khazana.cli.demo.server import HOST, listening_socket

PORTS: Mapping[str, int] = {lies.PAKISTAN: 8000, lies.EL_SALVADOR: 8001}
"""DESIGN, section 6."""
_ACCENTS = {lies.PAKISTAN: "1", lies.EL_SALVADOR: "2"}
_STOP_SECONDS = 5


@dataclass(frozen=True)
class Portal:
    """A state's pages: which office's, where, and the process that serves them."""

    office: str
    url: str
    process: "subprocess.Popen[bytes]"


@contextmanager
def portals(directory: Path, chain_url: str) -> Iterator[tuple[Portal, ...]]:
    """Serve both states' pages while inside; they follow what the offices publish.

    None where the portal's packages are not installed. Raises `PortTaken` before any is started.
    """
    if find_spec("django") is None:
        yield ()
        return
    for port in PORTS.values():
        listening_socket(port).close()
    started: list[Portal] = []
    try:
        for office in PORTS:
            started.append(_started(office, directory, chain_url))
        yield tuple(started)
    finally:
        for portal in started:
            portal.process.terminate()
        for portal in started:
            try:
                portal.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                portal.process.kill()


def _started(office: str, directory: Path, chain_url: str) -> Portal:
    other = next(name for name in PORTS if name != office)
    port = PORTS[office]
    words = [
        *("--data", str(directory / lies.PORTALS / office), "serve", "--plain-http"),
        *("--port", str(port), "--follow", str(directory / office)),
        *("--partner", str(directory / other), "--chain", f"esplora:{chain_url}"),
        *("--progress", str(directory / lies.PROGRESS), "--accent", _ACCENTS[office]),
    ]
    process = subprocess.Popen([sys.executable, "-m", "khazana.portal", *words])
    return Portal(office, f"http://{HOST}:{port}", process)
