"""The app of the explainers."""

from django.apps import AppConfig


class ExplainersConfig(AppConfig):
    name = "khazana.portal.explainers"
    label = "explainers"
