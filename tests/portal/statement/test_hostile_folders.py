"""Folders that somebody else writes: what does not belong in them stays out, and harms no other."""

import os

import pytest
from django.db import DatabaseError

from khazana.portal.project import following
from khazana.portal.project.following import AGAIN_SECONDS, CHECK_AGAIN_SECONDS, Checks, Followed
from khazana.portal.reserve.models import FiguresRow, LineRow, MovementRow
from khazana.portal.statement import checking, publication
from khazana.portal.statement.choosing import newest_statement, standing_statements
from khazana.portal.statement.exporting import export_folder
from khazana.portal.statement.importing import import_folder
from khazana.portal.statement.models import FileRow, OfficeRow, StatementRow
from khazana.portal.statement.publication import PublicationRefused
from khazana.reserve.reading import read_reserve_statement
from tests.portal.publication import write_publication
from tests.reserve.world import story

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def connection_stays(monkeypatch):
    """A follower drops connections that are old; a test's is inside its transaction."""
    monkeypatch.setattr(following, "close_old_connections", lambda: None)


@pytest.fixture
def folder(tmp_path):
    return write_publication(tmp_path / "publication")


def refused(folder, problem, **words):
    with pytest.raises(PublicationRefused, match=problem):
        import_folder(folder, **{"own": True, **words})


def test_a_link_does_not_publish_what_lies_elsewhere(folder, tmp_path):
    secret = tmp_path / "secret.key"
    secret.write_text("of the portal", encoding="utf-8")
    (folder / "prices.csv").symlink_to(secret)
    refused(folder, "link out of the folder")
    assert not FileRow.objects.exists()


def test_a_linked_folder_does_not_publish_what_lies_elsewhere(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "accounts.csv").write_text("1", encoding="utf-8")
    (folder / "mining").symlink_to(tmp_path / "elsewhere")
    refused(folder, "link out of the folder")


@pytest.mark.parametrize("name", ['a"b.csv', "a\nb.csv", "a b.csv", "ä.csv", "-a.csv", "a" * 101])
def test_a_name_that_needs_quoting_is_refused_and_shown_safely(folder, name):
    (folder / "mining").mkdir()
    (folder / "mining" / name).write_text("1", encoding="utf-8")
    with pytest.raises(PublicationRefused, match="a file's name") as caught:
        import_folder(folder, own=True)
    assert "\n" not in str(caught.value)


def test_a_pipe_is_no_file_and_is_not_waited_for(folder):
    os.mkfifo(folder / "prices.csv")
    assert import_folder(folder, own=True)
    assert not FileRow.objects.exists()


def test_a_file_that_is_too_large_is_refused(folder, monkeypatch):
    monkeypatch.setattr(publication, "MOST_BYTES", 100)
    refused(folder, "over 100 bytes")


def test_more_files_than_any_office_has_are_refused(folder, monkeypatch):
    monkeypatch.setattr(publication, "MOST_FILES", 1)
    refused(folder, "over 1 of them")


def test_the_same_statement_twice_is_refused_instead_of_changing_back_and_forth(folder):
    (folder / "statements" / "0003-again.json").write_bytes(story().second)
    refused(folder, "same statement as statements/0002-second.json")


def test_a_partners_folder_cannot_take_the_own_offices_place(published):
    refused(published, "this portal's own office", own=False)
    assert OfficeRow.objects.get().own


def test_the_own_folder_cannot_take_a_partners_place(folder):
    import_folder(folder, own=False)
    refused(folder, "a partner of this portal")


def test_a_second_own_office_is_refused_by_name(published):
    OfficeRow.objects.update(slug="another")
    refused(published, "own office is another")


def test_another_identity_under_a_known_name_is_refused(published):
    OfficeRow.objects.update(fingerprint="ab" * 32)
    refused(published, "under the identity abab")


def test_another_network_than_before_is_refused(published):
    OfficeRow.objects.update(genesis="ab" * 32)
    refused(published, "before")


def test_another_offices_word_replaces_no_statement(published, client):
    newest = newest_statement()
    partner = OfficeRow.objects.create(
        slug="partner", name={"en": "Partner"}, own=False, network="regtest", genesis="0" * 64,
        test=True,
    )  # fmt: skip
    claiming = StatementRow.objects.get(pk=newest.pk)
    claiming.pk, claiming.office, claiming.root = None, partner, "ab" * 32
    claiming.supersedes, claiming.previous = newest.root, newest.root
    claiming.save()
    assert newest_statement() == newest
    assert newest.superseded_by is None
    assert list(standing_statements(own=False)) == [claiming]
    assert newest.root in client.get("/api/v1/statements?standing=true").content.decode()
    assert newest.root not in client.get("/api/v1/statements?standing=false").content.decode()
    assert "Replaced:" not in client.get("/feed.atom").content.decode()


def test_showing_less_than_before_removes_what_was_shown(published):
    """Rows of movements stayed on the pages when an office published the totals alone."""
    assert MovementRow.objects.exists()
    done = import_folder(published, own=True, level="totals", chain=story().world.chain)
    assert len(done.renewed) == 2
    assert not MovementRow.objects.exists()
    assert not LineRow.objects.exists()
    assert FiguresRow.objects.exists()
    assert all(row.withheld_count for row in StatementRow.objects.all())


def test_showing_more_than_before_brings_the_rows(folder):
    import_folder(folder, own=True, level="totals", chain=story().world.chain)
    import_folder(folder, own=True, level="full", chain=story().world.chain)
    assert MovementRow.objects.count() == sum(
        len(read_reserve_statement(raw).entries) for raw in (story().first, story().second)
    )


def test_times_come_later_when_a_chain_is_named_later(folder):
    import_folder(folder, own=True)
    assert MovementRow.objects.filter(median_time=None).exists()
    assert import_folder(folder, own=True, chain=story().world.chain)
    assert not MovementRow.objects.filter(median_time=None).exists()
    assert not import_folder(folder, own=True, chain=story().world.chain)


def test_two_statements_under_one_file_name_are_both_exported(folder, tmp_path):
    (folder / "statements" / "0002-second.json").unlink()
    import_folder(folder, own=True)
    (folder / "statements" / "0001-first.json").write_bytes(story().second)
    import_folder(folder, own=True)
    export_folder(tmp_path / "out")
    written = (tmp_path / "out" / "office" / "statements").iterdir()
    roots = {read_reserve_statement(path.read_bytes()).root for path in written}
    assert roots == {read_reserve_statement(raw).root for raw in (story().first, story().second)}


def test_a_file_finds_the_statement_that_comes_after_it(folder):
    second = folder / "statements" / "0002-second.json"
    raw = second.read_bytes()
    second.unlink()
    (folder / "memoranda").mkdir()
    (folder / "memoranda" / "0002-second.toml").write_text("", encoding="utf-8")
    import_folder(folder, own=True)
    assert FileRow.objects.get().statement is None
    second.write_bytes(raw)
    import_folder(folder, own=True)
    assert FileRow.objects.get().statement == newest_statement()


def test_a_half_written_file_is_refused_once_and_read_when_the_index_changes(folder, caplog):
    path = folder / "statements" / "0002-second.json"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    followed = Followed(folder, own=True, level="full", source=None)
    followed.look(0.0)
    followed.look(1.0)
    assert len(caplog.records) == 1
    assert not StatementRow.objects.exists()
    path.write_bytes(whole)
    (folder / "publication.json").write_text('{"n": 2}', encoding="utf-8")
    followed.look(2.0)
    assert StatementRow.objects.count() == 2


@pytest.mark.parametrize("problem", [DatabaseError("locked"), ValueError("ours"), OSError("gone")])
def test_following_survives_whatever_one_import_does(folder, monkeypatch, caplog, problem):
    calls = []

    def failing(*args, **words):
        calls.append(args)
        raise problem

    monkeypatch.setattr(following, "import_folder", failing)
    followed = Followed(folder, own=True, level="full", source=None)
    for second in range(10):
        followed.look(float(second))
    assert len(calls) == len(caplog.records) == 1
    followed.look(AGAIN_SECONDS + 1)
    assert len(calls) == (2 if isinstance(problem, DatabaseError) else 1)


def test_a_folder_that_is_not_there_is_named_once(tmp_path, caplog):
    followed = Followed(tmp_path / "missing", own=True, level="full", source=None)
    for second in range(3):
        followed.look(float(second))
    assert [record.getMessage() for record in caplog.records] == [
        f"waiting for {tmp_path / 'missing' / 'publication.json'}: No such file or directory"
    ]


def test_a_statement_that_cannot_be_checked_is_not_tried_every_second(published, monkeypatch):
    started = []

    def silent(command, **words):
        started.append(words["env"])
        return checking.subprocess.CompletedProcess(command, 2, stdout=b"", stderr=b"")

    monkeypatch.setattr(checking.subprocess, "run", silent)
    monkeypatch.setenv("KHAZANA_PORTAL_SECRET", "not for the check")
    checks = Checks("core:nowhere")
    for second in range(10):
        checks.check_newest(float(second))
    assert len(started) == 1
    assert not [name for name in started[0] if name.startswith("KHAZANA_PORTAL")]
    checks.check_newest(CHECK_AGAIN_SECONDS + 10)
    assert len(started) == 2


def test_a_time_zone_that_nobody_knows_is_refused(folder, monkeypatch):
    """Every page that names a day failed."""
    monkeypatch.setattr("khazana.portal.statement.importing.ZoneInfo", refuse_zone)
    refused(folder, "is no time zone")


def refuse_zone(name):
    raise ValueError(name)
