"""The office's files of record, as the desk reads and saves them: whole, validated, never lost.

The ledger's own reader judges every save before anything is written, and the file that was there is
kept under its hash. What somebody else saved meanwhile is not overwritten.
"""

import fcntl
import hashlib
import os
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from khazana.errors import KhazanaError
from khazana.ledger.office import OfficeFile
from khazana.ledger.office_file import read_office
from khazana.ledger.toml_writing import write_toml
from khazana.portal.audit.record import record

OFFICE_TOML, OFFICE_JSON, HISTORY = "office.toml", "office.json", "history"
Values = dict[str, Any]


@dataclass(eq=False, kw_only=True)
class OfficeChanged(KhazanaError):
    """Somebody saved between this page and this save."""

    file: str
    code = "office_changed"
    words = "{file} was saved by somebody else since this page was shown; look at it again"


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
    with _alone():
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


def save_identity(raw: bytes, *, by: str) -> None:
    """Put office.json in the place of the one before; the caller has read and compared it."""
    with _alone(), transaction.atomic():
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
        write_file(settings.OFFICE_DIR / HISTORY / f"{_sha256(raw)}-{name}", raw)


def _beside(name: str) -> bytes | None:
    return read_file(name)


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


@contextmanager
def _alone() -> Iterator[None]:
    """One save at a time, whichever process it comes from."""
    settings.OFFICE_DIR.mkdir(parents=True, exist_ok=True)
    with (settings.OFFICE_DIR / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
