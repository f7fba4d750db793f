"""The staff desk as an app."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "khazana.portal.desk"
    label = "desk"
