"""Where the portal keeps its data: the database and the secret of an installation."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

SECRET_FILE = "secret.key"
_SECRET_BYTES = 50
_SQLITE_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=10000;"


def database_of(address: str, folder: Path) -> dict[str, Any]:
    """Django's database settings: SQLite (WAL) in the folder, or the PostgreSQL server named."""
    if not address:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": folder / "portal.sqlite3",
            # IMMEDIATE: a writer waits at the beginning instead of failing in the middle.
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": _SQLITE_PRAGMAS},
        }
    parts = urlsplit(address)
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise ImproperlyConfigured(
            "KHAZANA_PORTAL_DATABASE must look like postgresql://USER:PASSWORD@HOST:PORT/NAME"
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
    }


def secret_of(folder: Path) -> str:
    """The installation's secret: made once, kept beside the database, for its owner alone."""
    given = os.environ.get("KHAZANA_PORTAL_SECRET")
    if given:
        return given
    path = folder / SECRET_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder)  # for its owner only
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(_SECRET_BYTES))
        # A link appears whole or not at all; another process of this installation may be first.
        with suppress(FileExistsError):
            os.link(name, path)
        os.unlink(name)
    return path.read_text(encoding="ascii")


def accent_of(number: str) -> int:
    """The number of the office's colour."""
    if number not in ("1", "2", "3", "4", "5", "6"):
        raise ImproperlyConfigured(f"KHAZANA_PORTAL_ACCENT is 1 to 6, not {number!r}")
    return int(number)
