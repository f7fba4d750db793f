"""What the state holds and how it changed: pages over rows."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from khazana.portal.statement.choosing import newest_statement


def home(request: HttpRequest) -> HttpResponse:
    """The first page: what is held, what changed and why, and how to check it."""
    return render(request, "reserve/home.html", {"statement": newest_statement()})
