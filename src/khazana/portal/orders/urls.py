"""Addresses of the desk: Orders: payments and purchases before they happen."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
