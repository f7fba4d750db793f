"""The app of the mining sites."""

from django.apps import AppConfig


class MiningConfig(AppConfig):
    name = "khazana.portal.mining"
    label = "mining"
