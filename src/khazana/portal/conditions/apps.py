"""The app of the lender's conditions."""

from django.apps import AppConfig


class ConditionsConfig(AppConfig):
    name = "khazana.portal.conditions"
    label = "conditions"
