"""The desk's first page: what is there, and what waits for whom."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from khazana.portal.statement.choosing import newest_statement


def home(request: HttpRequest) -> HttpResponse:
    """Where everybody of the office begins."""
    return render(request, "desk/home.html", {"newest": newest_statement()})
