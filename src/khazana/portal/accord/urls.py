"""Addresses of the accord."""

from django.urls import path

from khazana.portal.accord import views, views_witness

urlpatterns = [
    path("agreements/", views.listed, name="agreements"),
    path("agreements/<slug:ident>/", views.shown, name="agreement"),
    path("agreements/<slug:ident>/<int:version>/", views.shown, name="agreement-version"),
    path("witness/", views_witness.witness, name="witness"),
    path("rules/", views.rules, name="rules"),
    path("rules/<slug:ident>/", views.rule, name="rule"),
]
