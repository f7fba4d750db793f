"""The mining pages: energy, expectation, arrival, and no good word without its limit."""

import re

import pytest

from khazana.portal.formatting.languages import LANGUAGES
from khazana.portal.mining.showing import programme_of
from khazana.portal.statement.importing import import_folder
from khazana.portal.statement.models import StatementRow
from tests.portal.mining.mine import MONTHS, due_sat, mine


@pytest.fixture
def mined(db, tmp_path):
    folder = mine().publish(tmp_path / "publication")
    import_folder(folder, own=True, chain=mine().world.chain)
    return StatementRow.objects.get()


PAGES = ("mining/", "mining/site-1/", "mining/site-2/", "mining/site-1/2026-02/")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_answers(mined, client, page):
    assert client.get(f"/en/{page}").status_code == 200
