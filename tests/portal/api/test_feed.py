"""The feed is valid Atom: what RFC 4287 requires is there, and names stay what they are."""

import re
from datetime import datetime
from xml.etree import ElementTree

import pytest

from khazana.portal.statement.models import OfficeRow, StatementRow
from khazana.reserve.reading import read_reserve_statement
from tests.reserve.world import story

ATOM = "{http://www.w3.org/2005/Atom}"
TAG = re.compile(r"tag:[A-Za-z0-9.-]+,\d{4}-\d{2}-\d{2}:[a-z]{2}/[0-9a-z/-]+")
INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
LANGUAGES = {
    "en": "/feed.atom",
    "ur": "/feed-ur.atom",
    "ar": "/feed-ar.atom",
    "es": "/feed-es.atom",
}


def read(client, address="/feed.atom"):
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/atom+xml")
    return ElementTree.fromstring(answer.content)


def one(element, name):
    """The text of an element that RFC 4287 asks for exactly once."""
    found = element.findall(f"{ATOM}{name}")
    assert len(found) == 1, name
    assert found[0].text
    return found[0].text


def replaced(published):
    """As if the second statement had replaced the first."""
    first, second = (read_reserve_statement(raw).root for raw in (story().first, story().second))
    StatementRow.objects.filter(root=second).update(supersedes=first)
    return first, second


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_feed_has_all_that_atom_requires(published, client, language):
    replaced(published)
    feed = read(client, LANGUAGES[language])
    assert feed.tag == f"{ATOM}feed"
    assert feed.get("{http://www.w3.org/XML/1998/namespace}lang") == language
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == 3
    for element in (feed, *entries):
        assert TAG.fullmatch(one(element, "id"))
        assert one(element, "title")
        assert INSTANT.fullmatch(one(element, "updated"))
        assert element.find(f"{ATOM}author/{ATOM}name").text
        for link in element.findall(f"{ATOM}link"):
            assert link.get("href").startswith("http://testserver/")
            assert link.get("rel") in ("self", "alternate", "enclosure")
            assert client.get(link.get("href")).status_code == 200
    assert len({one(entry, "id") for entry in entries}) == len(entries)
    assert one(feed, "updated") == max(one(entry, "updated") for entry in entries)


def test_the_order_is_newest_first_and_roots_are_said(published, client):
    roots = [row.root for row in StatementRow.objects.order_by("-until_height")]
    summaries = [one(entry, "summary") for entry in read(client).findall(f"{ATOM}entry")]
    assert len(summaries) == len(roots)
    for root, summary in zip(roots, summaries, strict=True):
        assert root in summary
        assert "test network, invented figures" in summary


def test_a_replacement_is_an_event_of_its_own(published, client):
    first, second = replaced(published)
    entries = read(client).findall(f"{ATOM}entry")
    found = [entry for entry in entries if "/replaced/" in one(entry, "id")]
    assert len(found) == 1
    assert first in one(found[0], "summary")
    assert second in one(found[0], "summary")
    links = {link.get("rel"): link.get("href") for link in found[0].findall(f"{ATOM}link")}
    assert second in links["alternate"]


def test_names_of_entries_stay_when_the_address_and_the_evidence_change(published, client):
    before = {one(entry, "id") for entry in read(client).findall(f"{ATOM}entry")}
    StatementRow.objects.update(signed_at=None)
    answer = client.get("/feed.atom", headers={"host": "localhost"})
    feed = ElementTree.fromstring(answer.content)
    assert {one(entry, "id") for entry in feed.findall(f"{ATOM}entry")} == before
    # Where nobody signed, the time is that of the period's end.
    newest = StatementRow.objects.first().until_mtp
    assert datetime.fromisoformat(one(feed, "updated")) == newest


@pytest.mark.parametrize("language", ["ur", "ar", "es"])
def test_the_feed_speaks_its_language_whatever_the_reader_asks_for(published, client, language):
    english = one(read(client), "title")
    answer = client.get(LANGUAGES[language], headers={"accept-language": "en"})
    assert answer.headers["Content-Language"] == language
    assert one(ElementTree.fromstring(answer.content), "title") != english


def test_what_xml_cannot_hold_is_left_out(published, client):
    OfficeRow.objects.update(
        name={"en": "Off\x0bice <&> \ud800".encode("utf-8", "replace").decode()}
    )
    assert one(read(client), "title") == "Statements of Office <&> ?"


@pytest.mark.django_db
def test_a_feed_without_entries_is_valid_too(client):
    feed = read(client)
    assert TAG.fullmatch(one(feed, "id"))
    assert INSTANT.fullmatch(one(feed, "updated"))
    assert feed.findall(f"{ATOM}entry") == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_announces_the_feed_of_its_language(published, client, language):
    text = client.get(f"/{language}/").content.decode()
    link = re.search(r'<link rel="alternate" type="application/atom\+xml"[^>]*>', text)[0]
    assert f'href="{LANGUAGES[language]}"' in link


def test_other_languages_have_no_feed(published, client):
    assert client.get("/feed-fr.atom").status_code == 404


def test_who_has_the_newest_feed_is_told_so(published, client):
    mark = client.get("/feed.atom").headers["ETag"]
    assert client.get("/feed.atom", headers={"if-none-match": mark}).status_code == 304


def test_the_number_of_queries_does_not_grow(published, client, django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        client.get("/feed.atom")
