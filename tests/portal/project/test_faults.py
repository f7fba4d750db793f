"""What a reader sees where a request is refused, unreadable, or breaks the portal."""

import pytest
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.test import Client

from khazana.portal.project import urls

WORDS = {
    "en": ("This was refused", "This page failed"),
    "ur": ("یہ درخواست رد کر دی گئی", "یہ صفحہ ناکام ہو گیا"),
    "ar": ("رُفض هذا الطلب", "تعذر عرض هذه الصفحة"),
    "es": ("Esto fue rechazado", "Esta página falló"),
}


@pytest.fixture
def broken_home(monkeypatch):
    """The home page raises what the test says."""

    def break_it(error: Exception) -> None:
        def fail(*_args, **_words):
            raise error

        monkeypatch.setattr("khazana.portal.reserve.views.newest_statement", fail)

    return break_it


@pytest.mark.django_db
@pytest.mark.parametrize("language", WORDS)
def test_a_refusal_speaks_the_readers_language(broken_home, client, language):
    broken_home(SuspiciousOperation("made up"))
    answer = client.get(f"/{language}/")
    assert answer.status_code == 400
    assert WORDS[language][0] in answer.content.decode()
    assert "made up" not in answer.content.decode()


def test_a_fault_is_said_in_every_language_without_the_database():
    answer = urls.handler500(HttpRequest())
    page = answer.content.decode()
    assert answer.status_code == 500
    for language, (_, words) in WORDS.items():
        assert words in page
        assert f'lang="{language}"' in page


@pytest.mark.django_db
def test_a_fault_behind_a_page_shows_nothing_of_it(broken_home):
    broken_home(RuntimeError("a secret of the server"))
    answer = Client(raise_request_exception=False).get("/en/")
    assert answer.status_code == 500
    assert "a secret" not in answer.content.decode()
    assert WORDS["es"][1] in answer.content.decode()


@pytest.mark.django_db
def test_a_page_that_may_not_be_seen_says_so(rf):
    answer = urls.handler403(rf.get("/en/"))
    assert answer.status_code == 403
    assert "Sign in as somebody who may" in answer.content.decode()
