"""Addresses of the reserve's pages."""

from django.urls import path

from khazana.portal.reserve import views

urlpatterns = [path("", views.home, name="home")]
