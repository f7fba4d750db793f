"""Audits: requests, samples, working papers and the signed opinion. As an app of the desk."""

from django.apps import AppConfig


class AuditingConfig(AppConfig):
    name = "khazana.portal.auditing"
    label = "auditing"
