"""Backup and restore: one file with the database as it was at one instant, and the files of record.

SQLite is copied by its own backup while the portal serves. PostgreSQL's rows are written out inside
one snapshot, so no program of another version is needed to read them. The installation's secret is
not in the file: whoever finds a backup can decrypt no authenticator and forge no session.
"""

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import serializers
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Model

import khazana
from khazana.errors import KhazanaError

FORMAT = "khazana.backup/1"
DATABASE, ROWS, MANIFEST, OFFICE = "database.sqlite3", "rows.jsonl", "manifest.json", "office"
NOT_KEPT = {"contenttypes", "auth", "sessions"}
"""Tables that migrations fill, and sessions: whoever was signed in signs in again."""
MOST_FILE_BYTES = 1 << 36


@dataclass(eq=False, kw_only=True)
class BackupRefused(KhazanaError):
    """A backup that cannot be made or restored."""

    path: str
    problem: str
    code = "backup_refused"
    words = "{path}: {problem}."


def make_backup(out: Path, *, now: datetime) -> int:
    """Write the backup, whole or not at all; gives the number of files in it."""
    if out.exists():
        raise BackupRefused(path=str(out), problem="it exists; a backup never replaces another")
    with tempfile.TemporaryDirectory(dir=out.parent) as name:
        folder = Path(name)
        found = {_database(folder): folder / _database_name()}
        found |= {f"{OFFICE}/{path}": settings.OFFICE_DIR / path for path in _office_files()}
        manifest = {
            "format": FORMAT,
            "made_at": now.astimezone(UTC).isoformat(timespec="seconds"),
            "khazana": khazana.__version__,
            "database": connection.vendor,
            "sha256": {inside: _sha256(path) for inside, path in sorted(found.items())},
        }
        part = folder / "backup.tar"
        with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as archive:
            raw = json.dumps(manifest, indent=1, sort_keys=True).encode()
            entry = tarfile.TarInfo(MANIFEST)
            entry.size = len(raw)
            archive.addfile(entry, io.BytesIO(raw))
            for inside, path in sorted(found.items()):
                archive.add(path, inside, recursive=False)
        os.chmod(part, 0o600)
        os.link(part, out)  # as a whole, and never over another
    return len(found)


def restore_backup(file: Path, *, secret: Path | None = None) -> int:
    """Bring a backup into an installation that has nothing yet; gives the number of files."""
    from django.core.management import call_command

    if settings.OFFICE_DIR.exists() and any(settings.OFFICE_DIR.iterdir()):
        raise BackupRefused(path=str(settings.OFFICE_DIR), problem="there are files already")
    with tempfile.TemporaryDirectory(dir=settings.DATA_DIR) as name:
        folder = Path(name)
        manifest = _unpacked(file, folder)
        if manifest["database"] != connection.vendor:
            problem = (
                f"it is of {manifest['database']}, and this installation is {connection.vendor}"
            )
            raise BackupRefused(path=str(file), problem=problem)
        if connection.vendor == "sqlite":
            _into_sqlite(folder / DATABASE)
            call_command("migrate", interactive=False, verbosity=0)
        else:
            call_command("migrate", interactive=False, verbosity=0)
            _load_rows(folder / ROWS)
        if (folder / OFFICE).is_dir():
            if settings.OFFICE_DIR.exists():
                settings.OFFICE_DIR.rmdir()
            # It may be on another filesystem than the data folder.
            shutil.move(folder / OFFICE, settings.OFFICE_DIR)
    if secret is not None:
        target = settings.DATA_DIR / "secret.key"
        target.write_bytes(secret.read_bytes())
        target.chmod(0o600)
    return len(manifest["sha256"])


def _database_name() -> str:
    return DATABASE if connection.vendor == "sqlite" else ROWS


def _database(folder: Path) -> str:
    if connection.vendor == "sqlite":
        source = sqlite3.connect(settings.DATABASES["default"]["NAME"])
        copy = sqlite3.connect(folder / DATABASE)
        with source, copy:
            source.backup(copy)
            copy.execute("DELETE FROM django_session")
        copy.execute("VACUUM")  # what was deleted is not left in free pages
        source.close()
        copy.close()
    else:
        with (folder / ROWS).open("w", encoding="utf-8") as file:
            file.writelines(_lines())
    return _database_name()


def _kept() -> list[type[Model]]:
    """Models in the order in which rows can be put in: who is referred to comes first."""
    models = [
        model
        for config in apps.get_app_configs()
        if config.label not in NOT_KEPT
        for model in config.get_models()
        if model._meta.managed and not model._meta.proxy
    ]
    ordered: list[type[Model]] = serializers.sort_dependencies([(None, models)])
    return ordered


def _lines() -> Iterator[str]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for model in _kept():
            last = None
            while True:
                rows = model._default_manager.order_by("pk")
                some = list((rows if last is None else rows.filter(pk__gt=last))[:500])
                for row in some:
                    yield json.dumps(json.loads(serializers.serialize("json", [row]))[0]) + "\n"
                if len(some) < 500:
                    break
                last = some[-1].pk


def _load_rows(path: Path) -> None:
    with transaction.atomic(), path.open(encoding="utf-8") as file:
        for model in _kept():
            if model._default_manager.exists():
                problem = f"there are rows in {model._meta.db_table} already"
                raise BackupRefused(path=str(path.name), problem=problem)
        for line in file:
            for read in serializers.deserialize("json", f"[{line}]"):
                read.object.save_base(raw=True, force_insert=True)
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), _kept()):
                cursor.execute(statement)


def _into_sqlite(copy: Path) -> None:
    target = Path(settings.DATABASES["default"]["NAME"])
    if target.exists():
        raise BackupRefused(path=str(target), problem="there is a database already")
    checked = sqlite3.connect(copy)
    try:
        answer = checked.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise BackupRefused(path=copy.name, problem=f"it is no database: {error}") from error
    finally:
        checked.close()
    if answer != "ok":
        raise BackupRefused(path=copy.name, problem=f"the database is damaged: {answer}")
    os.link(copy, target)


def _office_files() -> list[str]:
    folder = settings.OFFICE_DIR
    if not folder.is_dir():
        return []
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unpacked(file: Path, folder: Path) -> dict[str, Any]:
    """The backup's files in a folder, each with the hash that its manifest states."""
    try:
        with tarfile.open(file, "r:") as archive:
            first = archive.next()
            if first is None or first.name != MANIFEST or not first.isreg():
                raise BackupRefused(path=str(file), problem="it begins with no manifest")
            manifest = json.loads((archive.extractfile(first) or io.BytesIO()).read(1 << 24))
            if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
                raise BackupRefused(path=str(file), problem=f"it is no {FORMAT}")
            hashes = dict(manifest["sha256"])
            for entry in archive:
                _unpack(archive, entry, folder, hashes)
    except (tarfile.TarError, ValueError, KeyError, OSError) as error:
        raise BackupRefused(path=str(file), problem=f"it cannot be read: {error}") from error
    if hashes:
        raise BackupRefused(path=str(file), problem=f"{sorted(hashes)[0]} is missing")
    return manifest


def _unpack(
    archive: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path, hashes: dict[str, str]
) -> None:
    if entry.name == MANIFEST:
        return
    parts = PurePosixPath(entry.name).parts
    wanted = hashes.pop(entry.name, None)
    if (
        wanted is None
        or not entry.isreg()
        or ".." in parts
        or PurePosixPath(entry.name).is_absolute()
    ):
        raise BackupRefused(path=entry.name, problem="the manifest knows no such file")
    path = folder.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    source = archive.extractfile(entry)
    if source is None or entry.size > MOST_FILE_BYTES:
        raise BackupRefused(path=entry.name, problem="it cannot be read")
    with path.open("wb") as target:
        while some := source.read(1 << 20):
            target.write(some)
    if _sha256(path) != wanted:
        raise BackupRefused(path=entry.name, problem="its content is not what the manifest says")
