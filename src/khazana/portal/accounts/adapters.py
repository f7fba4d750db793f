"""What allauth asks us: nobody signs up, who reauthenticates how, and its messages in our words."""

import base64
from typing import Any

import segno
from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from khazana.portal.accounts.models import Person

REFUSED = "refused"
"""Session key: a passkey was not accepted; the next page says so once."""
SECOND_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
_WRONG_CODE = _("The code is not right, or it was used before.")
_TOO_MANY = _("Too many attempts. Wait a few minutes, then try again.")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account is closed."),
        "username_password_mismatch": _("The name and the password do not belong together."),
        "incorrect_password": _("This is not your password."),
        "enter_current_password": _("This is not your password."),
        "incorrect_code": _WRONG_CODE,
        "too_many_login_attempts": _TOO_MANY,
        "rate_limited": _TOO_MANY,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, request: HttpRequest, level: int, *_: Any, **given: Any) -> None:
        """Pages show what happened; of allauth's own messages only a refused key matters."""
        if given.get("message") is not None:
            request.session[REFUSED] = True

    def send_mail(self, *_: Any, **__: Any) -> None:
        """The desk sends no mail: what it has to say stands in the audit log."""

    def send_notification_mail(self, *_: Any, **__: Any) -> None:
        """As above."""

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """The strongest first; the password alone only where there is nothing else."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        strong = [each for each in methods if each["id"] != "reauthenticate"]
        return list(reversed(strong)) or methods

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_login")


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _WRONG_CODE,
        "cannot_delete_authenticator": _("The last way of signing in cannot be removed."),
    }

    def get_totp_issuer(self) -> str:
        return f"Khazana {self._get_site_name()}"

    def build_totp_svg(self, url: str) -> str:
        """Without a style attribute, which the content security policy refuses."""
        made: str = segno.make(url, error="m").svg_inline(scale=4, border=4, light="#ffffff")
        return made

    def encrypt(self, text: str) -> str:
        """Under the installation's secret: a copy of the database alone opens nothing."""
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _box().decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        others = Authenticator.objects.filter(user=authenticator.user, type__in=SECOND_FACTORS)
        return bool(others.exclude(pk=authenticator.pk).exists())

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return str(_("Key %(number)s") % {"number": number})


def has_second_factor(person: Person) -> bool:
    """Whether the person has a passkey or an authenticator app."""
    found = Authenticator.objects.filter(user_id=person.pk, type__in=SECOND_FACTORS)
    return bool(found.exists())


def _box() -> Fernet:
    derived = HKDF(
        algorithm=SHA256(), length=32, salt=None, info=b"khazana.portal.accounts.totp"
    ).derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
