"""A portal in a process of its own, and one browser that walks through it."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.portal.publication import write_publication
from tests.portal.supervision.providers import write_providers
from tests.statement.browser import chromium

ROOT = Path(__file__).resolve().parents[3]
WAIT_SECONDS = 90
LISTS = (
    "", "movements/", "two-bars/", "coins/", "statements/", "conditions/", "claims/",
    "corrections/", "mining/", "providers/", "explained/", "check/", "check-my-balance/",
)  # fmt: skip


@dataclass(frozen=True)
class Site:
    """A served portal: its address, and a page of every kind without the language before it."""

    address: str
    pages: tuple[str, ...]

    def url(self, language: str, page: str = "") -> str:
        return f"{self.address}/{language}/{page}"

    def page_of(self, kind: str) -> str:
        return next(page for page in self.pages if page.startswith(kind) and page != kind)


def read(url: str) -> str:
    """A page's text; empty while nobody answers."""
    try:
        with urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())
    except (URLError, OSError):
        return ""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The tests' publication, or the folder that KHAZANA_PUBLICATION names (a demo's, say)."""
    named = os.environ.get("KHAZANA_PUBLICATION")
    folder = Path(named) if named else write_publication(tmp_path_factory.mktemp("office"))
    if not named:
        write_providers(folder)
    chain = os.environ.get("KHAZANA_PUBLICATION_CHAIN")
    with served(folder, tmp_path_factory.mktemp("portal"), chain) as address:
        yield Site(address, pages_of(address))


@contextmanager
def served(folder: Path, data: Path, chain: str | None = None) -> Iterator[str]:
    """The address of a portal that follows a publication folder, once it shows a statement."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "khazana.portal", "--data"]
    command += [str(data), "serve", "--plain-http"]
    command += ["--port", str(port), "--follow", str(folder)]
    if chain:
        command += ["--chain", chain]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, env=environment) as portal:
        try:
            ready(address, portal)
            yield address
        finally:
            portal.terminate()


def ready(address: str, portal: "subprocess.Popen[bytes]") -> None:
    """Wait until a statement is shown and both fonts are cut."""
    until = time.monotonic() + WAIT_SECONDS
    while "/statements/" not in links(address) or read(f"{address}/fonts/faces.css").count("@") < 2:
        if portal.poll() is not None or time.monotonic() > until:
            pytest.fail(f"the portal did not get ready (it ended with {portal.poll()})")
        time.sleep(0.2)


def links(address: str) -> str:
    return " ".join(re.findall(r"/statements/[0-9a-f]{64}", read(f"{address}/en/")))


def pages_of(address: str) -> tuple[str, ...]:
    """Every list, and of what it links one page of each kind."""
    found: dict[str, str] = {}
    for start in ("two-bars/", *LISTS):  # its movements have reasons
        for link in re.findall(r'href="/en/([a-z-]+/[^"?#]+)"', read(f"{address}/en/{start}")):
            parts = link.split("/")
            kind = "/".join(parts[:2]) if parts[0] == "holdings" else parts[0]
            found.setdefault(kind, link)
    return (*LISTS, *sorted(set(found.values()) - set(LISTS)))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as made:
        yield made
