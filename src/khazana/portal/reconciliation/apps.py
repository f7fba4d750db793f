"""Reconciliation: postings that nothing explains yet. As an app of the desk."""

from django.apps import AppConfig


class ReconciliationConfig(AppConfig):
    name = "khazana.portal.reconciliation"
    label = "reconciliation"
