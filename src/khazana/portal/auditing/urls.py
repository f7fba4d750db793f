"""Addresses of the desk: Audits: requests, samples, working papers and the signed opinion."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
