"""The first day in a browser: from an empty database to a signed nil statement that reads 0."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from khazana.cli.main import main
from tests.portal.desk.test_commands import portal
from tests.statement.browser import chromium

pytest.importorskip("django")
pytest.importorskip("pbk", reason="the devnet profile is not installed")

from allauth.mfa.totp.internal import auth as totp

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "quiet-otter-river-77"
WAIT = 60


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def started(stack, *command, **more):
    clean = {name: value for name, value in os.environ.items() if "KHAZANA_PORTAL" not in name}
    environment = {**clean, "PYTHONPATH": str(ROOT / "src"), **more}
    process = subprocess.Popen([sys.executable, "-m", *command], env=environment)
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


@pytest.fixture
def house(tmp_path):
    """A test chain, a desk and a worker, each in a process of its own."""
    with ExitStack() as stack:
        chain, port = free_port(), free_port()
        net = ["khazana.cli.main", "devnet", "run", "--dir", str(tmp_path / "net")]
        started(stack, *net, "--port", str(chain))
        answers(f"http://127.0.0.1:{chain}/blocks/tip/height")
        mined = httpx.post(f"http://127.0.0.1:{chain}/devnet/mine", json={"blocks": 30}, timeout=60)
        assert mined.status_code == 200
        source = f"esplora:http://127.0.0.1:{chain}"
        data = ["khazana.portal", "--data", str(tmp_path / "data")]
        folders = ["--publication", str(tmp_path / "publication"), "--chain", source]
        plain = ["serve", "--desk", "--plain-http", "--port", str(port)]
        started(stack, *data, *plain, *folders)
        answers(f"http://127.0.0.1:{port}/en/")
        started(stack, *data, "work", *folders)
        yield tmp_path, f"http://localhost:{port}", source


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
    walk.page.click("#mfa_webauthn_add")
    walk.page.wait_for_url("**/accounts/keys/")


def begin_with_code(walk, link):
    walk.page.goto(link)
    walk.fill(password=PASSWORD, again=PASSWORD)
    walk.page.click("main button[type=submit]")
    walk.page.click("a[href$='/keys/app/add/']")
    walk.picture("app")
    secret = walk.page.inner_text("#authenticator_secret")
    counter = next(iter(totp.yield_hotp_counters_from_time()))
    walk.fill(code=totp.format_hotp_value(totp.hotp_value(secret, counter)))
    walk.page.click("main form.filled button[type=submit]")
    walk.page.wait_for_url("**/accounts/keys/")


def submit(walk, what):
    walk.page.click("main form.filled >> nth=0 >> button[type=submit]")
    walk.page.wait_for_load_state()
    assert walk.page.locator(".problems").count() == 0, walk.text()
    walk.picture(what)


@pytest.mark.parametrize("language", ["en", "ur"])
def test_from_an_empty_database_to_a_signed_nil_statement(house, language, capsys):
    folder, address, source = house
    wanted = os.environ.get("KHAZANA_PICTURES")
    pictures = Path(wanted) if wanted else None
    links = {
        role: invited(folder, name, role, address).replace("/en/", f"/{language}/")
        for name, role in (("amina", "operator"), ("bilal", "approver"))
    }
    with chromium() as browser:
        amina = Walk(browser, f"{language}-amina", address, pictures)
        begin_with_passkey(amina, links["operator"])
        amina.page.click("footer button")  # out, and in again by the passkey alone
        amina.page.wait_for_url("**/sign-in/")
        amina.picture("sign-in")
        amina.page.click("#passkey_login")
        amina.page.wait_for_url("**/desk/")
        amina.picture("desk")

        amina.go(f"/{language}/desk/first-day/office/")
        amina.fill(
            id="new-office", name_en="New Office", name_ur="نیا دفتر", timezone="Asia/Karach"
        )
        amina.page.select_option("#id_network", "regtest")
        amina.page.click("main form.filled button[type=submit]")
        assert "Asia/Karachi" in amina.page.inner_text(".problems")  # refused whole, and says how
        amina.picture("refused")
        amina.fill(timezone="Asia/Karachi")
        submit(amina, "office")

        keys = folder / "offline"
        keys.mkdir()
        publics = []
        for number in (1, 2):
            assert main(["office", "keygen", "--out", str(keys / f"key-{number}")]) == 0
            publics.append(re.search(r"public key ([0-9a-f]{64})", capsys.readouterr().out)[1])
        for number, public in enumerate(publics, 1):
            amina.go(f"/{language}/desk/first-day/identity/")
            amina.fill(id=f"signer-{number}", public=public, threshold="2")
            submit(amina, "key")
        with amina.page.expect_download() as taken:
            amina.page.click(f"form[action='/{language}/desk/first-day/file/'] button")
        taken.value.save_as(keys / "office.toml")
        words = ["office", "identity", "--office", str(keys / "office.toml")]
        for number in (1, 2):
            words += ["--key", str(keys / f"key-{number}")]
        assert main([*words, "--out", str(keys / "office.json")]) == 0
        fingerprint = re.search(r"fingerprint ([0-9a-f ]+)", capsys.readouterr().out)[1].strip()
        amina.page.set_input_files("#id_identity", str(keys / "office.json"))
        amina.page.click("form[action$='/identity-in/'] button")
        assert fingerprint in amina.text()
        amina.picture("identity")

        amina.go(f"/{language}/desk/first-day/entities/")
        amina.fill(
            id="fund", name_en="Reserve Fund", name_ur="ریزرو فنڈ",
            sector="budgetary central government",
        )  # fmt: skip
        submit(amina, "entities")
        amina.go(f"/{language}/desk/first-day/perimeters/")
        amina.fill(id="public-sector", name_en="Public sector", name_ur="سرکاری شعبہ")
        amina.page.check("[name=member_fund]")
        submit(amina, "perimeters")
        for name in ("wallets", "custodians"):
            amina.go(f"/{language}/desk/first-day/{name}/")
            amina.picture(name)

        amina.go(f"/{language}/desk/statements/")
        amina.fill(after="tip-20", until="tip-6")
        amina.page.click("main form.filled button[type=submit]")
        amina.page.wait_for_selector("#id_statement", state="attached", timeout=WAIT * 1000)
        amina.picture("made")
        with amina.page.expect_download() as taken:
            amina.page.click("form[action$='/file/'] button")
        taken.value.save_as(keys / "statement.json")
        for number in (1, 2):
            shutil.copy(keys / "statement.json", keys / "before.json")
            words = ["statement", "sign", str(keys / "before.json"), "--identity"]
            words += [str(keys / "office.json"), "--key", str(keys / f"key-{number}")]
            assert main([*words, "--out", str(keys / "statement.json")]) == 0
            if number == 1:  # one of two is not enough
                amina.page.set_input_files("#id_statement", str(keys / "statement.json"))
                amina.page.click("form[action$='/signed/'] button")
                assert "1 of 2 keys" in amina.page.inner_text(".problems")
        amina.page.set_input_files("#id_statement", str(keys / "statement.json"))
        amina.page.click("form[action$='/signed/'] button")
        amina.picture("signed")
        assert amina.page.locator("form[action$='/publish/']").count() == 0

        bilal = Walk(browser, f"{language}-bilal", address, pictures)
        begin_with_code(bilal, links["approver"])
        bilal.go(f"/{language}/desk/")
        bilal.picture("desk")
        bilal.page.click("main .card a[href*='/statements/']")
        bilal.page.click("form[action$='/publish/'] button")
        bilal.picture("published")

        until = time.monotonic() + WAIT
        while True:
            bilal.go(f"/{language}/")
            if bilal.page.locator(".lead").count() and "0" in bilal.page.inner_text(".lead"):
                break
            assert time.monotonic() < until, bilal.text()
            time.sleep(0.5)
        bilal.picture("public")
        # Refusals are answered with 4xx, which Chromium notes as well.
        noted = [
            text for text in amina.complaints + bilal.complaints if "status of 422" not in text
        ]
        assert noted == []

    published = next((folder / "publication" / "statements").iterdir())
    command = ["verify", str(published), "--chain", source, "--office"]
    assert main([*command, fingerprint, "--require", "addresses"]) == 0
    log = portal(folder / "data", "audit-log", "export", str(folder / "log.jsonl"))
    assert log.returncode == 0, log.stderr
    assert main(["audit-log", str(folder / "log.jsonl")]) == 0
    said = (folder / "log.jsonl").read_text()
    for act in ("one-time link used", "office saved", "identity saved", "statement published"):
        assert act in said
