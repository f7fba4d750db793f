"""What the guard says to programs: a code and a sentence where a person gets a page."""

from django.http import HttpRequest, HttpResponse, JsonResponse

NAMESPACE = "staff-api"
_MESSAGES = {
    "sign_in": (401, "No session, or one that has ended. Sign in at the desk."),
    "no_key": (403, "This account has no sign-in key yet."),
    "not_allowed": (403, "This role may not do this."),
    "unconfirmed": (403, "This account changes nothing until a second person confirmed it."),
}


def is_for_programs(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.namespace == NAMESPACE


def refusal(code: str) -> HttpResponse:
    """As `api.schemas.Problem` has it."""
    status, message = _MESSAGES[code]
    return JsonResponse({"code": code, "message": message, "wrong": []}, status=status)
