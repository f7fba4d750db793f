"""Requests that no reader would make: no failure, no endless work, nothing that is not public."""

import pytest

from khazana.portal.statement import printed
from khazana.portal.statement.models import StatementRow

pytestmark = pytest.mark.django_db


def newest():
    return StatementRow.objects.first()


@pytest.mark.parametrize(
    "query",
    [
        "block=" + "9" * 5000,
        "block=-1",
        "block=%D9%A3",
        "wallet=%00",
        "reason=%00",
        "statement=%00%00%00%00%00%00%00%00",
        "statement=%25%25%25%25%25%25%25%25",
        "page=" + "9" * 5000,
        "addresses=" + "9" * 5000,
        "at=-0001-01-01",
        "at=9999-12-31",
        "watched=wallet/fund&watched=%00",
    ],
)
@pytest.mark.parametrize("page", ["", "movements/", "coins/", "two-bars/", "conditions/"])
def test_no_question_makes_a_page_fail(published, client, page, query):
    assert client.get(f"/en/{page}?{query}").status_code in (200, 404)


@pytest.mark.parametrize(
    "address",
    [
        "/en/movements/%00/",
        "/en/holdings/wallet/%00/",
        "/en/statements/%00%00%00%00%00%00%00%00/",
        "/files/%00/office.json",
        "/files/office/%00",
        "/files/office/..%2f..%2fsecret.key",
        "/files/office//etc/passwd",
        "/fonts/..%2fsecret.woff2",
        "/files/" + "f" * 5000 + "/statement.json",
    ],
)
def test_no_address_leads_elsewhere(published, client, address):
    assert client.get(address).status_code == 404


def test_an_address_with_two_slashes_sends_nobody_to_another_site(client):
    answer = client.get("//evil.example/en")
    assert answer.status_code in (301, 302, 404)
    assert not answer.headers.get("Location", "/").startswith(("//", "http"))


@pytest.mark.parametrize("host", ["evil.example", "localhost@evil.example", "a b", "[::1"])
def test_a_foreign_host_gets_no_page(published, client, host):
    assert client.get("/en/", headers={"host": host}).status_code == 400


def test_a_port_that_is_not_ours_makes_no_pdf_of_its_own(published, client, monkeypatch):
    """Each port of the Host header had a PDF made, and kept it in memory."""
    made = []
    real = printed.statement_pdf

    def counted(*args, **words):
        made.append(words["address"])
        return real(*args, **words)

    monkeypatch.setattr(printed, "statement_pdf", counted)
    address = f"/files/{newest().root}/statement-en.pdf"
    answers = {client.get(address, headers={"host": f"testserver:{n}"}).content for n in (1, 2, 3)}
    assert made == [None]
    assert len(answers) == 1
    client.get(address)
    client.get(address)
    assert made == [None, f"http://testserver/files/{newest().root}/statement.json"]


@pytest.mark.parametrize("file", ["statement.json", "statement-en.pdf", "disclosure-totals.json"])
def test_a_file_that_the_reader_has_is_not_sent_again(published, client, file):
    address = f"/files/{newest().root}/{file}"
    mark = client.get(address).headers["ETag"]
    for held in (mark, f'"x", {mark}', "*", f"W/{mark}"):
        again = client.get(address, headers={"if-none-match": held})
        assert (again.status_code, again.content) == (304, b""), held
    for held in ('"x"', "garbage", ",,,", '"' * 100):
        assert client.get(address, headers={"if-none-match": held}).status_code == 200


@pytest.mark.parametrize("held", ["garbage", '"x", "y"', ",", 'W/"', '"' * 1000])
def test_a_mark_that_is_not_the_pages_gets_the_page(published, client, held):
    assert client.get("/en/", headers={"if-none-match": held}).status_code == 200


def test_a_mark_among_others_and_without_its_weakness_is_the_pages(published, client):
    mark = client.get("/en/").headers["ETag"]
    for held in (f'"x", {mark}', mark.removeprefix("W/")):
        assert client.get("/en/", headers={"if-none-match": held}).status_code == 304


@pytest.mark.parametrize("said", ["*", "xx;q=0", "\xff", "ur;q=2", "en" * 500, ""])
def test_any_wish_for_a_language_is_answered(client, said):
    answer = client.get("/", headers={"accept-language": said})
    assert answer.headers["Location"] in ("/en/", "/ur/", "/ar/", "/es/")
    assert "Accept-Language" in answer.headers["Vary"]


def test_no_page_sets_a_cookie_or_depends_on_one(published, client):
    plain = client.get("/en/")
    client.cookies["django_language"] = "ur"
    again = client.get("/en/")
    assert not plain.cookies
    assert again.headers["ETag"] == plain.headers["ETag"]
    assert 'lang="en"' in again.content.decode()
