"""The app of the supervised providers."""

from django.apps import AppConfig


class SupervisionConfig(AppConfig):
    name = "khazana.portal.supervision"
    label = "supervision"
