"""A house to walk in: a test chain, a desk and a worker in processes, and people in browsers."""

import os
import re
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from allauth.mfa.totp.internal import auth as totp

from khazana.cli.clock import now
from khazana.ledger.new_office import new_office_values
from khazana.ledger.rows import DOCUMENT_COLUMNS
from khazana.ledger.toml_writing import write_toml
from tests.custody.signing import wallet
from tests.portal.desk.commands import portal

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "quiet-otter-river-77"
WAIT = 60


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def clean_environment():
    kept = {name: value for name, value in os.environ.items() if "KHAZANA_PORTAL" not in name}
    return {**kept, "PYTHONPATH": str(ROOT / "src")}


def started(stack, *command):
    process = subprocess.Popen([sys.executable, "-m", *command], env=clean_environment())
    stack.callback(lambda: (process.terminate(), process.wait(20)))
    return process


def answers(url):
    until = time.monotonic() + WAIT
    while True:
        try:
            return httpx.get(url, timeout=10)
        except httpx.TransportError:
            assert time.monotonic() < until, f"{url} does not answer"
            time.sleep(0.1)


@contextmanager
def running_house(folder):
    """A test chain, a desk and a worker, each in a process of its own."""
    with ExitStack() as stack:
        chain, port = free_port(), free_port()
        net = ["khazana.cli.main", "devnet", "run", "--dir", str(folder / "net")]
        started(stack, *net, "--port", str(chain))
        answers(f"http://127.0.0.1:{chain}/blocks/tip/height")
        mined = httpx.post(f"http://127.0.0.1:{chain}/devnet/mine", json={"blocks": 30}, timeout=60)
        assert mined.status_code == 200
        source = f"esplora:http://127.0.0.1:{chain}"
        data = ["khazana.portal", "--data", str(folder / "data")]
        folders = ["--publication", str(folder / "publication"), "--chain", source]
        plain = ["serve", "--desk", "--plain-http", "--port", str(port)]
        started(stack, *data, *plain, *folders)
        answers(f"http://127.0.0.1:{port}/en/")
        started(stack, *data, "work", *folders)
        yield folder, f"http://localhost:{port}", source


def invited(folder, name, role, address):
    made = portal(folder / "data", "staff", "add", name, "--role", role, "--address", address)
    return re.search(r"http://\S+", made.stdout)[0]


class Walk:
    """One person's browser, which notes every complaint and takes a picture of every page."""

    def __init__(self, browser, name, address, pictures):
        self.context = browser.new_context(
            accept_downloads=True, viewport={"width": 1100, "height": 900}
        )
        self.page, self.name = self.context.new_page(), name
        self.address, self.pictures, self.number = address, pictures, 0
        self.complaints = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def go(self, path):
        self.page.goto(f"{self.address}{path}")

    def fill(self, **fields):
        for name, value in fields.items():
            self.page.fill(f'main [name="{name}"]', value)

    def press(self, button, *, within="main"):
        self.page.locator(f"{within} >> text='{button}' >> visible=true").last.click()
        self.page.wait_for_load_state()

    def picture(self, what):
        if self.pictures is not None:
            self.number += 1
            path = self.pictures / f"{self.name}-{self.number:02}-{what}.png"
            self.page.screenshot(path=str(path), full_page=True)

    def text(self):
        return self.page.inner_text("main")


def begin_with_passkey(walk, link):
    """A passkey on the browser's own authenticator, as a security key would make it."""
    session = walk.context.new_cdp_session(walk.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "usb", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    walk.page.goto(link)
    walk.picture("link")
    walk.fill(password=PASSWORD, again=PASSWORD)
    walk.page.click("main button[type=submit]")
    walk.picture("keys")
    walk.page.click("a[href$='/keys/passkeys/add/']")
    walk.page.click("#mfa_webauthn_add")  # waits until the page's script has enabled it
    walk.page.wait_for_url("**/accounts/keys/")


CODE_SECONDS, LEAST_LEFT = 30, 10
"""How long a code lives (RFC 6238), and how much of that a slow machine is given to send it."""


def code_of(secret):
    """The code of this half minute, or of the next one if this is nearly over."""
    left = CODE_SECONDS - now().timestamp() % CODE_SECONDS
    if left < LEAST_LEFT:
        time.sleep(left + 0.1)
    counter = next(iter(totp.yield_hotp_counters_from_time()))
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def begin_with_code(walk, link):
    walk.page.goto(link)
    walk.fill(password=PASSWORD, again=PASSWORD)
    walk.page.click("main button[type=submit]")
    walk.page.click("a[href$='/keys/app/add/']")
    walk.picture("app")
    secret = walk.page.inner_text("#authenticator_secret")
    walk.fill(code=code_of(secret))
    walk.page.click("main form.filled button[type=submit]")
    walk.page.wait_for_url("**/accounts/keys/")


def submit(walk, what):
    walk.page.click("main form.filled >> nth=0 >> button[type=submit]")
    walk.page.wait_for_load_state()
    assert walk.page.locator(".problems").count() == 0, walk.text()
    walk.picture(what)


QUORUM = ("anna", "bo", "cia")
"""Whose devices can sign for the wallet `cold` of `described_office` (tests.custody.signing)."""


def described_office(folder):
    """An office that is past its first day: two statement keys and a watch-only 2-of-3 wallet.

    Gives its fingerprint and the wallet's descriptor. The offline keys are in offline/key-1, -2.
    """
    office, offline = folder / "data" / "office", folder / "offline"
    offline.mkdir(parents=True, exist_ok=True)
    publics = []
    for number in (1, 2):
        out = str(offline / f"key-{number}")
        publics.append(
            re.search(r"public key ([0-9a-f]{64})", khazana("office", "keygen", "--out", out))[1]
        )
    cold = wallet("wsh(sortedmulti(2,{},{},{}))", *QUORUM)
    values = new_office_values(
        id_="new-office", names={"en": "New Office", "ur": "نیا دفتر"}, network="regtest",
        timezone="Asia/Karachi", currency="USD",
    )  # fmt: skip
    values |= {
        "files": {"documents": ["documents.csv"]},
        "entity": [
            {"id": "fund", "name": {"en": "Reserve Fund"}, "sector": "budgetary central government"}
        ],
        "wallet": [
            {
                "id": "cold", "entity": "fund", "name": {"en": "Cold storage"}, "declared": 1,
                "descriptor": cold.text, "gap": 20, "lane": [{"lane": "owned"}],
                "range": [{"branch": 0, "stop": 40}, {"branch": 1, "stop": 40}],
            }
        ],
        "perimeter": [
            {"id": "public-sector", "name": {"en": "Public sector"}, "member": [{"entity": "fund"}]}
        ],
        "key": [{"id": f"signer-{n}", "public": each} for n, each in enumerate(publics, 1)],
        "role": [
            {"role": role, "threshold": 2, "keys": ["signer-1", "signer-2"]}
            for role in ("root", "statement")
        ],
    }  # fmt: skip
    office.mkdir(parents=True, exist_ok=True)
    (office / "office.toml").write_bytes(write_toml(values))
    (office / "documents.csv").write_text(",".join(DOCUMENT_COLUMNS) + "\n")
    said = khazana(
        "office", "identity", "--office", str(office / "office.toml"),
        "--key", str(offline / "key-1"), "--key", str(offline / "key-2"),
        "--out", str(office / "office.json"),
    )  # fmt: skip
    return re.search(r"fingerprint ([0-9a-f ]+)", said)[1].strip(), cold


def khazana(*words, status=0):
    """One command in a process of its own; what it printed, both streams."""
    command = [sys.executable, "-m", "khazana.cli.main", *words]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=clean_environment()
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == status, said
    return said
