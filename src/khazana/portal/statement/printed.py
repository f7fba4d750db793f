"""Statements as PDF: each printed once, one at a time, and kept on disk."""

import hashlib
import json
import os
import threading
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

import khazana
from khazana.portal.pdf.make import statement_pdf
from khazana.portal.project.look import ACCENTS
from khazana.portal.statement.models import StatementRow

FOLDER = "printed"
_ONE_AT_A_TIME = threading.Lock()


def printed(row: StatementRow, *, language: str, address: str | None) -> bytes:
    """The statement in a language. Printing takes seconds of a core, so that readers who ask for
    the same wait for one print, and nobody has several made at once.
    """
    recipe = [khazana.__version__, row.root, row.sha256, language, address, settings.ACCENT]
    name = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()
    path = Path(settings.DATA_DIR) / FOLDER / f"{name}.pdf"
    with _ONE_AT_A_TIME:
        if not path.exists():
            raw = bytes(row.raw)
            made = statement_pdf(
                row.value(),
                raw,
                language=language,
                made_on=row.signed_at or row.until_mtp,
                accent=ACCENTS[settings.ACCENT],
                address=address,
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(f".{os.getpid()}")
            part.write_bytes(made)
            part.replace(path)
    return path.read_bytes()


def address_to_print(request: HttpRequest, row: StatementRow) -> str | None:
    """Where the statement is published, if the portal is sure of it: a name it was given, and no
    port but its own. Whoever asks could name any other port, and each would be a PDF of its own.
    """
    host, _colon, port = request.get_host().partition(":")
    known = host in settings.ALLOWED_HOSTS and port in ("", request.META.get("SERVER_PORT"))
    address = request.build_absolute_uri(reverse("statement-file", args=[row.root]))
    return address if known else None
