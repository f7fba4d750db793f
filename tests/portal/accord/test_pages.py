"""Agreements and rules on the portal: every language, nothing decided by the page."""

import pytest

from khazana.accord.agreement.shipped import SHIPPED_AGREEMENTS, shipped_agreement
from khazana.accord.comparator.read import shipped_comparison

LANGUAGES = ("en", "ur", "ar", "es")
AGREEMENTS = [shipped_agreement(name) for name in SHIPPED_AGREEMENTS]


def page(client, address, language="en"):
    answer = client.get(f"/{language}/{address}")
    assert answer.status_code == 200, address
    return answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_instrument_is_listed_with_its_class_of_asset(client, language):
    text = page(client, "agreements/", language)
    for each in AGREEMENTS:
        assert each.titles[language] in text
    assert ' style="' not in text


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("agreement", AGREEMENTS, ids=lambda each: each.id)
def test_an_agreement_is_read_in_the_readers_language_beside_the_authentic_one(
    client, language, agreement
):
    text = page(client, f"agreements/{agreement.id}/", language)
    assert agreement.digest in text
    for article in agreement.articles:
        assert article.headings[language] in text
        for sentence in (*article.sentences[language], *article.sentences["en"]):
            assert sentence in text.replace("&#x27;", "'")


@pytest.mark.django_db
def test_a_company_whose_owners_are_unknown_is_shown_so(client):
    assert "no declaration by the company was found" in page(client, "agreements/company-letter/")


@pytest.mark.django_db
def test_rules_of_a_day_are_the_ones_of_that_day(client):
    newest, before = page(client, "rules/"), page(client, "rules/?at=2024-01-01")
    assert "private acceptance is voluntary" in newest
    assert "whoever can must accept it" not in newest
    assert "whoever can must accept it" in before
    assert "private acceptance is voluntary" not in before


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_shows_every_version_of_both_states(client, language):
    for question in shipped_comparison().questions:
        text = page(client, f"rules/{question.id}/", language)
        assert question.words[language] in text.replace("&#x27;", "'")
    text = page(client, "rules/legal-tender/", language)
    assert text.count('class="card"') == 3


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["agreements/none/", "rules/none/"])
def test_what_does_not_exist_is_said_so(client, address):
    assert client.get(f"/en/{address}").status_code == 404
