"""An audit in a browser: asked, drawn by a block to come, judged, signed, beside the statement."""

import io
import json
import os
import re
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import httpx
import pytest

from tests.portal.desk.commands import portal
from tests.statement.browser import chromium

pytest.importorskip("django")
pytest.importorskip("pbk", reason="the devnet profile is not installed")

from khazana.bitcoin.descriptor_engines import best_engine
from khazana.cli.clock import now
from khazana.cli.main import main
from khazana.statement.times import read_instant
from tests.portal.desk.house import (
    WAIT,
    Walk,
    begin_with_code,
    described_office,
    invited,
    running_house,
)

QUALIFIED = {"en": "qualified opinion", "ur": "مشروط رائے"}
DRAWN = {"en": "drawn", "ur": "نکالا جا چکا"}
REASON = {
    "en": "One receipt was seen as a copy alone.",
    "ur": "ایک رسید کی صرف نقل دیکھی گئی۔",
    "ar": "اطُّلع على نسخة من إيصال واحد فقط.",
    "es": "De un recibo solo se vio una copia.",
}


@pytest.fixture
def house(tmp_path):
    fingerprint, cold = described_office(tmp_path)
    with running_house(tmp_path) as (folder, address, source):
        yield folder, address, source, fingerprint, cold


def khazana(*words, status=0):
    """A command in this process, which starts no other; what it printed, both streams.

    status: that it has to end with; None where the test looks for itself.
    """
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        ended = main(list(words))
    assert status is None or ended == status, said.getvalue()
    return said.getvalue()


def mine(source, **body):
    answer = httpx.post(f"{source.partition(':')[2]}/devnet/mine", json=body, timeout=60)
    assert answer.status_code == 200, answer.text


def height(source):
    return int(httpx.get(f"{source.partition(':')[2]}/blocks/tip/height", timeout=10).text)


def published(folder, source, cold):
    """Three blocks mined to the wallet: stated, signed by both offline keys, published."""
    office, offline = folder / "data" / "office", folder / "offline"
    before = height(source)
    scripts = best_engine().derive(cold, branch=0, start=0, stop=3)
    for script in scripts:
        mine(source, blocks=1, script=script.hex())
    mine(source, blocks=6)
    made, signed, both = (offline / f"statement-{n}.json" for n in range(3))
    khazana(
        "statement", "make", "--office", str(office / "office.toml"), "--chain", source,
        "--from", str(before), "--to", "tip-6", "--identity", str(office / "office.json"),
        "--out", str(made),
    )  # fmt: skip
    # Blocks mined in one instant are dated some seconds ahead; nobody signs before the closing.
    closed = json.loads(made.read_bytes())["parts"][0]["body"]["period"]["until_mtp"]
    until = time.monotonic() + WAIT
    while now() <= read_instant(closed):
        assert time.monotonic() < until, closed
        time.sleep(0.1)
    for number, (given, out) in enumerate(((made, signed), (signed, both)), 1):
        khazana(
            "statement", "sign", str(given), "--identity", str(office / "office.json"),
            "--key", str(offline / f"key-{number}"), "--out", str(out),
        )  # fmt: skip
    publication = folder / "publication"
    (publication / "statements").mkdir(parents=True)
    (publication / "office.json").write_bytes((office / "office.json").read_bytes())
    (publication / "publication.json").write_text("{}\n")
    shown = publication / "statements" / "statement.json"
    khazana("statement", "disclose", str(both), "--level", "full", "--out", str(shown))
    done = portal(folder / "data", "import", str(publication))
    assert done.returncode == 0, done.stderr
    return shown


def reloaded(walk, path, selector):
    """The page, asked for again until it has what a worker brings."""
    until = time.monotonic() + WAIT
    while True:
        walk.go(path)
        if walk.page.locator(selector).count():
            return
        assert time.monotonic() < until, walk.text()
        time.sleep(0.5)


def taken(walk, selector, path):
    with walk.page.expect_download() as download:
        walk.page.click(selector)
    download.value.save_as(path)


@pytest.mark.parametrize("language", ["en", "ur"])
def test_an_audit_from_the_first_request_to_the_opinion_beside_the_statement(house, language):
    folder, address, source, fingerprint, cold = house
    shown = published(folder, source, cold)
    offline = folder / "offline"
    key = str(offline / "auditor")
    said = khazana("office", "keygen", "--out", key)
    public = re.search(r"public key ([0-9a-f]{64})", said)[1]
    wanted = os.environ.get("KHAZANA_PICTURES")
    pictures = Path(wanted) if wanted else None
    desk = f"/{language}/desk/audits/"

    with chromium() as browser:
        people = {}
        for name, role in (("anna", "auditor"), ("amina", "operator"), ("bilal", "approver")):
            link = invited(folder, name, role, address).replace("/en/", f"/{language}/")
            people[name] = Walk(browser, f"audit-{language}-{name}", address, None)
            begin_with_code(people[name], link)
            people[name].pictures = pictures
        anna, amina, bilal = people["anna"], people["amina"], people["bilal"]

        anna.go(desk)
        anna.fill(auditor="Examiners", public=public, materiality="100000", scope="All receipts")
        anna.picture("open")
        anna.page.click("main form.filled button[type=submit]")
        anna.page.wait_for_url("**/audits/1/")
        anna.fill(due="2027-06-30")
        anna.page.fill("#id_text", "The paper behind each receipt, please.")
        anna.page.click("#ask button")
        anna.page.wait_for_selector("section.card h3")

        amina.go(f"/{language}/desk/")
        amina.page.click("main .card a[href*='/audits/1/']")
        amina.page.fill("#id_answer_1", "Here is the first.")
        voucher = {"name": "رسید.txt", "mimeType": "text/plain", "buffer": b"receipt of 5 BTC\n"}
        amina.page.set_input_files("#id_files_1", voucher)
        amina.page.click("form[action$='/requests/1/answer/'] button")
        amina.page.wait_for_selector("form[action*='/files/'] button")
        amina.picture("answered")
        with amina.page.expect_response("**/report/"):
            amina.page.click("form[action$='/report/'] button")

        anna.go(f"{desk}1/")
        taken(anna, "form[action*='/files/'] button", offline / "voucher")
        assert (offline / "voucher").read_bytes() == b"receipt of 5 BTC\n"
        anna.page.click("form[action$='/settle/'] button[value=accepted]")
        anna.page.wait_for_selector("form[action$='/settle/']:not(:has(button[value=accepted]))")

        tip = height(source)
        anna.page.select_option("#id_kind", "coins")
        anna.page.fill("#id_size", "2")
        anna.page.fill("#id_height", str(tip))  # a hash that everybody knows
        anna.page.click("#announce button")
        assert "draws nothing" in anna.page.inner_text(".problems")
        anna.picture("refused")
        anna.page.fill("#id_height", str(tip + 1))
        anna.page.click("#announce button")
        anna.page.wait_for_url("**/samples/1/")
        taken(anna, "form[action$='/file/'] button", offline / "announcement.json")
        anna.page.click("#draw button")
        assert "6 deep" in anna.page.inner_text(".problems")
        mine(source, blocks=6)
        anna.page.click("#draw button")
        anna.page.wait_for_selector("section.drawn")
        found = anna.page.locator("section.drawn").count()
        for number in range(1, found + 1):
            anna.page.select_option(f"#id_outcome_{number}", "agrees")
            anna.page.fill(f"#id_note_{number}", "seen")
            anna.page.click(f"section.drawn:nth-of-type({number}) button")
            anna.page.wait_for_selector(f"section.drawn:nth-of-type({number}) .note")
        anna.picture("drawn")

        anna.go(f"{desk}1/")
        assert DRAWN[language] in anna.page.inner_text("#samples ~ .table")
        anna.page.click("#write")
        anna.page.select_option("#id_opinion", "qualified")
        for code, reason in REASON.items():
            anna.page.fill(f"#id_scope_{code}", "A – B")
            anna.page.fill(f"#id_excluded_{code}", "C")
            anna.page.fill(f"#id_reasons_{code}", reason)
        anna.picture("opinion")
        taken(anna, "#opinion-out button", offline / "opinion.json")
        sign = ["auditor", "sign", str(offline / "opinion.json")]
        office_key = str(offline / "key-1")
        out = ["--out", str(offline / "signed.json")]
        assert "is another" in " ".join(khazana(*sign, "--key", office_key, *out, status=2).split())
        khazana(*sign, "--key", key, *out)
        anna.go(f"{desk}1/")
        anna.page.set_input_files("#id_signed", str(offline / "signed.json"))
        anna.page.click("#opinion-in button")
        anna.page.wait_for_selector("#opinion ~ section.card")

        bilal.go(f"/{language}/desk/")
        bilal.page.click("main .card a[href*='/audits/1/']")
        bilal.page.click("form[action$='/opinion/publish/'] button")
        bilal.page.wait_for_selector("#opinion ~ section.card .note")
        bilal.picture("published")
        root = re.search(r'"root":"([0-9a-f]{64})"', shown.read_text())[1]
        reloaded(bilal, f"/{language}/statements/{root}/", "#opinions")
        opinion = bilal.page.inner_text("section.opinion")
        assert QUALIFIED[language] in opinion
        assert REASON[language] in opinion
        bilal.picture("public")
        bilal.page.set_viewport_size({"width": 360, "height": 800})
        bilal.picture("public-narrow")

        reloaded(anna, f"{desk}1/", "#report")
        anna.picture("audit")
        taken(anna, "#papers-out button", offline / "papers.tar")
        anna.page.set_viewport_size({"width": 360, "height": 800})
        anna.picture("audit-narrow")
        noted = [text for each in people.values() for text in each.complaints]
        assert [text for text in noted if "status of 422" not in text] == []

    lines = khazana("auditor", "papers", str(offline / "papers.tar"), "--chain", source)
    assert "FAILED" not in lines
    assert "khazana verify ended with status" in lines
    drawn = khazana(
        "auditor", "sample", str(offline / "announcement.json"), "--statement", str(shown),
        "--chain", source,
    )  # fmt: skip
    assert f"drawn by block {tip + 1}" in drawn
    assert len(re.findall(r" sat\b", drawn)) == found
    auditor = re.search(r"--auditor ([0-9a-f]{64})", opinion)[1]
    words = ["verify", str(shown), "--chain", source, "--office", fingerprint]
    report = khazana(*words, "--auditor", auditor, "--json", status=None)
    checks = json.loads(report)["checks"]
    assert [each for each in checks if each["verdict"] == "failed"] == []
    evidence = next(each for each in checks if each["name"] == "evidence")
    assert evidence["verdict"] == "passed"
    stranger = ["--auditor", "00" * 32]
    assert "carries no opinion" in khazana(*words, *stranger, status=2)
