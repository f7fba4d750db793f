"""The audit log as an app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "khazana.portal.audit"
    label = "audit"
