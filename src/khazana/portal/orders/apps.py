"""Orders: payments and purchases before they happen. As an app of the desk."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "khazana.portal.orders"
    label = "orders"
