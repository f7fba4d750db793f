"""Addresses of the statements' pages."""

from django.urls import path

from khazana.portal.statement import views

urlpatterns = [
    path("statements/", views.statements, name="statements"),
    path("statements/<str:root>/", views.statement, name="statement"),
    path("check/", views.check, name="check"),
    path("cite/<str:root>/<slug:kind>/<str:ident>/<slug:figure>/", views.cite, name="cite"),
]
