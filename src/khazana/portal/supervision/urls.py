"""Addresses of the supervised providers' pages."""

from django.urls import path

from khazana.portal.supervision import views

urlpatterns = [
    path("providers/", views.providers, name="providers"),
    path("providers/<slug:office>/<slug:slug>/", views.provider, name="provider"),
    path("check-my-balance/", views.check_my_balance, name="check-my-balance"),
]
