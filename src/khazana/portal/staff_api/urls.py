"""Addresses of the desk: The staff's API: what the desk shows, for programs of the office."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
