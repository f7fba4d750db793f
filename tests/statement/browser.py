"""A headless Chromium for tests, where there is one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from tests.reserve.simulator import NOW

LATER = NOW + timedelta(days=1)


def absent(reason: str) -> NoReturn:
    """Skip, or fail where the pipeline promises a browser."""
    if os.environ.get("KHAZANA_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{reason} and KHAZANA_REQUIRE_BROWSER=1")
    pytest.skip(reason)


@contextmanager
def chromium() -> Iterator[Any]:
    """The system's Chromium, driven by playwright."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("playwright is not installed")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        absent("there is no chromium on the path")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def opened(browser: Any, url: str, **options: Any) -> Any:
    """A tab with the page whose clock stands, and which fails the test on any complaint."""
    context = browser.new_context(reduced_motion="reduce", **options)
    tab = context.new_page()
    tab.complaints = []
    tab.on("console", lambda message: tab.complaints.append(message.text))
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.asked = []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.clock.set_fixed_time(LATER)
    tab.goto(url)
    return tab


def upload(tab: Any, raw: bytes, *, office: bytes | None = None, fingerprint: str = "") -> None:
    tab.set_input_files(
        "#statement", {"name": "statement.json", "mimeType": "application/json", "buffer": raw}
    )
    if office is not None:
        tab.set_input_files(
            "#office", {"name": "office.json", "mimeType": "application/json", "buffer": office}
        )
    tab.fill("#fingerprint", fingerprint)
    tab.click("#check")


def conclusion(tab: Any) -> str:
    tab.wait_for_selector("#report:not([hidden]) #conclusion")
    said: str = tab.get_attribute("#conclusion", "data-conclusion")
    return said


def shown(tab: Any) -> dict[str, str]:
    found: dict[str, str] = tab.eval_on_selector_all(
        "[data-check]",
        "items => Object.fromEntries(items.map((i) => [i.dataset.check, i.dataset.verdict]))",
    )
    return found
