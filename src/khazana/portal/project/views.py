"""Pages of the frame itself: the way in, and what is shown where nothing is."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import get_language_bidi, get_language_from_request, gettext, override
from django.views.decorators.vary import vary_on_headers


@vary_on_headers("Accept-Language", "Cookie")
def language_chosen(request: HttpRequest) -> HttpResponse:
    """To the home page in the language that the reader's browser asks for."""
    return HttpResponseRedirect(f"/{get_language_from_request(request)}/")


def nothing_here(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A page that is not there, said in the reader's language."""
    return render(request, "frame/nothing_here.html", status=404)


def refused(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A request that may not be made."""
    return render(request, "frame/refused.html", {"status": 403}, status=403)


def unreadable(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A request that nobody can read."""
    return render(request, "frame/refused.html", {"status": 400}, status=400)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that did not come from this portal's own page."""
    return refused(request)


def broken(request: HttpRequest) -> HttpResponse:
    """A fault of ours, said in every language at once; it asks the database for nothing."""
    said = []
    for language, _ in settings.LANGUAGES:
        with override(language):
            said.append(
                (
                    language,
                    "rtl" if get_language_bidi() else "ltr",
                    gettext("This page failed"),
                    gettext(
                        "The fault is the portal's, not yours; its keepers find it in their log."
                        " The published files can still be read and checked without these pages."
                    ),
                )
            )
    return HttpResponse(render_to_string("frame/broken.html", {"said": said}), status=500)
