"""Addresses of the explainers."""

from django.urls import path

from khazana.portal.explainers import views

urlpatterns = [
    path("explained/", views.listed, name="explainers"),
    path("explained/<slug:slug>/", views.shown, name="explainer"),
]
