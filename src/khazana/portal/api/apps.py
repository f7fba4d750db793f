"""The app of what programs read."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "khazana.portal.api"
    label = "api"
