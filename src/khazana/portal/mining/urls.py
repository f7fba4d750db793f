"""Addresses of the mining pages."""

from django.urls import path

from khazana.portal.mining import views

urlpatterns = [
    path("mining/", views.overview, name="mining"),
    path("mining/<str:site>/", views.site, name="mining-site"),
    path("mining/<str:site>/<str:month>/", views.month, name="mining-month"),
    path(
        "cite-mining/<str:root>/<str:site>/<str:month>/<slug:figure>/",
        views.cite,
        name="cite-mining",
    ),
]
