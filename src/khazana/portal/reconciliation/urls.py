"""Addresses of the desk: Reconciliation: postings that nothing explains yet."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
