"""Every page in every language in a browser: nothing is refused, cut, mirrored or out of reach."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.portal.browser.conftest import Site

LANGUAGES = ("en", "ur", "ar", "es")
RTL = ("ur", "ar")
FIRST_VISIT_BYTES = 500_000
STANDARDS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]

OUTSIDE = """() => {
  const inside = (e) => e.closest('.table, .drawing, .command, .sections, .skip');
  return [...document.querySelectorAll('body *')].filter((e) => {
    const box = e.getBoundingClientRect();
    return box.width && !inside(e) && (box.right > innerWidth + 1 || box.left < -1);
  }).slice(0, 5).map((e) => `${e.tagName}.${e.className} ${e.textContent.slice(0, 60)}`);
}"""
"""What sticks out of the window without being in a region that scrolls."""

MIRRORED = """() => [...document.querySelectorAll('.amount, .mono, bdi[dir=ltr]')].filter((e) => {
  if (getComputedStyle(e).direction !== 'ltr') return true;
  const text = e.firstChild;
  if (!text || text.nodeType !== 3 || text.length < 2) return false;
  const place = (at) => {
    const range = document.createRange();
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    return range.getBoundingClientRect();
  };
  const [first, last] = [place(0), place(text.length - 1)];
  return first.width && last.width && Math.abs(first.top - last.top) < 2 && last.left < first.left;
}).map((e) => e.textContent)"""
"""Amounts, addresses and hashes whose last character stands left of the first."""


def tab_of(browser: Any, width: int, **options: Any) -> Any:
    """A tab that remembers what the browser complained of, refused content included."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, reduced_motion="reduce", **options
    )
    tab = context.new_page()
    tab.complaints = []
    tab.on("console", lambda message: tab.complaints.append(message.text))
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    return tab


@pytest.mark.parametrize("width", [1100, 360])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_fits_its_window_and_keeps_amounts_in_order(site, browser, language, width):
    tab = tab_of(browser, width)
    for page in site.pages:
        answer = tab.goto(site.url(language, page))
        assert answer.status == 200, page
        tab.evaluate("document.fonts.ready.then(() => true)")  # swapping fonts moves text
        assert tab.get_attribute("html", "lang") == language
        assert tab.get_attribute("html", "dir") == ("rtl" if language in RTL else "ltr")
        assert tab.locator("h1").count() == 1, page
        assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (
            page,
            tab.evaluate(OUTSIDE),
        )
        assert tab.evaluate(OUTSIDE) == [], page
        assert tab.evaluate(MIRRORED) == [], page
        assert tab.complaints == [], page
    tab.context.close()


@pytest.mark.parametrize("language", ["en", "ur"])
def test_no_page_has_serious_findings_of_accessibility(site, browser, language):
    axe = pytest.importorskip("axe_playwright_python")
    source = (Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    tab = tab_of(browser, 1100)
    found = {}
    for page in site.pages:
        tab.goto(site.url(language, page))
        tab.evaluate(source)
        told = tab.evaluate(
            f"axe.run({{runOnly: {json.dumps(STANDARDS)}, resultTypes: ['violations']}})"
        )
        grave = [
            f"{one['id']}: {one['nodes'][0]['html'][:160]}"
            for one in told["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        if grave:
            found[page] = grave
    tab.context.close()
    assert found == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_first_visit_is_light(site, browser, language):
    tab = tab_of(browser, 360)
    done: list[Any] = []
    tab.on("requestfinished", lambda request: done.append(request))
    tab.goto(site.url(language), wait_until="networkidle")
    tab.evaluate("document.fonts.ready.then(() => true)")
    sizes = {each.url: each.sizes() for each in done}
    carried = sum(one["responseBodySize"] + one["responseHeadersSize"] for one in sizes.values())
    fonts = [url for url in sizes if url.endswith(".woff2")]
    assert len(fonts) == (2 if language in RTL else 1), fonts
    assert carried <= FIRST_VISIT_BYTES
    assert all(url.startswith(site.address) for url in sizes), "nothing comes from elsewhere"
    tab.context.close()


def test_pages_work_without_javascript(site, browser):
    tab = tab_of(browser, 360, java_script_enabled=False)
    for page in site.pages:
        assert tab.goto(site.url("ur", page)).status == 200
        assert tab.locator("main h1").is_visible(), page
    tab.goto(site.url("en", "movements/"))
    options = tab.locator("select[name=reason] option").all()
    tab.select_option("select[name=reason]", options[1].get_attribute("value"))
    tab.click("main form button")
    tab.wait_for_url("**reason=**")
    tab.click(".languages a[lang=ar]")
    tab.wait_for_url("**/ar/movements/**")
    assert "reason=" in tab.url, "what was asked for stays when the language changes"
    assert not tab.locator("#renewed").is_visible()
    tab.context.close()


@pytest.mark.parametrize("language", ["en", "ur"])
def test_the_keyboard_reaches_the_content_first(site, browser, language):
    tab = tab_of(browser, 360)
    tab.goto(site.url(language))
    tab.keyboard.press("Tab")
    skip = tab.locator("a.skip")
    assert skip.evaluate("e => e === document.activeElement")
    box = skip.bounding_box()
    assert box["x"] >= 0
    assert box["y"] >= 0
    tab.keyboard.press("Enter")
    tab.wait_for_url("**#content")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.closest('main') !== null")
    tab.context.close()


def test_every_section_is_reachable_and_the_open_one_is_marked(site, browser):
    tab = tab_of(browser, 360)
    tab.goto(site.url("en"))
    links = tab.locator("footer .sections a")
    addresses = [link.get_attribute("href") for link in links.all()]
    above = tab.locator(".masthead .sections a")
    assert addresses == [link.get_attribute("href") for link in above.all()]
    assert len(set(addresses)) == len(addresses) >= 15
    for address in addresses:
        tab.goto(f"{site.address}{address}")
        marked = tab.locator(".masthead .sections a[aria-current=page]")
        assert marked.get_attribute("href") == address
    tab.context.close()


@pytest.mark.parametrize("language", ["en", "ur"])
def test_paper_carries_the_figures_without_the_buttons(site, browser, language):
    tab = tab_of(browser, 700)
    tab.goto(site.url(language))
    tab.emulate_media(media="print")
    assert tab.locator(".lead").is_visible()
    for hidden in (".masthead .sections", ".languages", ".button >> nth=0"):
        assert not tab.locator(hidden).is_visible(), hidden
    tab.context.close()


def test_a_page_that_is_not_there_is_said_in_the_readers_language(site, browser):
    tab = tab_of(browser, 360)
    answer = tab.goto(site.url("ur", "nowhere/"))
    assert answer.status == 404
    assert tab.get_attribute("html", "dir") == "rtl"
    assert "یہاں کچھ نہیں" in tab.locator("h1").inner_text()
    tab.context.close()


def kinds(site: Site) -> dict[str, str]:
    """The eight pages of the screenshots."""
    return {
        "home": "",
        "movements": "movements/",
        "movement": site.page_of("movements/"),
        "two-bars": "two-bars/",
        "coins": "coins/",
        "statement": site.page_of("statements/"),
        "conditions": "conditions/",
        "check": "check/",
    }
