"""The guard before every view: it reads the one table of permissions and nothing else decides."""

import time
from collections.abc import Callable
from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from khazana.portal.accounts.adapters import has_second_factor
from khazana.portal.accounts.permissions import EVERYBODY, NOBODY, Permission, row_of
from khazana.portal.accounts.refusals import is_for_programs, refusal
from khazana.portal.accounts.sessions import is_over

READS = ("GET", "HEAD")
METHODS = (*READS, "POST")
Answer = Callable[[HttpRequest], HttpResponse]


class Guard:
    """Refuses what the table does not allow, before the view or a row of the database is touched.

    So an address answers the same whether or not there is something behind it.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if request.user.is_authenticated or not is_public(request):
            # Neither a proxy nor the back button of a shared machine keeps what staff saw.
            answer.headers["Cache-Control"] = "no-store, private"
        return answer

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        permission = permission_of(request)
        if request.method not in METHODS:
            return HttpResponseNotAllowed(METHODS)
        if request.user.is_authenticated and is_over(request, now=time.time()):
            logout(request)
        reads = request.method in READS
        who, other = permission.read, permission.change
        if not reads:
            who, other = other, who
        if who == NOBODY:
            if other is EVERYBODY or _is_one_of(request, other):
                return HttpResponseNotAllowed(("POST",) if reads else READS)
            who = other  # whoever may do nothing here is told nothing about methods
        if who is EVERYBODY:
            return None
        if not request.user.is_authenticated:
            if is_for_programs(request):
                return refusal("sign_in")
            here = request.get_full_path() if reads else reverse("desk-home")
            return redirect_to_login(here, reverse("account_login"))
        if not permission.begun and not has_second_factor(request.user):
            if is_for_programs(request):
                return refusal("no_key")
            return HttpResponseRedirect(reverse("mfa_index"))
        if request.user.role not in who:
            if is_for_programs(request):
                return refusal("not_allowed")
            raise PermissionDenied
        if not reads and not permission.begun and request.user.unconfirmed_by:
            if is_for_programs(request):
                return refusal("unconfirmed")
            return render(request, "accounts/unconfirmed.html", status=403)
        return None


def permission_of(request: HttpRequest) -> Permission:
    """The row of the address; one that nobody wrote is nobody's."""
    match = request.resolver_match
    row = None if match is None else row_of(match.view_name, match.func)
    return row or Permission(NOBODY, NOBODY)


def is_public(request: HttpRequest) -> bool:
    return permission_of(request).read is EVERYBODY


def _is_one_of(request: HttpRequest, who: Any) -> bool:
    return bool(request.user.is_authenticated and request.user.role in who)
