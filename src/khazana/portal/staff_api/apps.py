"""The staff's API: what the desk shows, for programs of the office. As an app of the desk."""

from django.apps import AppConfig


class StaffApiConfig(AppConfig):
    name = "khazana.portal.staff_api"
    label = "staff_api"
