"""Pages of the entrance that allauth has not, and the list of staff."""

from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter as account_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.account.views import ReauthenticateView
from allauth.mfa.adapter import get_adapter as mfa_adapter
from allauth.mfa.webauthn.views import RemoveWebAuthnView
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from khazana.portal.accounts.adapters import has_second_factor
from khazana.portal.accounts.forms import BeginForm, ChangeForm, StaffForm
from khazana.portal.accounts.invitations import (
    StaffRefused,
    add_person,
    change_person,
    confirm_person,
    reset_person,
    use_link,
)
from khazana.portal.accounts.models import InvitationRow, Person
from khazana.portal.accounts.roles import ADMINISTERS
from khazana.portal.accounts.sessions import person_of

MakesToken = Callable[[str], str]
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@sensitive_post_parameters("password", "again")
def begin(request: HttpRequest, token: str) -> HttpResponse:
    """A one-time link. Opening it changes nothing: programs that look at mail open links too."""
    now = timezone.now()
    invitation = InvitationRow.open_one(token, now=now)
    if invitation is None:
        return render(request, "accounts/begin_ended.html", status=410)
    problems: list[str] = []
    form = BeginForm(request.POST or None)
    if request.method == "POST":
        if not form.is_valid():
            problems = [_("Write the password twice.")]
        elif form.cleaned_data["password"] != form.cleaned_data["again"]:
            problems = [_("The two passwords differ.")]
        else:
            try:
                person = use_link(token, form.cleaned_data["password"], now=now)
            except ValidationError as error:
                problems = list(error.messages)
            else:
                if person is None:
                    return render(request, "accounts/begin_ended.html", status=410)
                login(request, person, backend=BACKEND)
                reauthenticate_by_password(request)
                return redirect("mfa_index")
    context = {"person": invitation.person, "problems": problems, "token": token}
    return render(request, "accounts/begin.html", context, status=422 if problems else 200)


class WeakestReauthentication(ReauthenticateView):  # type: ignore[misc]
    """By password alone, which is enough only for who has nothing stronger yet."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.user.is_authenticated and has_second_factor(request.user):
            strong = self._strong(request)
            return HttpResponseRedirect(f"{strong}?{request.META.get('QUERY_STRING', '')}")
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return answer

    def _strong(self, request: HttpRequest) -> str:
        methods = account_adapter().get_reauthentication_methods(request.user)
        return str(methods[0]["url"])


reauthenticate = WeakestReauthentication.as_view()


class RemovePasskey(RemoveWebAuthnView):  # type: ignore[misc]
    """The last way of signing in stays: without one, a password alone would open the account."""

    def form_valid(self, form: Any) -> HttpResponse:
        adapter = mfa_adapter()
        if not adapter.can_delete_authenticator(self.get_object()):
            form.add_error(None, adapter.validation_error("cannot_delete_authenticator"))
            answer: HttpResponse = self.form_invalid(form)
            return answer
        answer = super().form_valid(form)
        return answer


remove_passkey = RemovePasskey.as_view()


def keys(request: HttpRequest) -> HttpResponse:
    """allauth sends people here after a key is gone; the one page of keys shows all."""
    return redirect("mfa_index")


def staff(request: HttpRequest) -> HttpResponse:
    """Who works here, in which role."""
    people = Person.objects.prefetch_related("invitations")
    administers = person_of(request).role in ADMINISTERS
    return render(
        request,
        "accounts/staff.html",
        {"people": people, "administers": administers, "form": StaffForm()},
    )


@reauthentication_required  # type: ignore[untyped-decorator]
def staff_add(request: HttpRequest) -> HttpResponse:
    """Make an account and show its link, once."""
    form = StaffForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return redirect("staff")
    return _with_link(request, lambda by: add_person(**form.cleaned_data, by=by))


@reauthentication_required  # type: ignore[untyped-decorator]
def staff_change(request: HttpRequest) -> HttpResponse:
    """Another role, closed, open again, or reset with a new link."""
    form = ChangeForm(request.POST)
    if not form.is_valid():
        return redirect("staff")
    username, what = form.cleaned_data["username"], form.cleaned_data["what"]
    by = request.user.get_username()
    if what == "reset":
        if username == by:
            problem = _("Nobody changes their own rights.")
            return render(request, "accounts/staff_refused.html", {"problem": problem}, status=422)
        return _with_link(request, lambda by: reset_person(username, by=by))
    try:
        if what in ("close", "open"):
            change_person(username, active=what == "open", by=by)
        else:
            change_person(username, role=what, by=by)
    except StaffRefused as error:
        return render(request, "accounts/staff_refused.html", {"problem": error}, status=422)
    return redirect("staff")


@reauthentication_required  # type: ignore[untyped-decorator]
def staff_confirm(request: HttpRequest) -> HttpResponse:
    """A second person's word on an account that one administrator made or changed."""
    try:
        confirm_person(request.POST.get("username", "")[:32], by=request.user.get_username())
    except StaffRefused as error:
        return render(request, "accounts/staff_refused.html", {"problem": error}, status=422)
    return redirect("staff")


def _with_link(request: HttpRequest, made: MakesToken) -> HttpResponse:
    try:
        token = made(request.user.get_username())
    except StaffRefused as error:
        return render(request, "accounts/staff_refused.html", {"problem": error}, status=422)
    link = request.build_absolute_uri(reverse("begin", args=[token]))
    return render(request, "accounts/link.html", {"link": link})
