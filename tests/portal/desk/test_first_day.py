"""The first day in a browser: from an empty database to a signed nil statement that reads 0."""

import os
import re
import shutil
import time
from pathlib import Path

import pytest

from khazana.cli.main import main
from tests.portal.desk.commands import portal
from tests.statement.browser import chromium

pytest.importorskip("django")
pytest.importorskip("pbk", reason="the devnet profile is not installed")

from tests.portal.desk.house import (
    WAIT,
    Walk,
    begin_with_code,
    begin_with_passkey,
    invited,
    running_house,
    submit,
)


@pytest.fixture
def house(tmp_path):
    with running_house(tmp_path) as made:
        yield made


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
        amina.page.wait_for_selector(f"main:has-text('{fingerprint}')")
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
        amina.page.click("#period button[type=submit]")
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
            # One of two is not enough: it is kept, and the page says who is missing.
            amina.page.set_input_files("#id_statement", str(keys / "statement.json"))
            amina.page.click("form[action$='/signed/'] button")
            amina.page.wait_for_selector(f"#signatures tr.signed:nth-of-type({number})")
            state = "signed" if number == 2 else "made"
            amina.page.wait_for_selector(f"#state[data-state='{state}']")
        amina.picture("signed")
        amina.page.click("#readers")
        amina.page.check("#id_level_full")
        amina.page.click("#choice button[type=submit]")
        amina.page.wait_for_selector("#full .chosen")
        amina.picture("readers")
        amina.go(f"/{language}/desk/statements/1/")
        assert amina.page.locator("form[action$='/publish/']").count() == 0

        bilal = Walk(browser, f"{language}-bilal", address, pictures)
        begin_with_code(bilal, links["approver"])
        bilal.go(f"/{language}/desk/")
        bilal.picture("desk")
        bilal.page.click("main .card a[href*='/statements/']")
        bilal.page.click("form[action$='/publish/'] button")
        bilal.page.wait_for_selector("#state[data-state='published']")
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
