"""The customer's page in a browser: the same corpus, the same reasons, from disk and offline."""

import base64
import json

import pytest

from khazana.supervision.solvency.epoch import epoch_bytes
from khazana.supervision.solvency.page.build import built, page_words, verifier
from khazana.supervision.solvency.tree import build
from tests.statement.browser import chromium, opened
from tests.supervision.solvency.attacks import FILE
from tests.supervision.solvency.trees import customers, level_bytes, plan_for, slip_for, statement

CORPUS = json.loads(FILE.read_bytes())["cases"]

JUDGE = """(cases) => cases.map((each) => {
  try {
    const epoch = readEpoch(utf8Of(each.statement));
    checkStatement(epoch, { pinned: each.pinned, newest: each.newest });
    const slip = readSlip(fromHex(each.slip));
    const level = each.level ? readLevel(fromHex(each.level), epoch, 0) : null;
    const contribution = contributionOf(each.words);
    checkSlip(slip, { epoch, contribution, level, balance: each.balance });
    return null;
  } catch (error) {
    return error.reason ?? String(error);
  }
})"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


def test_the_browser_gives_the_reason_of_every_case(browser):
    tab = browser.new_page()
    tab.add_script_tag(content=verifier())
    found = tab.evaluate(JUDGE, CORPUS)
    assert dict(zip([c["name"] for c in CORPUS], found, strict=True)) == {
        c["name"]: c["reason"] for c in CORPUS
    }


def filled(tab, tree, held, *, words, balance):
    payload = base64.b64encode(epoch_bytes(statement(tree))).decode()
    envelope = json.dumps({"payload": payload, "payloadType": "x", "signatures": []})

    def file(raw):
        return {"name": "file", "mimeType": "application/octet-stream", "buffer": raw}

    tab.set_input_files("#statement", file(envelope.encode()))
    tab.set_input_files("#level", file(level_bytes(tree)))
    tab.fill("#slip-text", slip_for(tree, held, 0).to_text())
    tab.fill("#words", words)
    tab.fill("#balance", balance)
    tab.click("#check")
    tab.wait_for_selector("#conclusion")


def test_a_customer_checks_on_a_saved_page_without_a_network(browser, tmp_path):
    path = tmp_path / "check.html"
    path.write_bytes(built().html)
    held = customers(123_456_789, 5, 10**9)
    tree = build(held, plan_for())
    tab = opened(browser, path.as_uri(), offline=True)
    filled(tab, tree, held, words="words 0", balance="1.23456789")
    said = tab.inner_text("#conclusion")
    assert "Your balance is in the total" in said
    assert "1.23456789 BTC" in said
    assert "11.23456794 BTC" in said
    assert tab.is_visible("#banner")
    for language in ("ur", "ar", "es"):
        tab.click(f"nav button[lang={language}]")
        assert page_words()["page"]["inside"][language] in tab.inner_text("#conclusion")
    filled(tab, tree, held, words="somebody else", balance="")
    tab.wait_for_selector("#conclusion[data-reason=not_in_tree]")
    filled(tab, tree, held, words="words 0", balance="1.3")
    tab.wait_for_selector("#conclusion[data-reason=balance_differs]")
    assert tab.complaints == []
    assert tab.asked == [path.as_uri()]


PNG = b"\x89PNG\r\n\x1a\n"
READS_PHOTOS = """(text) => {
  globalThis.createImageBitmap = async () => ({});
  globalThis.BarcodeDetector = class {
    async detect() { return [{ rawValue: text }]; }
  };
}"""


def test_the_page_takes_the_codes_text_an_address_and_a_photo(browser, tmp_path):
    path = tmp_path / "check.html"
    path.write_bytes(built().html)
    held = customers(123_456_789, 5, 10**9)
    tree = build(held, plan_for())
    text = slip_for(tree, held, 0).to_qr_text()
    tab = opened(browser, path.as_uri(), offline=True)

    filled(tab, tree, held, words="words 0", balance="")

    def said(slip_text):
        tab.fill("#slip-text", slip_text)
        tab.evaluate("document.getElementById('conclusion').remove()")
        tab.click("#check")
        tab.wait_for_selector("#conclusion")
        return tab.get_attribute("#conclusion", "data-reason")

    for given in (text, f"https://x.example/slip#{text}", f"{text[:40]} {text[40:]}"):
        assert said(given) == ""
    for wrong in (text.lower(), text + "A", text[:-1], "KSS1.1", f"{text}#"):
        assert said(wrong) == "slip_malformed"
    tab.set_input_files(
        "#slip", {"name": "photo.png", "mimeType": "image/png", "buffer": PNG + bytes(100)}
    )
    # A desktop's Chromium has no reader of codes; a phone's has one.
    assert said("") == "slip_malformed"
    assert "reads no photos" in tab.inner_text("#conclusion")
    tab.evaluate(READS_PHOTOS, text)
    assert said("") == ""
    assert tab.complaints == []
