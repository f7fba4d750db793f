"""The mining pages in a browser: charts, tables and questions fit every window and language."""

import json
from pathlib import Path

import pytest

from tests.portal.browser.conftest import served
from tests.portal.browser.test_pages import LANGUAGES, MIRRORED, OUTSIDE, STANDARDS, tab_of

PAGES = ("", "mining/", "mining/site-1/", "mining/site-2/", "mining/site-1/2026-02/")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    from tests.portal.mining.mine import mine

    folder = mine().publish(tmp_path_factory.mktemp("mine"))
    (folder / "publication.json").write_text("{}", encoding="utf-8")
    with served(folder, tmp_path_factory.mktemp("portal")) as found:
        yield found


@pytest.mark.parametrize(
    ("language", "width"), [*((language, 360) for language in LANGUAGES), ("ur", 1100)]
)
def test_mining_fits_its_window_and_keeps_amounts_in_order(address, browser, language, width):
    tab = tab_of(browser, width)
    for page in PAGES:
        assert tab.goto(f"{address}/{language}/{page}").status == 200, page
        tab.evaluate("document.fonts.ready.then(() => true)")
        assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page
        assert tab.evaluate(OUTSIDE) == [], page
        assert tab.evaluate(MIRRORED) == [], page
        assert tab.complaints == [], page
        if page.startswith("mining") and page.count("/") < 3:
            assert tab.locator("svg.chart-months .arrived").count() == 4, page  # and the legend's
    tab.context.close()


@pytest.mark.parametrize("language", ["en", "ur"])
def test_mining_has_no_serious_findings_of_accessibility(address, browser, language):
    axe = pytest.importorskip("axe_playwright_python")
    source = (Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    tab = tab_of(browser, 1100)
    for page in PAGES[1:]:
        tab.goto(f"{address}/{language}/{page}")
        tab.evaluate(source)
        told = tab.evaluate(
            f"axe.run({{runOnly: {json.dumps(STANDARDS)}, resultTypes: ['violations']}})"
        )
        grave = [one for one in told["violations"] if one["impact"] in ("serious", "critical")]
        assert [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in grave] == [], page
    tab.context.close()
