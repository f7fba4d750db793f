"""Memoranda: the lender's conditions, written and tried. As an app of the desk."""

from django.apps import AppConfig


class MemorandaConfig(AppConfig):
    name = "khazana.portal.memoranda"
    label = "memoranda"
