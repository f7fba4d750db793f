"""The pages of the reserve say what the statement says, in every language."""

import pytest

from khazana.portal.formatting.amounts import btc_text
from khazana.portal.reserve.models import MovementRow
from khazana.portal.statement.models import ReportRow, StatementRow
from khazana.portal.words.read import word
from khazana.reserve.reading import read_reserve_statement
from tests.reserve.world import story

LANGUAGES = ("en", "ur", "ar", "es")
PAGES = (
    "",
    "movements/",
    "coins/",
    "two-bars/",
    "corrections/",
    "claims/",
    "conditions/",
    "explained/",
    "explained/questions-of-law/",
    "statements/",
    "check/",
    "holdings/perimeter/public-sector/",
    "holdings/entity/treasury/",
    "holdings/wallet/fund/",
    "holdings/account/exchange/",
    f"movements/{story().transfer}/",
    f"movements/{story().unexplained}/",
)


def page(client, address, language="en"):
    answer = client.get(f"/{language}/{address}")
    assert answer.status_code == 200, address
    return answer.content.decode()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("address", PAGES)
def test_every_page_answers_in_every_language(published, client, address, language):
    text = page(client, address, language)
    assert "test-banner" in text
    assert ' style="' not in text


def test_the_first_page_names_what_the_public_sector_held(published, client):
    figures = read_reserve_statement(story().second).perimeters["public-sector"].figures
    text = page(client, "")
    assert btc_text(figures.closing) in text
    assert btc_text(figures.grades.a) in text


def test_as_of_a_day_says_what_was_held_then(published, client):
    row = MovementRow.objects.filter(txid=story().purchase).get()
    text = page(client, f"?at={row.median_time:%Y-%m-%d}")
    assert "note" in text
    assert "No published statement covers that day" in page(client, "?at=1999-01-01")


def test_an_unknown_day_is_no_reason_to_fail(published, client):
    page(client, "?at=tomorrow")


@pytest.mark.parametrize(
    "address",
    [
        "movements/" + "0" * 64 + "/",
        "holdings/wallet/nobody/",
        "holdings/nothing/fund/",
        "statements/" + "0" * 64 + "/",
        "coins/?statement=00000000",
    ],
)
def test_what_is_not_published_is_not_found(published, client, address):
    assert client.get(f"/en/{address}").status_code == 404


def test_both_bars_are_shown_with_their_stories(published, client):
    height = MovementRow.objects.get(txid=story().transfer).height
    text = page(
        client, f"two-bars/?watched=wallet/fund&stock=perimeter/public-sector&block={height}"
    )
    assert "20.00000000 BTC" in text
    assert story().transfer[:12] in text


def test_the_number_of_queries_does_not_grow_with_the_number_of_movements(
    published, client, django_assert_max_num_queries
):
    for address in PAGES:
        with django_assert_max_num_queries(20):
            client.get(f"/en/{address}")


def test_the_block_that_was_asked_for_stays_in_its_field(published, client):
    assert 'name="block"' in page(client, "two-bars/")
    assert "Block Node" not in page(client, "two-bars/")
    assert 'value="111"' in page(client, "two-bars/?block=111")


def test_every_line_of_a_period_can_be_cited(published, client):
    statement = read_reserve_statement(story().second)
    figures = statement.perimeters["public-sector"].figures
    text = page(client, "holdings/perimeter/public-sector/")
    for name in ("opening", "inflow", "coinbase", "outflow", "fee", "off_chain", "closing"):
        address = f"cite/{statement.root}/perimeter/public-sector/{name}/"
        amount = getattr(figures, name)
        assert (address in text) == bool(amount), name
        if amount:
            assert btc_text(amount) in page(client, address)


def test_a_figure_that_no_statement_has_cannot_be_cited(published, client):
    root = read_reserve_statement(story().second).root
    for address in (
        f"cite/{root}/perimeter/public-sector/grades/",
        f"cite/{root}/perimeter/public-sector/__class__/",
        f"cite/{root}/wallet/public-sector/closing/",
        f"cite/{'0' * 64}/perimeter/public-sector/closing/",
    ):
        assert client.get(f"/en/{address}").status_code == 404


def test_coins_stand_beside_what_the_portal_found_of_their_control(published, client):
    row = StatementRow.objects.get(root=read_reserve_statement(story().second).root)
    assert "script-level" not in page(client, "coins/")
    table = {
        "columns": ["grade", "satoshi"],
        "rows": [["script-level (BIP-322)", "1"], ["all closing coins", "1"]],
    }
    ReportRow.objects.create(
        statement=row,
        sha256=row.sha256,
        source="core",
        checked_at=row.until_mtp,
        exit_status=0,
        document={"checks": [{"name": "control", "verdict": "passed", "table": table}]},
    )
    text = page(client, "coins/", "es")
    assert word("control_grade", "script-level (BIP-322)", "es") in text
    assert f"/es/statements/{row.root}/#report" in text
