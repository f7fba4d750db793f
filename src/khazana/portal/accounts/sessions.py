"""How long a session lives: half an hour without a request, ten hours in all."""

from django.http import HttpRequest

from khazana.portal.accounts.models import Person

BEGAN = "began"
IDLE_SECONDS = 30 * 60
LONGEST_SECONDS = 10 * 3600


def person_of(request: HttpRequest) -> Person:
    """Who is signed in; the guard lets nobody else so far."""
    if not isinstance(request.user, Person):
        raise RuntimeError("a view for staff was reached by nobody")
    return request.user


def is_over(request: HttpRequest, *, now: float) -> bool:
    """Whether a session has reached its absolute end. One without a beginning has none to claim."""
    began = request.session.get(BEGAN)
    if not isinstance(began, (int, float)):
        return True
    return not 0 <= now - began < LONGEST_SECONDS
