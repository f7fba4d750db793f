"""Names and texts of a statement are somebody's words: they are shown, never obeyed."""

import pytest

from khazana.portal.reserve.models import FiguresRow, LineRow
from khazana.portal.statement.models import OfficeRow, StatementRow

HOSTILE = "<script>alert(1)</script>\"'&\u202e{{ 7 }}"
PAGES = (
    "",
    "movements/",
    "coins/",
    "two-bars/",
    "corrections/",
    "statements/",
    "conditions/",
    "check/",
    "holdings/perimeter/public-sector/",
    "holdings/wallet/fund/",
)


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_no_name_becomes_markup(published, client, page):
    FiguresRow.objects.update(name={"en": HOSTILE})
    OfficeRow.objects.update(name={"en": HOSTILE}, notice=HOSTILE)
    LineRow.objects.update(document=HOSTILE, reason=HOSTILE)
    StatementRow.objects.update(exclusions=[{"name": HOSTILE, "reason": HOSTILE}])
    text = client.get(f"/en/{page}").content.decode()
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert "&amp;lt;" not in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query",
    ["?at=%00", "?statement=" + "f" * 5000, "?wallet=%22%3E%3Cscript%3E", "?page=-1", "?page=999"],
)
def test_what_is_asked_for_is_no_markup_and_no_crash(published, client, query):
    for page in ("", "movements/", "coins/", "two-bars/"):
        answer = client.get(f"/en/{page}{query}")
        assert answer.status_code in (200, 404)
        assert "<script>" not in answer.content.decode()
