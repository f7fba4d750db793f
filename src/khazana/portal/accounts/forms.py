"""The forms of the entrance and of the staff list."""

from typing import Any

from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms

from khazana.portal.accounts.roles import Role


class BeginForm(forms.Form):
    """A first password."""

    password = forms.CharField(
        max_length=200, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )
    again = forms.CharField(
        max_length=200, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )


class PasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A key that signs in by itself; keys that could only be second factors are not offered."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].max_length = 50
        self.fields["passwordless"].initial = True


class StaffForm(forms.Form):
    """A new account."""

    username = forms.CharField(max_length=32)
    name = forms.CharField(max_length=100)
    role = forms.ChoiceField(choices=Role.choices)


class ChangeForm(forms.Form):
    """Another role for an account, or whether it is open."""

    username = forms.CharField(max_length=32)
    what = forms.ChoiceField(
        choices=[(each, each) for each in ("close", "open", "reset", *Role.values)]
    )
