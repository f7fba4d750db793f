"""Making accounts: by an administrator, each with a one-time link that ends."""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from allauth.mfa.models import Authenticator
from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError, transaction
from django.db.models import F

from khazana.errors import KhazanaError
from khazana.portal.accounts.models import USERNAME_PATTERN, InvitationRow, Person
from khazana.portal.accounts.roles import Role
from khazana.portal.audit.record import record

LINK_HOURS = 72
CONSOLE = "console:"
"""How the acts of whoever sits at the machine itself begin; they need no second person."""


@dataclass(eq=False, kw_only=True)
class StaffRefused(KhazanaError):
    """An account cannot be made or changed so."""

    username: str
    problem: str
    code = "staff_refused"
    words = "{username}: {problem}."


def add_person(username: str, *, name: str, role: str, by: str) -> str:
    """Make an account and give the token of its link. Nobody can sign in before it is used."""
    if not re.fullmatch(USERNAME_PATTERN, username):
        problem = "a name at the desk is a-z, 0-9, dot, dash or underscore, 2 to 32 of them"
        raise StaffRefused(username=username[:64], problem=problem)
    if role not in Role.values:
        raise StaffRefused(username=username, problem=f"roles are {', '.join(Role.values)}")
    shown = " ".join(name.split())
    if not shown.isprintable() or not 1 <= len(shown) <= 100:
        raise StaffRefused(username=username, problem="a person's name has 1 to 100 letters")
    person = Person(
        username=username, name=shown, role=role, created_at=datetime.now(UTC),
        unconfirmed_by=_unconfirmed(by),
    )  # fmt: skip
    person.set_unusable_password()
    try:
        with transaction.atomic():
            person.save()
            record("account made", actor=by, subject=username, detail={"role": role})
            return _new_link(person, by=by)
    except IntegrityError as error:
        raise StaffRefused(username=username, problem="there is such an account") from error


def reset_person(username: str, *, by: str) -> str:
    """For who lost password or keys: all of them go, every session ends, a new link is made."""
    with transaction.atomic():
        person = _locked(username)
        Authenticator.objects.filter(user=person).delete()
        person.set_unusable_password()
        person.epoch += 1
        person.unconfirmed_by = _unconfirmed(by)
        person.save(update_fields=["password", "epoch", "unconfirmed_by"])
        record("account reset", actor=by, subject=username)
        return _new_link(person, by=by)


def change_person(
    username: str, *, role: str | None = None, active: bool | None = None, by: str
) -> None:
    """Give another role, close or open an account; the person's sessions end at once.

    Nobody changes their own account so, and one administrator always remains.
    """
    with transaction.atomic():
        # All of them, in one order: two who close each other wait for one another.
        list(Person.objects.select_for_update().filter(role=Role.ADMINISTRATOR).order_by("pk"))
        person = _locked(username)
        if person.username == by:
            raise StaffRefused(username=username, problem="nobody changes their own rights")
        if role is not None and role not in Role.values:
            raise StaffRefused(username=username, problem=f"roles are {', '.join(Role.values)}")
        before = {"role": person.role, "active": str(person.is_active)}
        person.role = person.role if role is None else role
        person.is_active = person.is_active if active is None else active
        person.epoch += 1
        if active is not False:
            person.unconfirmed_by = _unconfirmed(by)
        person.save(update_fields=["role", "is_active", "epoch", "unconfirmed_by"])
        administrators = Person.objects.filter(role=Role.ADMINISTRATOR, is_active=True)
        if not administrators.exists() and before["role"] == Role.ADMINISTRATOR:
            raise StaffRefused(username=username, problem="the last administrator has to stay")
        if not person.is_active:
            InvitationRow.objects.filter(person=person, used_at=None).delete()
        after = {"new role": person.role, "now active": str(person.is_active)}
        record("account changed", actor=by, subject=username, detail={**before, **after})


def confirm_person(username: str, *, by: str) -> None:
    """A second person says that an account is who and what it should be; never its maker, nor
    the account itself.
    """
    with transaction.atomic():
        person = _locked(username)
        if not person.unconfirmed_by:
            raise StaffRefused(username=username, problem="it waits for nobody's word")
        if by in (person.username, person.unconfirmed_by):
            problem = "somebody else than its maker has to confirm it"
            raise StaffRefused(username=username, problem=problem)
        maker, person.unconfirmed_by = person.unconfirmed_by, ""
        person.save(update_fields=["unconfirmed_by"])
        detail = {"made by": maker, "role": person.role}
        record("account confirmed", actor=by, subject=username, detail=detail)


def forget_links() -> int:
    """No link made before works any more, and every session has ended: after a restore an older
    state of the accounts is there, and with it what was used up since. Gives how many links went.
    """
    with transaction.atomic():
        count = InvitationRow.objects.filter(used_at=None).delete()[0]
        Person.objects.update(epoch=F("epoch") + 1)
        record("links and sessions ended", actor="restore", detail={"links": str(count)})
    return count


def use_link(token: str, password: str, *, now: datetime) -> Person | None:
    """Set the password of whoever the link is for; None where it does not open, or not any more.

    ValidationError, with the link still good, where the password is too weak.
    """
    invitation = InvitationRow.open_one(token, now=now)
    if invitation is None:
        return None
    validate_password(password, user=invitation.person)
    with transaction.atomic():
        # Of two who come at once only one finds it unused.
        if not InvitationRow.objects.filter(pk=invitation.pk, used_at=None).update(used_at=now):
            return None
        person = _locked(invitation.person.username)
        if not person.is_active:
            return None
        # Keys that somebody added in a session that the reset was just ending.
        Authenticator.objects.filter(user=person).delete()
        person.set_password(password)
        person.epoch += 1
        person.save(update_fields=["password", "epoch"])
        record("one-time link used", actor=person.username)
    return person


def _unconfirmed(by: str) -> str:
    return "" if by.startswith(CONSOLE) else by


def _new_link(person: Person, *, by: str) -> str:
    token = secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    InvitationRow.objects.filter(person=person, used_at=None).delete()
    InvitationRow.objects.create(
        person=person,
        token_sha256=InvitationRow.hash_of(token),
        made_at=now,
        ends_at=now + timedelta(hours=LINK_HOURS),
    )
    record("one-time link made", actor=by, subject=person.username)
    return token


def _locked(username: str) -> Person:
    person = Person.objects.select_for_update().filter(username=username).first()
    if person is None:
        raise StaffRefused(username=username[:64], problem="there is no such account")
    return person
