"""Pages of the frame itself: the way in, and what is shown where nothing is."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import get_language_from_request
from django.views.decorators.vary import vary_on_headers


@vary_on_headers("Accept-Language", "Cookie")
def language_chosen(request: HttpRequest) -> HttpResponse:
    """To the home page in the language that the reader's browser asks for."""
    return HttpResponseRedirect(f"/{get_language_from_request(request)}/")


def nothing_here(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A page that is not there, said in the reader's language."""
    return render(request, "frame/nothing_here.html", status=404)
