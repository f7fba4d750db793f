"""Agreements that two offices signed and logged: on the pages, with computed promises."""

import shutil
from datetime import UTC, datetime

import pytest

from khazana.accord.agreement.read import read_agreement
from khazana.cli import clock
from khazana.portal.accord.agreements import agreement_of, kept
from khazana.portal.accord.models import AgreementRow
from khazana.portal.statement.importing import import_folder
from tests.accord.letters import MINUTES, amended, letter, signed
from tests.accord.offices import statement_of
from tests.bitcoin.block_file_writer import write_blocks
from tests.cli.accord_desk import Desk
from tests.reserve.simulator import NOW

LANGUAGES = ("en", "ur", "ar", "es")
AT = datetime(2026, 1, 25, tzinfo=UTC)


@pytest.fixture(scope="module")
def agreed(tmp_path_factory):
    """A publication folder: a letter in two versions, entered in both offices' logs."""
    root = tmp_path_factory.mktemp("agreed")
    worlds = [statement_of("drill-office"), statement_of("tidal-office", wallet="tides")]
    ours, partner = (Desk(root / world.name, world) for world, _ in worlds)
    first = letter(ours.office, partner.office)
    second = amended(first)
    chains = {}
    for desk, party, (world, statement) in zip(
        (ours, partner), ("pakistan", "el-salvador"), worlds, strict=True
    ):
        chains[world.name] = root / f"blocks-{world.name}"
        write_blocks(chains[world.name], world.chain.blocks)
        assert desk.publish(desk.write("statement.json", statement), "--new") == 0
        for number, text in enumerate((first, second)):
            minutes = (MINUTES,) if number else ()
            made = signed(text, party, desk.office, at=NOW, minutes=minutes)
            assert desk.publish(desk.write(f"letter-{number}.json", made.to_bytes())) == 0
    for one, other in ((ours, partner), (partner, ours)):
        assert one.pull(other) == 0
        assert one.witness(other, chains[other.world.name]) == 0
    assert ours.pull(partner, "--own", ours.feed) == 0
    (ours.root / "statements").mkdir()
    (ours.root / "statements" / "0001.json").write_bytes(worlds[0][1])
    (ours.root / "publication.json").write_text("{}")
    shutil.copytree(ours.mirror(partner), ours.root / "copies" / "tidal-office")
    return ours, partner, second


@pytest.fixture
def imported(db, agreed, tmp_path, settings):
    ours, partner, _ = agreed
    settings.KNOWN_OFFICES = [partner.office.fingerprint]
    folder = tmp_path / "publication"
    shutil.copytree(ours.root, folder)
    import_folder(folder, own=True, chain=ours.world.chain)
    return folder


def test_each_version_is_a_row_with_both_signatures(imported, agreed):
    first, second = AgreementRow.objects.all()
    assert (first.version, second.version) == (1, 2)
    for row in (first, second):
        assert {each["party"] for each in row.signed} == {"pakistan", "el-salvador"}
        assert {each["keys"] for each in row.signed} == {2}
    assert second.digest == read_agreement("letter.toml", agreed[2].encode()).digest
    assert list(second.minutes.values()) == [MINUTES]


@pytest.mark.parametrize(
    ("day", "status"), [(AT, "open"), (datetime(2026, 2, 2, tzinfo=UTC), "overdue")]
)
def test_a_promise_that_nothing_shows_becomes_overdue_by_itself(imported, day, status):
    row = AgreementRow.objects.get(version=2)
    found = {each.standing.commitment.id: each for each in kept(agreement_of(row), row, now=day)}
    assert found["second-look"].standing.status.value == status
    assert found["second-look"].evidence == ()


def test_a_promise_rests_on_entries_that_the_partner_verified(imported):
    row = AgreementRow.objects.get(version=2)
    found = {
        each.standing.commitment.id: each for each in kept(agreement_of(row), row, now=clock.now())
    }
    ((shown, root),) = found["pakistan-statements"].evidence
    assert shown.finding.value == "verified"
    assert len(root) == 64
    assert found["pakistan-statements"].standing.missing == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_shows_signatures_promises_visits_and_versions(imported, agreed, client, language):
    text = client.get(f"/{language}/agreements/drill-letter/").content.decode()
    agreement = read_agreement("letter.toml", agreed[2].encode())
    assert agreement.digest in text
    assert text.count("verdict-met") >= 2
    for each in agreement.commitments:
        assert each.words[language] in text.replace("&#x27;", "'")
    visit = agreement.visits[0]
    for words in (visit.summary[language], visit.place[language]):
        assert words in text
    assert visit.minutes in text
    assert "SYNTHETIC minutes." in text
    assert f"/{language}/agreements/drill-letter/1/" in text
    assert ' style="' not in text


def test_an_earlier_version_says_that_it_was_amended(imported, client):
    text = client.get("/en/agreements/drill-letter/1/").content.decode()
    assert "This version was amended." in text
    assert client.get("/en/agreements/drill-letter/3/").status_code == 404
    assert client.get("/en/agreements/letter-of-intent/2/").status_code == 404


def test_the_list_tells_signed_from_ready(imported, client):
    text = client.get("/en/agreements/").content.decode()
    assert "Signed and entered in a log" in text
    assert text.index("drill-letter") < text.index("Ready texts, not signed")
    assert text.index("Ready texts, not signed") < text.index("company-letter")
    assert "ersion <bdi" in text or "Version" in text


def test_what_lies_in_a_partners_folder_is_not_listed_as_ours(imported, client):
    from khazana.portal.statement.models import OfficeRow

    OfficeRow.objects.update(own=False)
    assert "drill-letter" not in client.get("/en/agreements/").content.decode()
