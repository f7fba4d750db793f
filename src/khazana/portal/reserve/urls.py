"""Addresses of the reserve's pages."""

from django.urls import path

from khazana.portal.reserve import views, views_claims, views_movements

urlpatterns = [
    path("", views.home, name="home"),
    path("holdings/<slug:kind>/<str:ident>/", views.holding, name="holding"),
    path("two-bars/", views.bars, name="two-bars"),
    path("corrections/", views.corrections, name="corrections"),
    path("movements/", views_movements.movements, name="movements"),
    path("movements/<str:txid>/", views_movements.movement, name="movement"),
    path("claims/", views_claims.claims, name="claims"),
    path("coins/", views_movements.coins, name="coins"),
]
