"""The web fonts that are ready, and the style sheet that names them."""

import hashlib
import re

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import condition

from khazana.portal.project.fonts import font_faces

FOLDER = settings.DATA_DIR / "fonts"
ADDRESS = "/fonts/"
FOR_EVER = "public, max-age=31536000, immutable"
_NAME = re.compile(r"[a-z0-9.-]{1,64}")


def _sheet() -> str:
    return font_faces(FOLDER, address=ADDRESS)


def _etag(request: HttpRequest) -> str:
    return f'"{hashlib.sha256(_sheet().encode()).hexdigest()[:16]}"'


@condition(etag_func=_etag)
def faces(request: HttpRequest) -> HttpResponse:
    """A sheet of its own, for fonts come later than pages and their names change with them."""
    return HttpResponse(
        _sheet(), content_type="text/css; charset=utf-8", headers={"Cache-Control": "no-cache"}
    )


def font(request: HttpRequest, name: str) -> HttpResponse:
    """A font under a name that no other content ever has."""
    if not _NAME.fullmatch(name):
        raise Http404
    try:
        raw = (FOLDER / f"{name}.woff2").read_bytes()
    except OSError as error:
        raise Http404 from error
    return HttpResponse(raw, content_type="font/woff2", headers={"Cache-Control": FOR_EVER})
