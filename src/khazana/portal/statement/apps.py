"""The app of published statements."""

from django.apps import AppConfig


class StatementConfig(AppConfig):
    name = "khazana.portal.statement"
    label = "statement"
