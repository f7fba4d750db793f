"""The published files, byte for byte, each with its hash as its ETag."""

import hashlib

from csp.decorators import csp_exempt
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from khazana.portal.formatting.languages import LANGUAGES
from khazana.portal.statement.choosing import statement_named
from khazana.portal.statement.models import FileRow
from khazana.portal.statement.printed import address_to_print, printed
from khazana.reserve.levels import keep_at
from khazana.statement.browser_page.build import content_security_policy, page
from khazana.statement.envelope import disclose, write_statement

LEVELS = ("totals", "addresses")
"""Levels that show less than what is published; the published view is the statement itself."""
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "pdf": "application/pdf",
    "toml": "application/toml",
}


@require_safe
def statement_file(request: HttpRequest, root: str) -> HttpResponseBase:
    """The signed statement as it was published."""
    row = statement_named(root)
    if row is None:
        raise Http404
    name = f"{row.office.slug}-{row.until_mtp:%Y-%m-%d}-{row.root[:8]}.json"
    return download(request, bytes(row.raw), name=name, sha256=row.sha256)


@require_safe
def disclosure_file(request: HttpRequest, root: str, level: str) -> HttpResponseBase:
    """The same statement showing less, under the same root and signatures."""
    row = statement_named(root)
    if row is None or level not in LEVELS:
        raise Http404
    shown = disclose(row.value().envelope, keep_at(level))
    raw = write_statement(shown)
    name = f"{row.office.slug}-{row.until_mtp:%Y-%m-%d}-{row.root[:8]}-{level}.json"
    return download(request, raw, name=name, sha256=hashlib.sha256(raw).hexdigest())


@require_safe
def other_file(request: HttpRequest, office: str, path: str) -> HttpResponseBase:
    """A file that was published beside the statements."""
    if "\0" in office + path:  # PostgreSQL knows no such text
        raise Http404
    row = get_object_or_404(FileRow, office__slug=office, path=path)
    return download(request, bytes(row.raw), name=path.rpartition("/")[2], sha256=row.sha256)


def download(request: HttpRequest, raw: bytes, *, name: str, sha256: str) -> HttpResponseBase:
    """An answer that a browser saves, and never shows as a page of ours; none where the reader has
    the file already.
    """
    kind = TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    answer = HttpResponse(raw, content_type=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    etag = f'"{sha256}"'
    answer.headers["ETag"] = etag
    answer.headers["Cache-Control"] = "no-cache"
    return get_conditional_response(request, etag=etag, response=answer) or answer


@require_safe
def statement_pdf_file(request: HttpRequest, root: str, language: str) -> HttpResponseBase:
    """The statement as PDF/A-3 in a language, with the signed file attached."""
    row = statement_named(root)
    if row is None or language not in LANGUAGES:
        raise Http404
    raw = printed(row, language=language, address=address_to_print(request, row))
    name = f"{row.office.slug}-{row.until_mtp:%Y-%m-%d}-{row.root[:8]}-{language}.pdf"
    return download(request, raw, name=name, sha256=hashlib.sha256(raw).hexdigest())


@require_safe
def browser_file(request: HttpRequest) -> HttpResponseBase:
    """The file that checks statements in a browser, to be saved and opened with the network off."""
    raw = page()
    sha256 = hashlib.sha256(raw).hexdigest()
    return download(request, raw, name="khazana-check.html", sha256=sha256)


@require_safe
@csp_exempt()
def browser_file_shown(request: HttpRequest) -> HttpResponse:
    """The same file as a page, under the policy that it carries: its own script, and no network."""
    answer = HttpResponse(page(), content_type=TYPES["html"])
    answer.headers["Content-Security-Policy"] = content_security_policy()
    return answer
