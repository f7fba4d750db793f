"""Two offices witness each other with the commands; their portals show what they found."""

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest

from khazana.cli import clock
from khazana.portal.accord.models import FeedRow, LogEntryRow, VerdictRow
from khazana.portal.formatting.figures import height_html
from khazana.portal.statement.importing import import_folder
from khazana.portal.statement.publication import PublicationRefused
from khazana.statement.office_file import write_office
from tests.accord.offices import rotated, statement_of
from tests.bitcoin.block_file_writer import write_blocks
from tests.cli.accord_desk import Desk

LANGUAGES = ("en", "ur", "ar", "es")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """The Drill Office's publication folder: its feed, and its copy of a partner that judged it."""
    root = tmp_path_factory.mktemp("accord")
    (one, mine), (two, theirs) = (
        statement_of("drill-office"),
        statement_of("tidal-office", wallet="tides"),
    )
    chains = {}
    for world in (one, two):
        chains[world.name] = root / f"blocks-{world.name}"
        write_blocks(chains[world.name], world.chain.blocks)
    ours, partner = Desk(root / "ours", one), Desk(root / "partner", two)
    for each, statement in ((ours, mine), (partner, theirs)):
        file = each.write("statement.json", statement)
        assert each.publish(file, "--new") == 0
    assert partner.pull(ours) == 0
    assert partner.witness(ours, chains["drill-office"]) == 0
    assert ours.pull(partner, "--own", ours.feed) == 0
    statements = ours.root / "statements"
    statements.mkdir()
    (statements / "0001.json").write_bytes(mine)
    (ours.root / "publication.json").write_text("{}")
    (ours.root / "copies").mkdir()
    shutil.copytree(ours.mirror(partner), ours.root / "copies" / "tidal-office")
    ours.partner = partner
    return ours


@pytest.fixture(autouse=True)
def known(settings, desk):
    """The operator names the partner; what else lies in the folder is a stranger's."""
    settings.KNOWN_OFFICES = [desk.partner.office.fingerprint]


@pytest.fixture
def imported(db, desk, tmp_path):
    folder = tmp_path / "publication"
    shutil.copytree(desk.root, folder)
    import_folder(folder, own=True, chain=desk.world.chain)
    return folder


def test_both_logs_and_the_partners_verdicts_become_rows(imported, desk):
    own, copy = FeedRow.objects.order_by("-folder")
    assert (own.folder, copy.folder) == ("feed", "copies/tidal-office")
    assert own.size == own.entries.count() == desk.log().checkpoint.size
    assert [each["size"] for each in own.cosigned] == [own.size]
    found = VerdictRow.objects.filter(feed=copy)
    assert {row.finding for row in found} == {"verified"}
    assert {row.fingerprint for row in found} == {own.fingerprint}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_shows_who_cosigned_and_what_was_found(imported, client, language):
    text = client.get(f"/{language}/witness/").content.decode()
    assert "drill-office" in text
    assert "tidal-office" in text
    assert "verdict-met" in text
    assert "verdict-breached" not in text
    assert ' style="' not in text


def test_the_partners_verdict_stands_beside_the_statement(imported, client, desk):
    root = FeedRow.objects.get(folder="feed").entries.filter(kind="statement").get().root
    text = client.get(f"/en/statements/{root}/").content.decode()
    row = VerdictRow.objects.filter(root=root).first()
    short = desk.partner.office.fingerprint[:8]
    assert (
        f'Cosigned by <bdi>tidal-office</bdi> <bdi dir="ltr" class="mono quiet small">{short}'
        in text
    )
    assert f"at block {height_html(row.height)}" in text


def test_without_a_feed_the_page_says_what_that_means(published, client):
    assert "publishes no log yet" in client.get("/en/witness/").content.decode()


def test_a_contradiction_is_shown_first_with_its_reason(imported, client):
    VerdictRow.objects.filter(on=0).update(
        finding="contradicted", reason="check completeness failed: a payment has no entry"
    )
    text = client.get("/en/witness/").content.decode()
    assert "check completeness failed: a payment has no entry" in text
    assert text.index("verdict-breached") < text.index("<h2")


def test_a_feed_that_contradicts_its_own_signatures_lets_nothing_in(db, desk, tmp_path):
    folder = tmp_path / "publication"
    shutil.copytree(desk.root, folder)
    bundles = sorted((folder / "feed" / "tile" / "entries").rglob("*"))
    bundle = next(path for path in bundles if path.is_file())
    raw = bytearray(bundle.read_bytes())
    raw[-2] ^= 1
    bundle.write_bytes(bytes(raw))
    with pytest.raises(PublicationRefused):
        import_folder(folder, own=True, chain=desk.world.chain)
    assert not FeedRow.objects.exists()


def test_a_verdict_on_another_entry_of_that_number_is_not_shown(imported, client, desk):
    """The office showed its partner another log than this one: its verdict is about that one."""
    from khazana.portal.accord.deriving import derive_feeds
    from khazana.portal.statement.models import FileRow, OfficeRow
    from tests.accord.offices import statement_of

    world, other = statement_of("drill-office", amount=7 * 100_000_000)
    second = Desk(imported.parent / "second", world)
    assert second.publish(second.write("other.json", other), "--new") == 0
    FileRow.objects.filter(path__startswith="feed/").delete()
    import_folder_of_feed(second.feed, OfficeRow.objects.get(own=True))
    derive_feeds(OfficeRow.objects.get(own=True), now=clock.now())
    assert FeedRow.objects.get(folder="feed").entries.exists()
    assert VerdictRow.objects.exists()
    assert not VerdictRow.objects.exclude(root="").exists()


def import_folder_of_feed(feed, office):
    from khazana.portal.statement.models import FileKind, FileRow

    for path in feed.rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            raw = path.read_bytes()
            FileRow.objects.create(
                office=office,
                path=f"feed/{path.relative_to(feed).as_posix()}",
                kind=FileKind.FEED,
                raw=raw,
                sha256="0" * 64,
            )


def test_a_later_disclosure_that_holds_does_not_hide_a_contradiction(imported, client):
    first, second = VerdictRow.objects.exclude(root="").order_by("on")[:2]
    VerdictRow.objects.filter(pk=first.pk).update(finding="contradicted", reason="check x failed")
    assert second.root == first.root
    text = client.get(f"/en/statements/{first.root}/").content.decode()
    assert "check x failed" in text


def test_what_lies_in_a_partners_folder_is_not_shown_as_ours(imported, client):
    from khazana.portal.statement.models import OfficeRow

    root = VerdictRow.objects.exclude(root="").first().root
    OfficeRow.objects.update(own=False)
    text = client.get(f"/en/statements/{root}/").content.decode()
    assert "Cosigned by" not in text
    assert "verdict-met" not in text


def test_a_second_copy_of_one_feed_is_refused(imported, desk):
    copies = imported / "copies"
    shutil.copytree(copies / "tidal-office", copies / "tidal-again")
    with pytest.raises(PublicationRefused, match="second copy"):
        import_folder(imported, own=True, chain=desk.world.chain)


def test_of_an_office_that_the_operator_did_not_name_only_the_fingerprint_is_shown(
    db, desk, tmp_path, client, settings
):
    settings.KNOWN_OFFICES = []
    folder = tmp_path / "publication"
    shutil.copytree(desk.root, folder)
    import_folder(folder, own=True, chain=desk.world.chain)
    text = client.get("/en/witness/").content.decode()
    assert desk.partner.office.fingerprint in text
    assert "tidal-office" not in text
    assert "verdict-met" not in text
    assert [row.cosigned for row in FeedRow.objects.filter(known=True)] == [[]]
    assert not VerdictRow.objects.exists()


def test_once_the_operator_names_the_office_the_next_import_shows_it(db, desk, tmp_path, settings):
    settings.KNOWN_OFFICES = []
    folder = tmp_path / "publication"
    shutil.copytree(desk.root, folder)
    import_folder(folder, own=True, chain=desk.world.chain)
    settings.KNOWN_OFFICES = [str(desk.partner.identity)]
    import_folder(folder, own=True, chain=desk.world.chain)
    assert VerdictRow.objects.exists()


def test_a_strangers_copy_stops_no_import(imported, desk):
    stranger = imported / "copies" / "stranger"
    shutil.copytree(imported / "copies" / "tidal-office", stranger)
    (stranger / "office.json").write_bytes(b"{}")
    (stranger / "checkpoint").write_bytes(b"nonsense")
    import_folder(imported, own=True, chain=desk.world.chain)
    assert not FeedRow.objects.get(folder="copies/stranger").known
    assert VerdictRow.objects.exists()


def test_another_offices_log_is_not_taken_as_the_own(imported, desk):
    shutil.rmtree(imported / "feed")
    shutil.copytree(desk.partner.feed, imported / "feed")
    shutil.rmtree(imported / "copies")
    with pytest.raises(PublicationRefused, match="fingerprint"):
        import_folder(imported, own=True, chain=desk.world.chain)


def test_a_setting_that_names_no_office_is_refused(imported, desk, settings):
    settings.KNOWN_OFFICES = ["tidal-office"]
    with pytest.raises(PublicationRefused, match="names no known office"):
        import_folder(imported, own=True, chain=desk.world.chain)


def test_a_copy_of_more_entries_than_memory_takes_is_left_out(imported, desk, monkeypatch):
    from khazana.portal.accord import deriving
    from khazana.portal.statement.models import OfficeRow

    view = deriving.feed_view
    monkeypatch.setattr(
        deriving,
        "feed_view",
        lambda feed, **words: (
            view(feed, most=0, **words)
            if words["pin"].fingerprint == desk.partner.office.fingerprint
            else view(feed, **words)
        ),
    )
    deriving.derive_feeds(OfficeRow.objects.get(own=True), now=clock.now())
    assert [row.folder for row in FeedRow.objects.all()] == ["feed"]


@pytest.fixture
def answers(imported, client, settings):
    settings.API_RATE = ""

    def asked(address, status=200):
        answer = client.get(address)
        assert answer.status_code == status, answer.content
        return answer

    return asked


def test_logs_entries_and_verdicts_are_answers_too(answers, desk):
    partner = desk.partner.office.fingerprint
    own, copy = sorted(answers("/api/v1/logs").json(), key=lambda log: not log["own"])
    assert (own["office"], copy["office"]) == (desk.office.fingerprint, partner)
    assert [each["witness"] for each in own["cosigned"]] == [partner]
    entries = answers(f"/api/v1/logs/entries?office={desk.office.fingerprint[:8]}").json()
    assert [each["entry"] for each in entries["items"]] == list(range(own["entries"]))
    found = answers(f"/api/v1/verdicts?by={partner}").json()
    assert found["count"] == VerdictRow.objects.count() > 0
    first = found["items"][0]
    assert (first["office"], first["finding"]) == (desk.office.fingerprint, "verified")
    assert first["block"]["hash"] == desk.world.chain.tip().hash
    assert first["notice"] == "test network, invented figures"
    assert answers("/api/v1/verdicts?finding=contradicted").json()["count"] == 0
    answers("/api/v1/verdicts?finding=false", 422)


def test_what_an_office_logs_is_a_table_too(answers, desk):
    text = answers("/tables/log-entries.csv?kind=statement").content.decode()
    root = LogEntryRow.objects.get(kind="statement", feed__folder="feed").root
    assert f",statement,{root}" in text
    text = answers("/tables/verdicts.csv").content.decode()
    assert text.count("verified") == VerdictRow.objects.count()
    text = answers("/tables/logs.csv").content.decode()
    assert desk.partner.office.fingerprint in text
    for name in ("logs", "log-entries", "verdicts"):
        assert answers(f"/tables/{name}.xlsx").content


def test_logs_of_strangers_are_no_answer(answers, desk, settings):
    FeedRow.objects.exclude(folder="feed").update(known=False)
    assert [log["own"] for log in answers("/api/v1/logs").json()] == [True]
    assert answers("/api/v1/verdicts").json()["count"] == 0


def test_a_partner_with_too_many_files_stops_nobody_elses_pages(db, desk, tmp_path, monkeypatch):
    from khazana.portal.statement import publication

    folder = tmp_path / "publication"
    shutil.copytree(desk.root, folder)
    copy = folder / "copies" / "tidal-office"
    most = sum(1 for _ in (folder / "feed").rglob("*")) + 5
    monkeypatch.setattr(publication, "MOST_FEED_FILES", most)
    for number in range(most + 1):
        (copy / "documents" / f"{number:064x}").write_bytes(b"{}")
    import_folder(folder, own=True, chain=desk.world.chain)
    assert [row.folder for row in FeedRow.objects.all()] == ["feed"]


def test_the_own_feed_may_have_more_files_than_other_kinds(db, desk, tmp_path, monkeypatch):
    from khazana.portal.statement import publication

    folder = tmp_path / "publication"
    shutil.copytree(desk.root, folder)
    documents = folder / "feed" / "documents"
    assert len(list(documents.iterdir())) >= 1
    (documents / ("ab" * 32)).write_bytes(b"{}")
    monkeypatch.setattr(publication, "MOST_FILES", 1)
    import_folder(folder, own=True, chain=desk.world.chain)
    assert FeedRow.objects.filter(folder="feed").exists()


def test_a_key_that_the_operators_file_revokes_counts_in_no_older_copy(
    db, desk, tmp_path, settings, client
):
    """Whoever keeps the partner's copy back could else show what a stolen key signed."""
    stolen = rotated(
        desk.partner.office,
        since=clock.now() - timedelta(hours=1),
        feed=1,
        witness=2,
        revoke=("witness 1",),
    )
    newest = tmp_path / "partner-office.json"
    newest.write_bytes(write_office(stolen))
    folder = tmp_path / "publication"
    shutil.copytree(desk.root, folder)
    settings.KNOWN_OFFICES = [str(newest)]
    import_folder(folder, own=True, chain=desk.world.chain)
    assert FeedRow.objects.get(folder="copies/tidal-office").known
    assert not VerdictRow.objects.exists()
    assert FeedRow.objects.get(folder="feed").cosigned == []
    assert "verdict-met" not in client.get("/en/witness/").content.decode()


def test_what_no_database_takes_stops_no_import(imported, desk, monkeypatch):
    """Old records may hold what newer ones may not; a partner could have signed it."""
    from khazana.portal.accord import deriving
    from khazana.portal.statement.models import OfficeRow

    view = deriving.feed_view

    def with_zeros(feed, **words):
        found = view(feed, **words)
        shown = [
            replace(each, reason="a\0b", basis="\0", log=each.log if n else "a log " * 40)
            for n, each in enumerate(found.verdicts)
        ]
        return replace(found, verdicts=tuple(shown))

    monkeypatch.setattr(deriving, "feed_view", with_zeros)
    before = VerdictRow.objects.count()
    deriving.derive_feeds(OfficeRow.objects.get(own=True), now=clock.now())
    rows = VerdictRow.objects.all()
    assert len(rows) == before - 1
    assert {row.reason for row in rows} == {"a\N{REPLACEMENT CHARACTER}b"}
