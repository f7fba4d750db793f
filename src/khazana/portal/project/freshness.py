"""Pages that say when they are still what the reader has: an ETag without drawing the page."""

import hashlib
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags

import khazana
from khazana.portal.project.frame import progress_now
from khazana.portal.statement.models import FileRow, ReportRow, StatementRow

Answer = Callable[[HttpRequest], HttpResponse]
PREFIXES = (*(f"/{code}/" for code, _name in settings.LANGUAGES), "/api/", "/tables/", "/feed")
"""Of what is made from rows: pages, and what programs read. Files carry their own hash."""


def published_mark() -> str:
    """A hash of everything published here: it changes with every import that changes anything."""
    state = hashlib.sha256(khazana.__version__.encode())
    for model in (StatementRow, FileRow, ReportRow):
        for sha256 in model.objects.order_by("pk").values_list("sha256", flat=True):
            state.update(sha256.encode())
    return state.hexdigest()


class PublishedETag:
    """A page depends on its address and on what is published, so both together name its content.

    A reader who has that content already is told so in a few milliseconds; open pages ask again
    and again (static/khazana/renew.js).
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD") or not request.path.startswith(PREFIXES):
            return self.get_response(request)
        asked = f"{request.scheme} {request.get_host()} {request.get_full_path()}"
        named = f"{published_mark()} {progress_now()} {asked}"
        etag = f'W/"{hashlib.sha256(named.encode()).hexdigest()[:32]}"'
        had = parse_etags(request.headers.get("If-None-Match", ""))
        if etag in had or etag.removeprefix("W/") in had:  # compared weakly (RFC 9110, 13.1.2)
            answer: HttpResponse = HttpResponseNotModified(headers={"ETag": etag})
        else:
            answer = self.get_response(request)
            if answer.status_code == 200:
                answer.headers["ETag"] = etag
        answer.headers["Cache-Control"] = "no-cache"
        return answer
