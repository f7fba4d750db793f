"""The statements that an office published, and their files."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from khazana.portal.statement.choosing import standing_statements


def statements(request: HttpRequest) -> HttpResponse:
    """Every statement, the newest first."""
    return render(request, "statement/list.html", {"statements": standing_statements()})
