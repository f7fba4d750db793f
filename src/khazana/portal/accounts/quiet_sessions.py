"""Sessions that a stream does not keep alive: what a script asks by itself is no request."""

from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse

QUIET = frozenset({"news"})
"""Names of addresses that are asked without anybody doing anything."""


class QuietSessions(SessionMiddleware):
    """Django's, but for these addresses: half an hour after the last request means a person's."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        match = request.resolver_match
        if match is not None and match.view_name in QUIET and not request.session.is_empty():
            return response
        return super().process_response(request, response)
