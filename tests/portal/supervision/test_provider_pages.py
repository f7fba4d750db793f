"""A provider's pages, table and API: each asset proved, attested or not covered at a block."""

import csv
import io
import json
from datetime import timedelta

import msgspec
import pytest

pytest.importorskip("django")

from django.utils import timezone

from khazana.ledger.canonical import canonical_bytes
from khazana.portal.statement.importing import import_folder
from khazana.portal.statement.publication import PublicationRefused
from khazana.portal.supervision.checking import check_coverage, unchecked_coverage
from khazana.portal.supervision.deriving import COVERAGE_WRONG
from khazana.portal.supervision.models import CoverageReportRow, EpochRow
from khazana.portal.supervision.shown import standing_of
from khazana.statement.dsse import joined, sign
from khazana.statement.office_file import write_office
from khazana.statement.times import read_instant
from khazana.supervision.solvency.epoch import PAYLOAD_TYPE, epoch_bytes
from tests.portal.publication import write_publication
from tests.portal.supervision.covered import SLUG, write_covered
from tests.portal.supervision.providers import write_providers
from tests.reserve.simulator import World, identity
from tests.supervision.coverage.scene import REGULATOR, Scene, honest, recomputed

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
    assert "As the provider states: " in page  # no chain has been asked
    assert "165.5%" in page
    assert "grade-A" not in page
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
    settings.KNOWN_OFFICES = [REGULATOR.fingerprint]
    found = client.get("/api/v1/providers").json()
    assert found["count"] == 2
    newest, oldest = found["items"]
    assert (newest["epoch"], oldest["epoch"]) == (2, 1)
    assert newest["kept_sats"] == 1_200_000_000
    assert newest["recomputed_rows"] == 3
    assert newest["checked"] == "open"
    settings.KNOWN_OFFICES = []
    assert client.get("/api/v1/providers").json()["items"][0]["recomputed_rows"] is None
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
    assert first["checked"] == "open"


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


def rewritten(folder, change):
    """The newest coverage statement with other bytes."""
    path = folder / "providers" / SLUG / "0002" / "coverage.json"
    path.write_bytes(change(path.read_bytes()))


def unsigned(raw):
    return canonical_bytes(json.loads(raw) | {"evidence": []}) + b"\n"


def with_more_coins(raw):
    """Unsigned, and its parts no longer give its root."""
    document = json.loads(raw)
    for part in document["parts"]:
        if part["name"] == "asset/BTC":
            part["body"] |= {"proved": 2 * 10**15, "status": "proved"}
    return canonical_bytes(document) + b"\n"


def told_by_another(raw):
    """Signed with valid keys of the provider, and the coins are not the wallets'."""

    def change(parts):
        parts["asset/BTC"]["proved"] += 10**8

    return honest().published(change=change)


@pytest.mark.parametrize(
    ("change", "check"),
    [(unsigned, "signatures"), (with_more_coins, "root"), (told_by_another, "coverage_totals")],
)
def test_a_coverage_that_any_reader_would_reject_is_shown_as_rejected(
    folder, client, change, check
):
    rewritten(folder, change)
    import_folder(folder, own=True)
    row = EpochRow.objects.get(epoch=2)
    assert row.rejected == COVERAGE_WRONG
    assert row.why.startswith(f"{check}: ")
    page = client.get("/es/providers/").content.decode()
    assert "El estado de cobertura no es lo que dice" in page
    assert "%" not in page.split("<main")[1].split("</article>")[0].replace("100%", "")


def test_a_missing_level_and_a_second_statement_of_an_epoch_are_rejected(folder):
    home = folder / "providers" / SLUG
    (home / "0001" / "liabilities-BTC.level.bin").unlink()
    (home / "0003").mkdir()
    for file in (home / "0002").iterdir():
        (home / "0003" / file.name).write_bytes(file.read_bytes())
    scene = honest()
    other = msgspec.structs.replace(scene.told[2].epoch, software="another tale")
    signed = joined([sign(PAYLOAD_TYPE, epoch_bytes(other), key) for key in scene.world.keys[:2]])
    (home / "0003" / "epoch.json").write_text(json.dumps(signed.to_json()))
    for name in ("coverage.json", "recomputed.json"):
        (home / "0003" / name).unlink()
    import_folder(folder, own=True)
    found = {row.folder[-4:]: row.rejected for row in EpochRow.objects.all()}
    assert found == {
        "0001": "level_needed", "0002": "other_statement", "0003": "other_statement"
    }  # fmt: skip


def test_a_coin_that_two_providers_count_is_shown_with_both(folder):
    """Wallets of the same names have the same scripts in the tests' simulator."""
    rival = Scene(world=World("rival"))
    rival.publish(1)
    write_covered(folder, rival)
    import_folder(folder, own=True)
    rows = EpochRow.objects.filter(provider__slug__in=("exchange", "rival"), rejected="")
    assert not rows.exists()
    for slug, other in (("exchange", "rival"), ("rival", "exchange")):
        row = EpochRow.objects.filter(provider__slug=slug).first()
        assert row.rejected == COVERAGE_WRONG
        assert row.why.startswith("coverage_beside: ")
        assert f"by {other} too" in row.why
    reported(row, 0, **PASSED)
    assert standing_of(row) == "failed"  # whatever a check without the other one said


def test_keys_of_a_provider_whose_identity_had_ended_before_the_block_do_not_count(folder):
    scene = honest()
    at = read_instant(scene.read(scene.told[1].statement).header.block_mtp)
    ended = identity(SLUG, scene.world.keys, since=at - timedelta(days=1), until=at)
    (folder / "providers" / SLUG / "office.json").write_bytes(write_office(ended))
    with pytest.raises(PublicationRefused, match="the provider's keys did not sign it"):
        import_folder(folder, own=True)


def reported(row, exit_status, failed="", **checks):
    return CoverageReportRow.objects.create(
        sha256=row.coverage_sha256,
        fingerprint=row.provider.fingerprint,
        source="esplora",
        checked_at=timezone.now(),
        exit_status=exit_status,
        checks=checks,
        failed=failed,
    )


PASSED = {
    f"coverage_{name}": "passed" for name in ("snapshot", "coins", "borrowed")
}  # fmt: skip


def test_covered_is_said_only_when_a_chain_was_asked_and_every_check_of_the_coins_passed(
    shown, client
):
    row = EpochRow.objects.get(epoch=2)
    report = reported(row, 2, **PASSED | {"coverage_borrowed": "not checkable"})
    assert "As the provider states: " in client.get(f"/en/{PAGE}").content.decode()
    report.delete()
    report = reported(row, 0, **PASSED)
    page = client.get(f"/en/{PAGE}").content.decode()
    first = page.split("<section")[1]
    assert "As the provider states" not in first
    assert "covered at block" in first
    assert "Who controls the coins is not shown." in first
    assert "grade-A" in first
    report.delete()
    reported(row, 1, "coin X is not there", **PASSED | {"coverage_coins": "failed"})
    page = client.get(f"/ur/{PAGE}").content.decode()
    assert "coin X is not there" in page
    assert "grade-A" not in page


def test_the_portals_own_check_runs_the_strangers_command(shown, settings):
    first, second = unchecked_coverage(now=timezone.now())
    assert (first.epoch, second.epoch) == (2, 1)
    report = check_coverage(first, "esplora:http://127.0.0.1:9")
    assert report.exit_status == 2  # nobody answers there, which is nobody's fault
    assert report.checks["signatures"] == "passed"
    assert report.checks["coverage_levels"] == "passed"
    assert report.checks["coverage_coins"] == "not checkable"
    assert report.checks["coverage_beside"] == "passed"  # the office's own statement
    assert [row.epoch for row in unchecked_coverage(now=timezone.now())] == [1]
    later = timezone.now() + timedelta(hours=2)
    assert [row.epoch for row in unchecked_coverage(now=later)] == [2, 1]


def test_the_regulator_is_the_one_that_the_operator_names(folder, client, settings):
    import_folder(folder, own=True)
    not_told = "this portal was not told that this is the regulator"
    assert not_told in client.get(f"/en/{PAGE}").content.decode()
    settings.KNOWN_OFFICES = [REGULATOR.fingerprint]
    page = client.get(f"/en/{PAGE}").content.decode()
    assert not_told not in page
    assert REGULATOR.fingerprint in page


def test_an_unknown_provider_is_not_found(shown, client):
    assert client.get("/en/providers/office/nobody/").status_code == 404
    assert client.get("/en/providers/nobody/exchange/").status_code == 404
