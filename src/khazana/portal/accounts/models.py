"""People of the staff desk, and the one-time links by which they come in."""

import hashlib
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import RegexValidator
from django.db import models
from django.utils.crypto import salted_hmac

from khazana.portal.accounts.roles import Role

USERNAME_PATTERN = r"^[a-z][a-z0-9._-]{1,31}$"


class People(BaseUserManager["Person"]):
    """Accounts are made by an administrator only; nobody signs up."""

    def get_by_natural_key(self, username: str | None) -> "Person":
        return self.get(username=username)


class Person(AbstractBaseUser):
    """A member of staff. epoch: grows whenever every session of theirs has to end."""

    username = models.CharField(
        max_length=32, unique=True, validators=[RegexValidator(USERNAME_PATTERN)]
    )
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=16, choices=Role.choices)
    is_active = models.BooleanField(default=True)
    epoch = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    unconfirmed_by = models.CharField(max_length=64, blank=True)
    """Who made the account, gave its role or a new link, until a second person says that this is
    right; "" from then on. Until then it changes nothing at the desk: one administrator could be
    two people.
    """

    objects: ClassVar[People] = People()
    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        ordering = ("username",)
        constraints = (
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="role_is_known"),
        )

    def __str__(self) -> str:
        return self.username

    def get_full_name(self) -> str:
        return self.name

    def get_session_auth_hash(self) -> str:
        return self._hash_with(None)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        return self._hash_with(secret)

    def _hash_with(self, secret: str | None) -> str:
        """What a session was begun under: a change of any of it ends the session."""
        under = f"{self.password} {self.role} {self.is_active} {self.epoch}"
        return salted_hmac(
            "khazana.portal.accounts.session", under, secret=secret, algorithm="sha256"
        ).hexdigest()


class InvitationRow(models.Model):
    """A one-time link. The database has the hash of its token, never the token."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="invitations")
    token_sha256 = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-made_at",)

    def __str__(self) -> str:
        return f"{self.person_id} until {self.ends_at:%Y-%m-%d %H:%M}"

    @staticmethod
    def hash_of(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()

    @classmethod
    def open_one(cls, token: str, *, now: datetime) -> "InvitationRow | None":
        """The link that still opens; a closed account's, a used and an old one do not."""
        rows: Any = cls.objects.select_related("person")
        found: InvitationRow | None = rows.filter(
            token_sha256=cls.hash_of(token), used_at=None, ends_at__gt=now, person__is_active=True
        ).first()
        return found
