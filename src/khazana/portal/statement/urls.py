"""Addresses of the statements' pages and files."""

from django.urls import path

from khazana.portal.statement import views

urlpatterns = [path("statements/", views.statements, name="statements")]
