"""Pictures of the pages for people to look at, and those of the README.

KHAZANA_SCREENSHOTS=DIR writes them; with KHAZANA_PUBLICATION=FOLDER of a demo's office, and
KHAZANA_PUBLICATION_CHAIN=esplora:URL for the dates. The README's are DIR/readme-*.png.
"""

import os
from pathlib import Path

import pytest

from tests.portal.browser.test_pages import LANGUAGES, kinds, tab_of

README = (("home", "en"), ("home", "ur"), ("two-bars", "es"), ("movement", "ar"))
README_BYTES = 120_000


@pytest.fixture
def folder() -> Path:
    named = os.environ.get("KHAZANA_SCREENSHOTS")
    if not named:
        pytest.skip("KHAZANA_SCREENSHOTS names no folder")
    made = Path(named)
    made.mkdir(parents=True, exist_ok=True)
    return made


@pytest.mark.parametrize("width", [1100, 360])
@pytest.mark.parametrize("language", LANGUAGES)
def test_eight_pages_are_drawn(site, browser, folder, language, width):
    tab = tab_of(browser, width)
    for kind, page in kinds(site).items():
        tab.goto(site.url(language, page), wait_until="networkidle")
        path = folder / f"{kind}-{language}-{width}.png"
        tab.screenshot(path=path, full_page=True)
        assert path.stat().st_size > 5_000
    tab.context.close()


@pytest.mark.parametrize(("kind", "language"), README)
def test_pictures_of_the_readme_are_small(site, browser, folder, kind, language):
    tab = tab_of(browser, 960)
    tab.set_viewport_size({"width": 960, "height": 640})
    tab.goto(site.url(language, kinds(site)[kind]), wait_until="networkidle")
    path = folder / f"readme-{kind}-{language}.png"
    tab.screenshot(path=path)
    assert path.stat().st_size < README_BYTES
    tab.context.close()
