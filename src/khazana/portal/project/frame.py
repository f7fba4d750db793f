"""What the frame of every page needs: whose portal it is, and whether the figures are invented."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from khazana.portal.formatting.bidi import visible
from khazana.portal.statement.models import OfficeRow

ACCENTS = 6
"""Colours that the style sheet has for offices; docs/portal.md shows them."""


def frame(request: HttpRequest) -> dict[str, Any]:
    """Template variables of the frame."""
    office = OfficeRow.objects.filter(own=True).first()
    language = get_language() or settings.LANGUAGE_CODE
    progress = progress_now()
    return {
        "office": office,
        "partners": list(OfficeRow.objects.filter(own=False)),
        "office_name": "" if office is None else visible(in_language(office.name, language)),
        "test_network": progress is not None or office is None or office.test,
        "accent": settings.ACCENT,
        "language": language,
        # Each under its own name: Django would translate "English" for the readers of others.
        "languages": settings.LANGUAGES,
        "progress": progress if progress and progress.get("stage") != "ready" else None,
        "path_without_language": _without_language(request.path),
        "chain_source": settings.CHAIN_SOURCE,
    }


def in_language(names: dict[str, str], language: str) -> str:
    """A name in a language, else in English, else in any."""
    return names.get(language) or names.get("en") or next(iter(names.values()), "")


def progress_now() -> dict[str, Any] | None:
    """How far the demo is that this portal belongs to; None without one."""
    if settings.PROGRESS_FILE is None:
        return None
    try:
        told = json.loads(Path(settings.PROGRESS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"stage": "starting", "day": 0, "days": 0}
    return told if isinstance(told, dict) else None


def _without_language(path: str) -> str:
    """The path behind the language's prefix, to link the same page in another language."""
    _, _, rest = path.lstrip("/").partition("/")
    return rest
