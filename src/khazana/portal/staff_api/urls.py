"""Addresses of the staff's API; without a language, as programs read them."""

from django.urls import path

from khazana.portal.staff_api.routes import api

urlpatterns = [path("v1/", api.urls)]
