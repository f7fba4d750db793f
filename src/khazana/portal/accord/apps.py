"""The app of the accord."""

from django.apps import AppConfig


class AccordConfig(AppConfig):
    name = "khazana.portal.accord"
    label = "accord"
