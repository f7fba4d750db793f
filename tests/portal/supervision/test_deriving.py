"""Providers' files on their way into the portal: read by the room, or refused whole."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

pytest.importorskip("django")

from khazana.portal.statement.importing import import_folder
from khazana.portal.statement.models import FileRow, StatementRow
from khazana.portal.statement.publication import PublicationRefused
from khazana.portal.supervision.models import EpochRow, ProviderRow
from tests.portal.publication import write_publication
from tests.portal.supervision.providers import NAMES, SLUG, write_providers

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    return write_publication(tmp_path / "publication")


def test_a_providers_epochs_come_in_with_their_trees(folder):
    published = write_providers(folder)
    import_folder(folder, own=True)
    row = ProviderRow.objects.get(slug=SLUG)
    assert (row.name, row.licence) == (NAMES, "DRILL-1")
    newest, oldest = row.epochs.all()
    assert (newest.epoch, oldest.epoch) == (8, 7)
    assert newest.digest == published[8].epoch.digest
    assert newest.block_height == 1_008
    (tree,) = newest.trees
    assert tree["root"] == published[8].epoch.trees[0].root
    assert tree["level"] == "liabilities-BTC.level.bin"
    assert (newest.rejected, newest.why) == ("", "")


def test_the_same_folder_again_changes_nothing_and_a_new_epoch_comes_in(folder):
    write_providers(folder)
    import_folder(folder, own=True)
    first = list(EpochRow.objects.values_list("pk", flat=True))
    assert not import_folder(folder, own=True)
    assert list(EpochRow.objects.values_list("pk", flat=True)) == first
    place = folder / "providers" / SLUG / "0008"
    (place / "liabilities-BTC.level.bin").write_bytes(bytes(40))
    assert import_folder(folder, own=True).files == 1
    row = EpochRow.objects.get(epoch=8)
    assert row.rejected == "level_differs"
    assert "SHA-256" in row.why
    assert EpochRow.objects.count() == 2


def test_a_statement_by_another_key_is_refused_with_the_whole_folder(folder):
    write_providers(folder, key=Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32))
    with pytest.raises(PublicationRefused, match=r"0007/epoch.json: the provider's keys did not"):
        import_folder(folder, own=True)
    assert not ProviderRow.objects.exists()
    assert not FileRow.objects.exists()
    assert not StatementRow.objects.exists()


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("office.json", b"{}", "office.json"),
        ("0007/epoch.json", b"[]", "0007/epoch.json"),
        ("0007/epoch.json", None, "it signs 'text/plain'"),
    ],
)
def test_files_that_are_no_such_files_are_refused(folder, file, content, problem):
    write_providers(folder)
    path = folder / "providers" / SLUG / file
    if content is None:
        document = json.loads(path.read_text())
        content = json.dumps(document | {"payloadType": "text/plain"}).encode()
    path.write_bytes(content)
    with pytest.raises(PublicationRefused, match=problem):
        import_folder(folder, own=True)
    assert not ProviderRow.objects.exists()


def test_a_folder_whose_name_needs_quoting_is_refused(folder):
    write_providers(folder)
    (folder / "providers" / SLUG).rename(folder / "providers" / "a b")
    with pytest.raises(PublicationRefused, match="a file's name has"):
        import_folder(folder, own=True)
