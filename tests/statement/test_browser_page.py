"""The page that checks statements, as people use it in a real browser."""

import base64
import hashlib
import http.server
import threading
from typing import Any

import pytest

from khazana.reserve.verify import ORDER
from khazana.statement.browser_page.build import (
    LANGUAGES,
    content_security_policy,
    page,
    page_words,
)
from tests.reserve.simulator import parts_of, rerooted
from tests.reserve.test_attacks import second
from tests.reserve.test_every_leaf import setting
from tests.reserve.world import story
from tests.statement.agreement import HERE, by_file, disagreements, tampered
from tests.statement.browser import LATER, absent, conclusion, opened, shown, upload


def test_a_reader_checks_a_good_statement_with_the_office_file(fresh, office_file):
    upload(fresh, story().second, office=office_file)
    assert conclusion(fresh) == "passed"
    verdicts = shown(fresh)
    assert list(verdicts) == [*HERE, *(name for name in ORDER if name not in HERE)]
    assert fresh.inner_text("#banner") == "test network, invented figures"
    assert "khazana verify statement.json --office office.json --chain core:" in fresh.inner_text(
        "#command"
    )
    assert "checked twice" in fresh.inner_text("#report")
    assert fresh.evaluate("document.activeElement.id") == "report"


def test_a_fingerprint_is_enough_in_groups_of_four(fresh):
    fingerprint = story().world.identity.fingerprint
    typed = " ".join(fingerprint[i : i + 4] for i in range(0, 64, 4)).upper()
    upload(fresh, story().second, fingerprint=typed)
    assert conclusion(fresh) == "passed"
    assert f"--office {fingerprint} " in fresh.inner_text("#command")


def test_without_a_pin_nobody_is_said_to_have_signed(fresh):
    upload(fresh, story().second)
    assert conclusion(fresh) == "unknown"
    assert shown(fresh)["signatures"] == "not checkable"


@pytest.mark.parametrize("typed", ["00ff", "x" * 64, "ab" * 31])
def test_a_shortened_fingerprint_is_refused(fresh, typed):
    upload(fresh, story().second, fingerprint=typed)
    fresh.wait_for_selector("#problem p")
    assert "can be forged" in fresh.inner_text("#problem")
    assert fresh.is_hidden("#report")


def test_a_bad_office_file_checks_nothing(fresh):
    upload(fresh, story().second, office=b"{}")
    fresh.wait_for_selector("#problem p")
    assert "nothing was checked" in fresh.inner_text("#problem")


def test_checking_nothing_says_what_to_do(fresh):
    fresh.click("#check")
    assert fresh.inner_text("#problem") == "Choose a statement first."


@pytest.mark.parametrize("which", tampered())
def test_each_tampering_is_named_by_its_check(fresh, which, office_file):
    raw, check = tampered()[which]
    upload(fresh, raw, office=office_file)
    assert conclusion(fresh) == "failed"
    assert next(name for name, verdict in shown(fresh).items() if verdict == "failed") == check
    assert disagreements(fresh, [(which, raw)], pin=by_file()) == []


def test_without_the_browsers_cryptography_the_page_checks_by_itself(
    browser, file_url, office_file
):
    context = browser.new_context()
    context.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined });")
    tab = context.new_page()
    tab.clock.set_fixed_time(LATER)
    tab.goto(file_url)
    assert tab.evaluate("crypto.subtle") is None
    upload(tab, story().second, office=office_file)
    assert conclusion(tab) == "passed"
    assert "by this page alone" in tab.inner_text("#report")
    assert disagreements(tab, [(n, raw) for n, (raw, _) in tampered().items()], pin=by_file()) == []
    context.close()


class _Served(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", content_security_policy())
        self.end_headers()
        self.wfile.write(page())

    def log_message(self, *args: Any) -> None:
        """Quiet."""


def test_the_page_works_on_plain_http_under_its_own_policy(browser, office_file):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Served)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        tab = opened(browser, f"http://127.0.0.1:{server.server_port}/check.html")
        upload(tab, story().second, office=office_file)
        assert conclusion(tab) == "passed"
        assert [text for text in tab.complaints if "favicon" not in text] == []
        tab.context.close()
    finally:
        server.shutdown()
        server.server_close()


def test_the_policy_stops_every_other_script_and_every_connection(browser, file_url):
    tab = opened(browser, file_url)
    tab.evaluate(
        """() => { globalThis.broken = [];
        document.addEventListener("securitypolicyviolation", (event) =>
          broken.push(event.effectiveDirective));
        const script = document.createElement("script");
        try { script.textContent = "globalThis.ran = true"; document.body.append(script); }
        catch { broken.push("trusted-types"); } }"""
    )
    tab.evaluate("() => fetch('http://127.0.0.1:9/').catch(() => null)")
    tab.evaluate("() => { const i = new Image(); i.src = 'http://127.0.0.1:9/x.png'; }")
    tab.wait_for_function("broken.length >= 3")
    assert tab.evaluate("globalThis.ran") is None
    assert {"connect-src", "img-src"} <= set(tab.evaluate("broken"))
    tab.context.close()


def test_files_can_be_dropped_on_the_page(fresh, office_file):
    fresh.evaluate(
        """([statement, office]) => {
          const data = new DataTransfer();
          data.items.add(new File([office], "office.json"));
          data.items.add(new File([statement], "my statement.json"));
          document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
        }""",
        [story().second.decode(), office_file.decode()],
    )
    assert conclusion(fresh) == "passed"
    assert "khazana verify 'my statement.json' --office office.json" in fresh.inner_text("#command")


def test_the_command_is_safe_to_paste_whatever_the_file_is_called(fresh, office_file):
    for name, quoted in (
        ("a'b; rm x.json", "'a'\\''b; rm x.json'"),
        ("--help", "./--help"),
        ("\u202ex$(id).json", "'\\u202ex$(id).json'"),
    ):
        fresh.set_input_files(
            "#statement",
            {"name": name, "mimeType": "application/json", "buffer": story().second},
        )
        fresh.click("#check")
        conclusion(fresh)
        assert fresh.inner_text("#command").startswith(f"khazana verify {quoted} --office ")


def test_text_from_a_file_stays_text(fresh, office_file):
    told = story()
    evil = "<img src=x onerror=alert(1)>\u202ereversed\x07"
    raw = told.world.signed(
        rerooted(second(told), setting("header", ("office", "name", "en"), evil))
    )
    upload(fresh, raw, office=office_file)
    assert conclusion(fresh) == "passed"
    assert fresh.query_selector("#report img") is None
    assert "<img src=x onerror=alert(1)>\\u202ereversed\\u0007" in fresh.inner_text("#report")


def big_statement(entries: int) -> bytes:
    """An honest statement to which many entries of no amount are added, rooted and signed."""
    told = story()
    base = second(told)
    template = next(b for n, b in parts_of(base).items() if n.startswith("entry/"))

    def change(parts: Any) -> None:
        for n in range(entries):
            txid = hashlib.sha256(b"entry %d" % n).hexdigest()
            parts[f"entry/{txid}"] = {**template, "txid": txid, "position": 1000 + n}

    return told.world.signed(rerooted(base, change))


COUNT_TURNS = """async (file) => {
  const bytes = Uint8Array.from(atob(file), (unit) => unit.charCodeAt(0));
  let [turns, beats] = [0, 0];
  const beat = setInterval(() => { beats += 1; }, 1);
  await khazana.checkFile(bytes, null, Date.now());
  clearInterval(beat);
  await khazana.checkFile(bytes, null, Date.now(), () => { turns += 1; });
  return [turns, beats];
}"""


def test_ten_thousand_entries_do_not_hold_the_page_up(browser, file_url):
    raw = big_statement(10_000)
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(file_url)
    turns, beats = tab.evaluate(COUNT_TURNS, base64.b64encode(raw).decode())
    # Read, shape, canonical text, kind, values, digest and tree: each asks for a turn per entry.
    assert turns > 6 * 10_000
    assert beats > 3
    upload(tab, raw, fingerprint=story().world.identity.fingerprint)
    conclusion(tab)
    assert shown(tab)["balance"] == "passed"
    context.close()


def test_every_language_says_everything_and_nothing_overflows(
    browser, file_url, office_file, tmp_path
):
    for language in LANGUAGES:
        for width in (360, 1200):
            tab = opened(
                browser, f"{file_url}#{language}", viewport={"width": width, "height": 800}
            )
            assert tab.get_attribute("html", "dir") == (
                "rtl" if language in ("ur", "ar") else "ltr"
            )
            tab.screenshot(path=tmp_path / f"{language}-{width}-start.png", full_page=True)
            upload(tab, story().second, office=office_file)
            assert conclusion(tab) == "passed"
            over = tab.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert over <= 0, (language, width)
            words = page_words()
            assert tab.inner_text("h1") == words["page"]["title"][language]
            assert tab.inner_text("#banner") == words["page"]["test_notice"][language]
            assert words["verdict"]["passed"][language] in tab.inner_text("#report")
            for bdi in tab.query_selector_all("td bdi, .name, dd bdi[dir]"):
                assert bdi.get_attribute("dir") == "ltr"
            tab.screenshot(path=tmp_path / f"{language}-{width}.png", full_page=True)
            assert tab.complaints == []
            tab.context.close()


def test_the_language_can_be_switched_after_the_check(fresh, office_file):
    upload(fresh, story().second, office=office_file)
    conclusion(fresh)
    fresh.click("#languages button[lang=ur]")
    assert fresh.get_attribute("html", "lang") == "ur"
    assert page_words()["page"]["here"]["ur"] in fresh.inner_text("#report")


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_serious(browser, file_url, office_file, language):
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        absent("axe-playwright-python is not installed")
    context = browser.new_context(bypass_csp=True)
    tab = context.new_page()
    tab.clock.set_fixed_time(LATER)
    tab.goto(f"{file_url}#{language}")
    for step in ("start", "report", "failed"):
        if step != "start":
            raw = story().second if step == "report" else tampered()["a signature forged"][0]
            upload(tab, raw, office=office_file)
            assert conclusion(tab) == ("passed" if step == "report" else "failed")
        found = Axe().run(tab).response["violations"]
        serious = [v for v in found if v["impact"] in ("serious", "critical")]
        assert serious == [], [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in serious]
    context.close()
