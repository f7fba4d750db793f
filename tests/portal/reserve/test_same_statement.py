"""A reader who opened an older statement stays with it from page to page."""

import re

import pytest

from khazana.portal.statement.models import StatementRow

ADDRESSES = ("coins/", "two-bars/", "holdings/perimeter/public-sector/", "holdings/wallet/fund/")


@pytest.mark.parametrize("address", ADDRESSES)
def test_links_keep_the_statement_that_was_asked_for(published, client, address):
    oldest = StatementRow.objects.filter(office__own=True).order_by("until_height").first().root
    text = client.get(f"/en/{address}?statement={oldest}").content.decode()
    inside = text.partition("<main")[2].partition("</main>")[0]
    links = re.findall(r'href="([^"]*/(?:holdings|coins)/[^"]*)"', inside)
    assert links
    assert all(f"statement={oldest}" in link for link in links)


@pytest.mark.parametrize("address", ADDRESSES)
def test_links_name_no_statement_where_none_was_asked_for(published, client, address):
    inside = client.get(f"/en/{address}").content.decode().partition("<main")[2]
    pages = re.findall(r'href="([^"]*/(?:holdings|coins)/[^"]*)"', inside.partition("</main>")[0])
    assert not any("statement=" in link for link in pages)


@pytest.mark.parametrize("address", ["coins/", "two-bars/", "movements/"])
def test_filters_keep_it_too(published, client, address):
    root = StatementRow.objects.filter(office__own=True).order_by("until_height").first().root
    text = client.get(f"/en/{address}?statement={root}").content.decode()
    assert f'<input type="hidden" name="statement" value="{root}">' in text
