"""The colours that tell one office's pages from another's; the style sheet has the same."""

from typing import Any, Protocol

from django.conf import settings
from django.utils.translation import get_language

from khazana.portal.charts.svg import Look
from khazana.portal.project.frame import in_language


class Named(Protocol):
    """Whatever has a name in several languages."""

    name: Any


ACCENTS = {
    1: "#14532d",
    2: "#1e3f7a",
    3: "#6b1f3a",
    4: "#5a3d00",
    5: "#0f4c5c",
    6: "#3d2c6b",
}


def name_of(row: Named) -> str:
    """A row's name in the reader's language, as charts take it: they isolate it themselves."""
    return in_language(row.name, (get_language() or "en").partition("-")[0])


def look(ident: str, *, title: str, description: str) -> Look:
    """How a chart of this portal looks, in the reader's language."""
    return Look(
        id=ident,
        title=title,
        description=description,
        language=(get_language() or "en").partition("-")[0],
        accent=ACCENTS[settings.ACCENT],
    )
