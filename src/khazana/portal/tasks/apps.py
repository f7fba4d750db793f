"""The work as an app."""

from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "khazana.portal.tasks"
    label = "tasks"
