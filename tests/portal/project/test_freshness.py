"""Readers who have the newest page are told so without drawing it again."""

import pytest

from khazana.portal.statement.importing import import_folder
from tests.reserve.world import story


@pytest.mark.django_db
def test_what_the_reader_has_is_not_sent_again(published, client, django_assert_max_num_queries):
    first = client.get("/en/")
    with django_assert_max_num_queries(3):
        again = client.get("/en/", headers={"if-none-match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.django_db
def test_every_language_and_every_question_has_a_mark_of_its_own(published, client):
    pages = ("/en/", "/ur/", "/en/?at=2011-05-01", "/en/movements/")
    marks = [client.get(page).headers["ETag"] for page in pages]
    assert len(set(marks)) == len(pages)


@pytest.mark.django_db
def test_something_newly_published_changes_the_mark(published, client):
    before = client.get("/en/").headers["ETag"]
    assert client.get("/en/").headers["ETag"] == before
    (published / "prices.csv").write_text("at,venue,rule,base,currency,price\n", encoding="utf-8")
    import_folder(published, own=True, chain=story().world.chain)
    assert client.get("/en/").headers["ETag"] != before


@pytest.mark.django_db
def test_what_is_not_found_has_no_mark(client):
    assert "ETag" not in client.get("/en/nothing/").headers
