"""A customer checks a slip on the portal: in the browser, and nothing of it is sent."""

import pytest

from khazana.supervision.solvency.page.build import page_words
from tests.portal.browser.test_pages import tab_of
from tests.portal.supervision.providers import write_providers
from tests.supervision.solvency.test_page import PNG, READS_PHOTOS

LANGUAGES = ("en", "ur", "ar", "es")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return write_providers(tmp_path_factory.mktemp("providers"))


@pytest.fixture
def tab(browser, site):
    opened = tab_of(browser, 360)
    opened.sent = []
    opened.on(
        "request",
        lambda request: opened.sent.append(f"{request.url} {request.headers} {request.post_data}"),
    )
    opened.goto(site.url("en", "check-my-balance/"))
    return opened


def asked(tab, *, slip="", words="", balance="", digest=""):
    """Fill the form, check, and give the reason for rejecting, "" where the slip passes."""
    tab.fill("#slip-text", slip)
    tab.fill("#words", words)
    tab.fill("#balance", balance)
    tab.fill("#digest", digest)
    # Whatever the last check said must not be taken for what this one says.
    tab.evaluate(
        """for (const note of ["nothing-given", "not-published", "not-fetched"])
             document.getElementById(note).hidden = true;
           document.getElementById("report").replaceChildren();"""
    )
    tab.click("#check")
    tab.wait_for_selector("#report:not([hidden]) p, #nothing-given:not([hidden]), "
                          "#not-published:not([hidden]), #not-fetched:not([hidden])")  # fmt: skip
    for note in ("nothing-given", "not-published", "not-fetched"):
        if tab.is_visible(f"#{note}"):
            return note
    return tab.get_attribute("#report", "data-reason")


def test_a_slip_passes_and_every_wrong_one_is_rejected_by_name(tab, published):
    newest, older = published[8], published[7]
    text = newest.slip(0).to_qr_text()
    assert asked(tab) == "nothing-given"
    assert asked(tab, slip=text, words="words 0", balance="1.23456789") == ""
    said = tab.inner_text("#report")
    assert "Your balance is in the total" in said
    assert "1.23456789 BTC" in said
    assert "Chinar Exchange · epoch 8" in said
    assert newest.epoch.digest in said
    assert not tab.is_visible("#newer")
    assert asked(tab, slip=older.slip(0).to_text(), words=" words 0 ") == ""
    assert tab.is_visible("#newer")
    assert asked(tab, slip=text, words="words 1") == "not_in_tree"
    assert page_words()["reason"]["not_in_tree"]["en"] in tab.inner_text("#report")
    assert asked(tab, slip=text, words="words 0", balance="1.3") == "balance_differs"
    assert asked(tab, slip=text, words="words 0", balance="1,3") == "balance_differs"
    assert asked(tab, slip=text, words="words 0", digest="00" * 32) == "other_statement"
    assert asked(tab, slip=text[:-8], words="words 0") == "slip_malformed"
    assert asked(tab, slip=f"KSS1.{'A' * 200}", words="words 0") == "slip_malformed"
    assert tab.complaints == []


def test_a_slip_of_a_statement_that_is_not_published_here_is_told_apart(tab, published):
    slip = published[8].slip(0)
    stranger = published[8].slip(0).to_bytes().replace(slip.root, bytes(32))
    tab.set_input_files(
        "#slip", {"name": "my.slip", "mimeType": "application/octet-stream", "buffer": stranger}
    )
    assert asked(tab, words="words 0") == "not-published"


def test_nothing_of_the_slip_leaves_the_browser(browser, site, published):
    slip = published[8].slip(0)
    tab = tab_of(browser, 360)
    sent = []
    tab.on(
        "request",
        lambda request: sent.append(f"{request.method} {request.url} {request.post_data}"),
    )
    tab.goto(f"{site.address}/slip#{slip.to_qr_text()}")
    tab.wait_for_selector("#form:not([hidden])")
    assert tab.url.endswith("/check-my-balance/")
    assert tab.input_value("#slip-text") == slip.to_qr_text()
    tab.fill("#words", "words 0")
    tab.click("#check")
    tab.wait_for_selector("#report:not([hidden]) p")
    assert tab.get_attribute("#report", "data-reason") == ""
    asked_for = " ".join(sent)
    assert "liabilities-BTC.level.bin" in asked_for
    for secret in ("KSS1", slip.to_qr_text()[40:80], "words", "1.23456789"):
        assert secret not in asked_for
    assert not any(line.startswith("POST") for line in sent)
    assert tab.complaints == []


def test_a_photo_is_read_where_the_browser_reads_codes(tab, published):
    photo = {"name": "photo.png", "mimeType": "image/png", "buffer": PNG + bytes(100)}
    tab.set_input_files("#slip", photo)
    assert asked(tab, words="words 0") == "slip_malformed"
    tab.evaluate(READS_PHOTOS, published[8].slip(0).to_qr_text())
    assert asked(tab, words="words 0") == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answer_is_in_the_readers_language(browser, site, published, language):
    tab = tab_of(browser, 360)
    tab.goto(site.url(language, "check-my-balance/"))
    assert asked(tab, slip=published[8].slip(1).to_qr_text(), words="words 1") == ""
    assert page_words()["page"]["inside"][language] in tab.inner_text("#report")
    assert asked(tab, slip=published[8].slip(1).to_qr_text(), words="words 0") == "not_in_tree"
    assert page_words()["reason"]["not_in_tree"][language] in tab.inner_text("#report")


def test_without_javascript_the_page_says_what_to_do(browser, site):
    tab = tab_of(browser, 360, java_script_enabled=False)
    tab.goto(site.url("en", "check-my-balance/"))
    assert not tab.is_visible("#form")
    assert "needs JavaScript" in tab.inner_text("noscript")
    assert "khazana solvency check" in tab.inner_text("main")
