"""The app of the reserve."""

from django.apps import AppConfig


class ReserveConfig(AppConfig):
    name = "khazana.portal.reserve"
    label = "reserve"
