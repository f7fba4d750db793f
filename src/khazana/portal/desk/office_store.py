"""The office's files of record, as the desk reads and saves them: whole, validated, never lost.

The ledger's own reader judges every save before anything is written, and the file that was there is
kept under its hash. What somebody else saved meanwhile is not overwritten.
"""

import fcntl
import hashlib
import os
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from khazana.errors import KhazanaError
from khazana.ledger.office import OfficeFile
from khazana.ledger.office_file import read_office
from khazana.ledger.rows import ATTESTATION_COLUMNS, BOOK_COLUMNS, DOCUMENT_COLUMNS
from khazana.ledger.table_appending import appended
from khazana.ledger.toml_writing import write_toml
from khazana.portal.audit.record import record

OFFICE_TOML, OFFICE_JSON, HISTORY = "office.toml", "office.json", "history"
Values = dict[str, Any]
TABLES = {
    "documents": DOCUMENT_COLUMNS,
    "attestations": ATTESTATION_COLUMNS,
    "book": BOOK_COLUMNS,
}
"""The tables beside office.toml that the desk appends to, as [files] calls them."""
Rows = Sequence[Mapping[str, str]]


@dataclass(eq=False, kw_only=True)
class OfficeChanged(KhazanaError):
    """Somebody saved between this page and this save."""

    file: str
    code = "office_changed"
    words = "{file} was saved by somebody else since this page was shown; look at it again"


@dataclass(eq=False, kw_only=True)
class OfficeMissing(KhazanaError):
    """Nobody has described the office yet."""

    code = "office_missing"
    words = "there is no office.toml yet: describe the office first"


@dataclass(frozen=True)
class Stored:
    """The office as it stands: its values, its hash, and what the ledger reads in it."""

    values: Values
    sha256: str
    office: OfficeFile | None


def stored() -> Stored:
    """What is there; empty before the first save."""
    raw = read_file(OFFICE_TOML)
    if raw is None:
        return Stored({}, "", None)
    return Stored(tomllib.loads(raw.decode()), _sha256(raw), read_office(OFFICE_TOML, raw, _beside))


def save(change: Callable[[Values], Values], *, seen: str, by: str, what: str) -> OfficeFile:
    """Change the values and write the file; refused whole with every problem that the ledger finds.

    seen: the hash of the file as the person saw it.
    """
    with alone():
        before = stored()
        if before.sha256 != seen:
            raise OfficeChanged(file=OFFICE_TOML)
        raw = write_toml(change(before.values))
        office = read_office(OFFICE_TOML, raw, _beside)
        with transaction.atomic():
            detail = {"before": before.sha256, "after": _sha256(raw)}
            record("office saved", actor=by, subject=what, detail=detail)
            _keep(OFFICE_TOML)
            write_file(settings.OFFICE_DIR / OFFICE_TOML, raw)
    return office


@dataclass(frozen=True)
class Grown:
    """The office with rows appended. files: what would be written, the table before office.toml."""

    files: Mapping[str, bytes]
    office: OfficeFile


def files_sha256() -> str:
    """One hash of office.toml and every table that it names, empty where there is no office."""
    now = read_file(OFFICE_TOML)
    if now is None:
        return ""
    named = tomllib.loads(now.decode()).get("files", {})
    names = [OFFICE_TOML, *sorted(name for kind in TABLES for name in named.get(kind, []))]
    return _sha256(
        "\n".join(f"{name} {_sha256(read_file(name) or b'')}" for name in names).encode()
    )


def grown(table: str, rows: Rows) -> Grown:
    """What appending rows would give, judged whole by the ledger's reader; nothing is written.

    A table that [files] does not name yet is begun and named.
    """
    raw = read_file(OFFICE_TOML)
    if raw is None:
        raise OfficeMissing()
    files = _files_with(table, rows, tomllib.loads(raw.decode()))
    office = read_office(
        OFFICE_TOML, files.get(OFFICE_TOML, raw), lambda name: files.get(name, _beside(name))
    )
    return Grown(files, office)


def first_new_line(table: str, rows: Rows) -> tuple[str, int]:
    """The file that rows would go into, and the line of the first of them; each has one line."""
    values = tomllib.loads((read_file(OFFICE_TOML) or b"").decode())
    name, raw = next(iter(_files_with(table, rows, values).items()))
    return name, raw.count(b"\n") - len(rows) + 1


def _files_with(table: str, rows: Rows, values: Values) -> dict[str, bytes]:
    names = values.get("files", {}).get(table, [])
    name = names[-1] if names else f"{table}.csv"
    before = (read_file(name) or b"") if names else b""
    files = {name: appended(before, rows, columns=TABLES[table])}
    if not names:
        named = {**values.get("files", {}), table: [name]}
        files[OFFICE_TOML] = write_toml({**values, "files": named})
    return files


def append(table: str, rows: Rows, *, seen: str, by: str, what: str) -> None:
    """Write rows behind those of a table; the rows that stand there are never touched.

    Call it under `alone()`, which comes before the transaction: two who wait for one another's
    lock would both fail. seen: `files_sha256` as the people who confirmed saw it.
    """
    if files_sha256() != seen:
        raise OfficeChanged(file=f"{table}.csv")
    after = grown(table, rows)
    with transaction.atomic():
        detail = {name: _sha256(raw) for name, raw in after.files.items()}
        record("rows appended", actor=by, subject=what, detail=detail)
        for name, raw in after.files.items():
            _keep(name)
            write_file(settings.OFFICE_DIR / name, raw)


def save_identity(raw: bytes, *, by: str) -> None:
    """Put office.json in the place of the one before; the caller has read and compared it."""
    with alone(), transaction.atomic():
        record("identity saved", actor=by, subject=OFFICE_JSON, detail={"after": _sha256(raw)})
        _keep(OFFICE_JSON)
        write_file(settings.OFFICE_DIR / OFFICE_JSON, raw)


def read_file(name: str) -> bytes | None:
    path: Path = settings.OFFICE_DIR / name
    return path.read_bytes() if path.is_file() else None


def write_file(path: Path, raw: bytes) -> None:
    """Readers see the old content or the new, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    os.replace(name, path)


def _keep(name: str) -> None:
    raw = read_file(name)
    if raw is not None:
        flat = name.replace("/", "-")
        write_file(settings.OFFICE_DIR / HISTORY / f"{_sha256(raw)}-{flat}", raw)


def _beside(name: str) -> bytes | None:
    return read_file(name)


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


@contextmanager
def alone() -> Iterator[None]:
    """One save at a time, whichever process it comes from."""
    settings.OFFICE_DIR.mkdir(parents=True, exist_ok=True)
    with (settings.OFFICE_DIR / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
