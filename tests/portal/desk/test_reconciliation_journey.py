"""From an unexplained receipt to a document that two others confirmed, and its correction."""

import io
import os
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import httpx
import pytest

from tests.portal.desk.commands import portal
from tests.statement.browser import chromium

pytest.importorskip("django")
pytest.importorskip("pbk", reason="the devnet profile is not installed")

from khazana.bitcoin.address import address_of
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import REGTEST
from khazana.cli.main import main
from tests.portal.desk.house import (
    WAIT,
    Walk,
    begin_with_code,
    described_office,
    invited,
    running_house,
)

CORRECTED = {"en": "corrected by", "ur": "تصحیح کنندہ"}
RECEIVED = 40_000_000


@pytest.fixture
def house(tmp_path):
    _, cold = described_office(tmp_path)
    with running_house(tmp_path) as (folder, address, source):
        yield folder, address, source, cold


def devnet(source, path, **body):
    answer = httpx.post(f"{source.partition(':')[2]}/devnet/{path}", json=body, timeout=60)
    assert answer.status_code == 200, answer.text


def height(source):
    return int(httpx.get(f"{source.partition(':')[2]}/blocks/tip/height", timeout=10).text)


def until_shown(walk, path, selector):
    """Look again until a worker's doing is on the page."""
    end = time.monotonic() + WAIT
    while True:
        walk.go(path)
        if walk.page.locator(selector).count():
            return
        assert time.monotonic() < end, walk.text()
        time.sleep(0.5)


def proposed(walk, what):
    """Send the form and wait for the worker to compute what the rows change."""
    walk.page.click("main form.filled button[type=submit]")
    walk.page.wait_for_url("**/proposals/*/")
    walk.page.wait_for_selector("#state-open", timeout=WAIT * 1000)
    walk.picture(what)


def confirmed(walk, language, then):
    """From the desk's first page to the proposal that waits there, and agree."""
    walk.go(f"/{language}/desk/")
    walk.page.click("main .card a[href*='/proposals/']")
    walk.page.wait_for_url("**/proposals/*/")
    walk.picture("to-confirm")
    walk.page.click("form[action$='/confirm/'] button")
    walk.page.wait_for_selector(then, timeout=WAIT * 1000)


def statement(folder, source):
    """What `khazana statement make` says of the time up to six blocks ago."""
    said = io.StringIO()
    out = folder / "statement.json"
    words = ["statement", "make", "--office", str(folder / "data" / "office" / "office.toml")]
    words += ["--chain", source, "--from", "2", "--to", "tip-6", "--out", str(out)]
    with redirect_stdout(said), redirect_stderr(said):
        assert main(words) == 0, said.getvalue()
    return out.read_text()


@pytest.mark.parametrize("language", ["en", "ur"])
def test_a_receipt_is_explained_by_two_others_and_corrected_by_a_new_row(house, language):
    folder, address, source, cold = house
    wanted = os.environ.get("KHAZANA_PICTURES")
    pictures = Path(wanted) if wanted else None
    (script,) = best_engine().derive(cold, branch=0, start=0, stop=1)
    devnet(source, "mine", blocks=90)
    devnet(source, "faucet", address=address_of(script, REGTEST), amount=RECEIVED)
    devnet(source, "mine", blocks=7)
    assert '"unexplained"' in statement(folder, source)
    paper = folder / "receipt.pdf"
    paper.write_bytes(b"%PDF-1.7 receipt of the treasury")
    home = f"/{language}/desk/reconciliation/"
    with chromium() as browser:
        people = []
        for name, role in (("amina", "operator"), ("bilal", "approver"), ("carla", "approver")):
            link = invited(folder, name, role, address).replace("/en/", f"/{language}/")
            people.append(Walk(browser, f"{language}-{name}", address, None))
            begin_with_code(people[-1], link)
            people[-1].pictures = pictures
        amina, bilal, carla = people

        until_shown(amina, home, "tr.open")
        amina.picture("unexplained")
        amina.page.click("tr.open a[href*='documents/add']")
        amina.page.wait_for_selector("#id_id")
        assert amina.page.input_value("#id_amount_btc") == "0.40000000"
        amina.fill(id="receipt-1", attested_by="Treasury")
        amina.page.select_option("#id_reason", "receipt")
        amina.page.click("main form.filled button[type=submit]")
        amina.page.wait_for_selector(".problems")  # without its paper it is refused
        amina.picture("refused")
        amina.page.set_input_files("#id_papers", str(paper))
        proposed(amina, "proposal")
        assert amina.page.locator("form[action$='/confirm/']").count() == 0

        confirmed(bilal, language, "#agreed:has-text('bilal')")
        confirmed(carla, language, "#state-confirmed")
        carla.picture("confirmed")
        until_shown(amina, home, "table.postings tr:not(.open):has-text('receipt-1')")
        assert amina.page.locator("tr.open").count() == 0
        amina.picture("explained")
        assert '"unexplained"' not in statement(folder, source)

        amina.go(f"{home}documents/")
        amina.page.click("a[href*='corrects=receipt-1']")
        amina.page.wait_for_selector("#id_id")
        amina.fill(id="receipt-1b")
        amina.page.select_option("#id_reason", "donation")
        proposed(amina, "correction")
        confirmed(bilal, language, "#agreed:has-text('bilal')")
        confirmed(carla, language, "#state-confirmed")
        amina.go(f"{home}documents/")
        assert CORRECTED[language] in amina.page.inner_text("#document-receipt-1")
        assert "receipt-1" in amina.page.inner_text("#document-receipt-1b")
        amina.picture("documents")
        if pictures is not None:
            amina.page.set_viewport_size({"width": 360, "height": 800})
            amina.go(home)
            amina.picture("narrow")
        said = statement(folder, source)
        assert '"donation"' in said
        assert '"unexplained"' not in said
        noted = [text for walk in people for text in walk.complaints]
        assert [text for text in noted if "status of 422" not in text] == []

    rows = (folder / "data" / "office" / "documents.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["receipt-1", "receipt-1b"]
    log = portal(folder / "data", "audit-log", "export", str(folder / "log.jsonl"))
    assert log.returncode == 0, log.stderr
    acts = (folder / "log.jsonl").read_text()
    assert (acts.count('"proposal confirmed"'), acts.count('"rows appended"')) == (4, 2)
