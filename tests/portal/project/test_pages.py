"""The frame: languages, headers, and a page for what is not there."""

from decimal import Decimal

import pytest

LANGUAGES = ("en", "ur", "ar", "es")


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_answers_before_anything_is_published(client, language):
    answer = client.get(f"/{language}/")
    assert answer.status_code == 200
    direction = "rtl" if language in ("ur", "ar") else "ltr"
    assert f'lang="{language}" dir="{direction}"' in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_says_that_a_test_network_has_invented_figures(published, client, language):
    assert 'class="test-banner"' in client.get(f"/{language}/").content.decode()


@pytest.mark.django_db
def test_no_page_allows_inline_code_or_foreign_sources(published, client):
    policy = client.get("/en/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.django_db
def test_the_way_in_speaks_the_readers_language(client):
    answer = client.get("/", headers={"accept-language": "ur-PK,ur;q=0.9,en;q=0.5"})
    assert answer.headers["Location"] == "/ur/"


@pytest.mark.django_db
def test_an_address_of_nothing_is_answered_in_words(published, client):
    answer = client.get("/es/nothing-of-the-kind/")
    assert answer.status_code == 404
    assert "<h1>" in answer.content.decode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("700000000", "700,000,000"),
        ("-12090080", "-12,090,080"),
        ("-0.5", "-0.5"),
        ("744267825.60", "744,267,825.60"),
        ("two <b>", "two &lt;b&gt;"),
        ("", ""),
        (Decimal("67932.00"), "67,932.00"),
    ],
)
def test_plain_numbers_of_documents_are_grouped(text, shown):
    from khazana.portal.project.templatetags.khazana import in_groups

    assert in_groups(text) == f'<bdi dir="ltr" class="amount">{shown}</bdi>'
