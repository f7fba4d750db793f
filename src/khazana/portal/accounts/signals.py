"""What follows when someone's way of signing in changes: every other session of theirs ends."""

from typing import Any

from allauth.account import signals as account_signals
from allauth.core import context
from allauth.mfa import signals as mfa_signals
from allauth.mfa.models import Authenticator
from django.contrib.auth import signals as auth_signals
from django.contrib.auth import update_session_auth_hash
from django.db.models import F
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest
from django.utils import timezone

from khazana.portal.accounts.models import Person
from khazana.portal.accounts.sessions import BEGAN
from khazana.portal.audit.record import record


def connect() -> None:
    # The row's own signals come in its transaction; allauth's come behind it, or not at all.
    post_save.connect(_authenticator_saved, sender=Authenticator)
    post_delete.connect(_authenticator_deleted, sender=Authenticator)
    mfa_signals.authentication_failed.connect(_second_factor_failed)
    account_signals.password_changed.connect(_password_changed)
    auth_signals.user_logged_in.connect(_signed_in)
    auth_signals.user_logged_out.connect(_signed_out)
    auth_signals.user_login_failed.connect(_refused)


def end_other_sessions(request: HttpRequest, person: Person) -> None:
    """Every session of the person but this one is worth nothing from now on."""
    Person.objects.filter(pk=person.pk).update(epoch=F("epoch") + 1)
    person.refresh_from_db()
    update_session_auth_hash(request, person)


def _authenticator_saved(instance: Authenticator, created: bool, **_: Any) -> None:
    if created:
        _keys_changed(instance, "sign-in key added")


def _authenticator_deleted(instance: Authenticator, **_: Any) -> None:
    _keys_changed(instance, "sign-in key removed")


def _keys_changed(authenticator: Authenticator, action: str) -> None:
    """End the person's other sessions, or all where somebody else did it."""
    person = Person.objects.get(pk=authenticator.user_id)
    request = context.request
    by = None if request is None else getattr(request, "user", None)
    if by is not None and by.pk == person.pk:
        end_other_sessions(request, person)
    else:
        Person.objects.filter(pk=person.pk).update(epoch=F("epoch") + 1)
    actor = person.username if by is None or not by.is_authenticated else by.get_username()
    detail = {"of": person.username}
    record(action, actor=actor, subject=str(authenticator.type), detail=detail)


def _second_factor_failed(user: Person, authenticator: Any, **_: Any) -> None:
    record("sign-in refused", actor=user.username, subject=str(authenticator.type))


def _password_changed(request: HttpRequest, user: Person, **_: Any) -> None:
    end_other_sessions(request, user)
    record("password changed", actor=user.username)


def _signed_in(request: HttpRequest, user: Person, **_: Any) -> None:
    request.session[BEGAN] = timezone.now().timestamp()
    record("signed in", actor=user.username)


def _signed_out(user: Person | None, **_: Any) -> None:
    if user is not None:
        record("signed out", actor=user.username)


def _refused(credentials: dict[str, Any], **_: Any) -> None:
    """Only names that exist are written down: what people mistype may be a password."""
    given = str(credentials.get("username", ""))[:32]
    if Person.objects.filter(username=given).exists():
        record("sign-in refused", actor=given, subject="password")
