"""Addresses of the accord."""

from django.urls import path

from khazana.portal.accord import views

urlpatterns = [
    path("agreements/", views.listed, name="agreements"),
    path("agreements/<slug:ident>/", views.shown, name="agreement"),
    path("rules/", views.rules, name="rules"),
    path("rules/<slug:ident>/", views.rule, name="rule"),
]
