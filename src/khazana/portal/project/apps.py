"""The frame as an app, so that its templates, tags and static files are found."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "khazana.portal.project"
    label = "project"
