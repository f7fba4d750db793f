"""Backups, tested by restoring them."""

import io
import json
import re
import tarfile

import pytest

pytest.importorskip("django")

from tests.portal.desk.commands import portal
from tests.portal.desk.test_worker import own_database
from tests.portal.publication import write_publication

pytestmark = pytest.mark.any_database


@pytest.fixture
def databases(tmp_path):
    """Environments of two installations, on whatever database the tests run."""
    with own_database(tmp_path / "one") as one, own_database(tmp_path / "two") as two:
        pick = "KHAZANA_PORTAL_DATABASE"
        yield [{pick: each[pick]} if pick in each else {} for each in (one, two)]


def test_a_restored_installation_has_every_account_act_statement_and_file(tmp_path, databases):
    one, two = databases
    data, other, file = tmp_path / "one", tmp_path / "two", tmp_path / "backup.tar"
    made = portal(data, "staff", "add", "amina", "--role", "operator", **one)
    token = re.search(r"/begin/([\w-]{43})/", made.stdout)[1]
    folder = write_publication(tmp_path / "publication")
    assert portal(data, "import", str(folder), **one).returncode == 0
    (data / "office").mkdir()
    (data / "office" / "office.toml").write_text('format = "khazana.office/1"\n')
    done = portal(data, "backup", str(file), **one)
    assert done.returncode == 0, done.stderr
    assert "2 files" in done.stdout
    assert file.stat().st_mode & 0o077 == 0
    assert token.encode() not in file.read_bytes()
    assert (data / "secret.key").read_bytes() not in file.read_bytes()

    restored = portal(other, "restore", str(file), "--secret", str(data / "secret.key"), **two)
    assert restored.returncode == 0, restored.stderr
    assert "amina  operator  open" in portal(other, "staff", "list", **two).stdout
    log = portal(other, "audit-log", "verify", **two)
    assert log.stdout.startswith("5 acts, chain unbroken"), log.stderr
    assert (other / "office" / "office.toml").read_text() == 'format = "khazana.office/1"\n'
    assert (other / "secret.key").read_bytes() == (data / "secret.key").read_bytes()
    # Rows that come after do not collide with rows that were restored.
    assert portal(other, "staff", "add", "bilal", "--role", "viewer", **two).returncode == 0
    again = portal(other, "restore", str(file), **two)
    assert (again.returncode, "already" in again.stderr) == (2, True)


def altered(file, out, change):
    with tarfile.open(file) as source, tarfile.open(out, "w") as target:
        for entry in source:
            raw = source.extractfile(entry).read()
            for name, content in change(entry.name, raw):
                new = tarfile.TarInfo(name)
                new.size = len(content)
                target.addfile(new, io.BytesIO(content))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda name, raw: [(name, raw[:-1] + b"x" if name != "manifest.json" else raw)],
            "content",
        ),
        (lambda name, raw: [(name, raw)] if name == "manifest.json" else [], "missing"),
        (lambda name, raw: [(name, raw), ("../evil", b"x")], "knows no such file"),
        (lambda name, raw: [("first", b"x"), (name, raw)], "begins with no manifest"),
        (lambda name, raw: [(name, raw.replace(b"backup/1", b"backup/2"))], "it is no"),
        (lambda name, raw: [(name, b"{" if name == "manifest.json" else raw)], "cannot be read"),
    ],
)
def test_an_altered_backup_is_refused_before_anything_is_restored(
    tmp_path, desk, monkeypatch, change, said
):
    from khazana.portal.desk.backup import BackupRefused, restore_backup

    file, bad = tmp_path / "good.tar", tmp_path / "bad.tar"
    manifest = {
        "format": "khazana.backup/1",
        "database": "sqlite",
        "sha256": {
            "office/a.csv": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
        },
    }
    with tarfile.open(file, "w") as archive:
        for name, raw in (("manifest.json", json.dumps(manifest).encode()), ("office/a.csv", b"a")):
            entry = tarfile.TarInfo(name)
            entry.size = len(raw)
            archive.addfile(entry, io.BytesIO(raw))
    altered(file, bad, change)
    desk.DATA_DIR.mkdir()
    with pytest.raises(BackupRefused, match=said):
        restore_backup(bad)
    assert not list(desk.DATA_DIR.iterdir())
    assert not (tmp_path / "evil").exists()
