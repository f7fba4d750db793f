"""Addresses of the conditions' pages."""

from django.urls import path

from khazana.portal.conditions import views

urlpatterns = [path("conditions/", views.conditions, name="conditions")]
