"""Addresses of the desk: Memoranda: the lender's conditions, written and tried."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
