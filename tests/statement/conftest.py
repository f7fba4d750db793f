"""A browser with the page that checks statements, for the tests that need one."""

from collections.abc import Iterator
from typing import Any

import pytest

from khazana.statement.browser_page.build import page
from khazana.statement.office_file import write_office
from tests.reserve.world import story
from tests.statement.browser import chromium, opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for a module's tests."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def file_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page on disk."""
    path = tmp_path_factory.mktemp("page") / "check.html"
    path.write_bytes(page())
    return path.as_uri()


@pytest.fixture(scope="module")
def tab(browser: Any, file_url: str) -> Iterator[Any]:
    """One tab for a module's tests; it asks for nothing but the page."""
    made = opened(browser, file_url)
    yield made
    assert made.complaints == []
    assert made.asked == [file_url]
    made.context.close()


@pytest.fixture
def fresh(browser: Any, file_url: str) -> Iterator[Any]:
    """A tab of a test's own."""
    made = opened(browser, file_url)
    yield made
    assert made.complaints == []
    made.context.close()


@pytest.fixture
def office_file() -> bytes:
    """The office.json of the story's office."""
    return write_office(story().world.identity)
