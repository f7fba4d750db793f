"""What all answers to programs have in common: JSON for what goes wrong, one language, only GET."""

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import translation

from khazana.portal.api.problems import NoSuchAddress, NotGiven, OnlyRead, WrongParameters

PREFIXES = ("/api/", "/tables/", "/feed")
"""Addresses that programs read."""
Respond = Callable[[HttpRequest], HttpResponse]


def problem_body(problem: NotGiven) -> dict[str, Any]:
    """A problem as the API says it (schemas.Problem)."""
    wrong = problem.wrong if isinstance(problem, WrongParameters) else ()
    return {
        "code": problem.code,
        "message": str(problem),
        "wrong": [{"where": where, "problem": what} for where, what in wrong],
    }


def problem_answer(problem: NotGiven) -> HttpResponse:
    """A problem as an answer."""
    body = json.dumps(problem_body(problem), ensure_ascii=False)
    return HttpResponse(body, status=problem.status, content_type="application/json")


def no_such_address(request: HttpRequest) -> HttpResponse:
    """For addresses of the API that do not exist."""
    return problem_answer(NoSuchAddress())


class ProgramsAnswers:
    """Keeps what programs read apart from the pages: never a page, never the reader's language.

    HEAD is answered as GET; the server leaves the body out.
    """

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(PREFIXES):
            return self.get_response(request)
        method = request.method
        if method not in ("GET", "HEAD"):
            refused = problem_answer(OnlyRead(method=method or "this method"))
            refused.headers["Allow"] = "GET, HEAD"
            return refused
        request.method = "GET"
        try:
            with translation.override("en"):
                answer = self.get_response(request)
        finally:
            request.method = method
        answer.headers.setdefault("Content-Language", "en")
        return answer
