"""The customer's check as files: the script of the page here, and the page to save."""

import hashlib

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language_from_request, override
from django.views.decorators.http import require_safe

from khazana.portal.statement.views_files import download
from khazana.portal.supervision.script import script, script_sha256
from khazana.supervision.solvency.page.build import built


@require_safe
def slip_opened(request: HttpRequest) -> HttpResponse:
    """To the page that checks slips, in the reader's language.

    The slip stands behind the # of the address: the browser keeps it there and never sends it.
    """
    with override(get_language_from_request(request)):
        return HttpResponseRedirect(reverse("check-my-balance"))


@require_safe
def script_file(request: HttpRequest) -> HttpResponseBase:
    """The script of the page on which a customer checks a slip."""
    answer = HttpResponse(script(), content_type="text/javascript; charset=utf-8")
    etag = f'"{script_sha256()}"'
    answer.headers["ETag"] = etag
    answer.headers["Cache-Control"] = "no-cache"
    return get_conditional_response(request, etag=etag, response=answer) or answer


@require_safe
def page_file(request: HttpRequest) -> HttpResponseBase:
    """The page that checks slips with the network off, to be saved."""
    raw = built().html
    sha256 = hashlib.sha256(raw).hexdigest()
    return download(request, raw, name="khazana-balance-check.html", sha256=sha256)
