"""The accounts as an app; it stands before allauth's, so that its templates are found first."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "khazana.portal.accounts"
    label = "accounts"

    def ready(self) -> None:
        from khazana.portal.accounts import signals  # needs every app's models

        signals.connect()
