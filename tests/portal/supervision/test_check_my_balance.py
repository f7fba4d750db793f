"""The page on which a customer checks a slip: what it names and what it serves."""

import pytest

pytest.importorskip("django")

from khazana.portal.statement.importing import import_folder
from khazana.portal.supervision.script import script
from khazana.supervision.solvency.page.build import built, verifier
from tests.portal.publication import write_publication
from tests.portal.supervision.providers import write_providers

pytestmark = pytest.mark.django_db


@pytest.fixture
def providers(tmp_path):
    folder = write_publication(tmp_path / "publication")
    published = write_providers(folder)
    import_folder(folder, own=True)
    return published


def test_the_page_names_the_files_of_every_published_root(client, providers):
    page = client.get("/en/check-my-balance/").content.decode()
    for number, each in providers.items():
        assert f'data-root="{each.epoch.trees[0].root}"' in page
        path = f"providers/chinar-exchange/{number:04}"
        for name in ("epoch.json", "liabilities-BTC.level.bin"):
            (address,) = {word.split('"')[1] for word in page.split() if f"{path}/{name}" in word}
            assert client.get(address).status_code == 200
    assert page.count('data-newer="1"') == 1


def test_the_script_is_the_saved_pages_own_verifier(client):
    answer = client.get("/files/check-my-balance.js")
    assert answer.content == script()
    assert verifier().encode() in script()
    assert verifier() in built().html.decode()
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    again = client.get("/files/check-my-balance.js", headers={"if-none-match": answer["ETag"]})
    assert again.status_code == 304
    assert client.post("/files/check-my-balance.js").status_code == 405


def test_the_page_has_nothing_inline_and_no_form_that_sends(client, providers):
    page = client.get("/en/check-my-balance/").content.decode()
    assert "style=" not in page
    assert "<script>" not in page
    form = page[page.index("<form") : page.index("</form>")]
    assert "action=" not in form
    assert " name=" not in form


def test_a_slips_address_leads_to_the_page_in_the_readers_language(client):
    answer = client.get("/slip", headers={"accept-language": "ur"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/ur/check-my-balance/")


def test_the_saved_page_is_the_rooms(client):
    answer = client.get("/files/khazana-balance-check.html")
    assert answer.content == built().html
    assert "attachment" in answer.headers["Content-Disposition"]
