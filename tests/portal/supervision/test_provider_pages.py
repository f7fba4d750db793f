"""A provider's pages, table and API: each asset proved, attested or not covered at a block."""

import csv
import io
import json

import pytest

pytest.importorskip("django")

from khazana.portal.statement.importing import import_folder
from khazana.portal.statement.publication import PublicationRefused
from khazana.portal.supervision.models import EpochRow
from tests.portal.publication import write_publication
from tests.portal.supervision.covered import SLUG, write_covered
from tests.portal.supervision.providers import write_providers
from tests.supervision.coverage.scene import honest, recomputed

pytestmark = pytest.mark.django_db
PAGE = f"providers/office/{SLUG}/"


@pytest.fixture
def folder(tmp_path):
    folder = write_publication(tmp_path / "publication")
    write_covered(folder)
    return folder


@pytest.fixture
def shown(folder):
    import_folder(folder, own=True)


def test_each_asset_has_its_status_and_the_share_is_covered_at_a_block(shown, client):
    row = EpochRow.objects.get(epoch=2)
    assert {each["asset"]: each["status"] for each in row.coverage} == {
        "BTC": "proved", "ETH": "not_covered", "PKR": "not_covered", "USDT": "not_covered"
    }  # fmt: skip
    assert row.kept == 1_200_000_000
    page = client.get(f"/en/{PAGE}").content.decode()
    assert "165.5%" in page
    assert f"{row.block_height}" in page
    assert "solvent" not in page.lower().replace("insolvent", "")
    for asset in ("BTC", "ETH", "PKR", "USDT"):
        assert f">{asset}</bdi>" in page
    assert page.count("500,000.00 PKR") == 2
    assert "yes, from the balances of" in page
    assert "<svg" in page
    assert "2,995" in page


def test_every_page_is_there_in_four_languages_with_few_queries(
    shown, client, django_assert_max_num_queries
):
    for language in ("en", "ur", "ar", "es"):
        for page in ("providers/", PAGE, "check-my-balance/"):
            with django_assert_max_num_queries(12):
                answer = client.get(f"/{language}/{page}")
            assert answer.status_code == 200
            again = client.get(f"/{language}/{page}", headers={"if-none-match": answer["ETag"]})
            assert again.status_code == 304


def test_the_tables_and_the_api_say_the_same(shown, client, settings):
    settings.API_RATE = ""
    found = client.get("/api/v1/providers").json()
    assert found["count"] == 2
    newest, oldest = found["items"]
    assert (newest["epoch"], oldest["epoch"]) == (2, 1)
    assert newest["kept_sats"] == 1_200_000_000
    assert newest["recomputed_rows"] == 3
    assert newest["notice"] == "test network, invented figures"
    assert {each["asset"] for each in newest["assets"]} == {"BTC", "ETH", "PKR", "USDT"}
    assert client.get(newest["statement"]).status_code == 200
    assert client.get(newest["trees"][0]["level"]).status_code == 200
    assert client.get("/api/v1/providers?provider=nobody").json()["count"] == 0
    raw = client.get("/tables/providers.csv").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(raw)))
    (head,) = [row for row in rows if row[:2] == ["office", "provider"]]
    lines = [dict(zip(head, row, strict=True)) for row in rows[rows.index(head) + 1 :]]
    assert len(lines) == 4
    first = lines[0]
    assert first["digest"] == newest["digest"]
    assert first["owed_units"] == str(newest["trees"][0]["units"])
    assert first["kept_sat"] == "1200000000"


def test_a_countersignature_by_nobody_known_is_said_to_be_only_a_paper(folder, client):
    (folder / "providers" / "regulator.json").unlink()
    import_folder(folder, own=True)
    page = client.get(f"/en/{PAGE}").content.decode()
    assert "a paper says so, without the regulator's key" in page
    assert client.get("/api/v1/providers").json()["items"][0]["recomputed_rows"] is None


def test_papers_about_another_epoch_are_refused_with_the_whole_folder(folder):
    home = folder / "providers" / SLUG
    other = recomputed(honest().told[1].epoch)
    (home / "0002" / "recomputed.json").write_text(json.dumps(other.to_json()))
    with pytest.raises(PublicationRefused, match=r"0002/recomputed.json: it is of"):
        import_folder(folder, own=True)
    (home / "0002" / "recomputed.json").unlink()
    (home / "0002" / "coverage.json").write_bytes((home / "0001" / "coverage.json").read_bytes())
    with pytest.raises(PublicationRefused, match="not of the epoch statement beside it"):
        import_folder(folder, own=True)
    assert not EpochRow.objects.exists()


def test_a_provider_without_a_coverage_statement_is_not_covered(tmp_path, client):
    folder = write_publication(tmp_path / "publication")
    write_providers(folder)
    import_folder(folder, own=True)
    page = client.get("/en/providers/office/chinar-exchange/").content.decode()
    assert "Not covered by any published coins at block" in page
    assert client.get("/en/providers/").status_code == 200


def test_a_rejected_epoch_says_why_in_the_readers_language(folder, client):
    path = folder / "providers" / SLUG / "0002" / "liabilities-BTC.level.bin"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    import_folder(folder, own=True)
    page = client.get(f"/es/{PAGE}").content.decode()
    assert "El nivel publicado no es de este estado." in page
    assert "level_differs" in page


def test_an_unknown_provider_is_not_found(shown, client):
    assert client.get("/en/providers/office/nobody/").status_code == 404
    assert client.get("/en/providers/nobody/exchange/").status_code == 404
