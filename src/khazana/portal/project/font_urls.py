"""Addresses of the web fonts, without language."""

from django.urls import path

from khazana.portal.project import views_fonts

urlpatterns = [
    path("fonts/faces.css", views_fonts.faces, name="font-faces"),
    path("fonts/<str:name>.woff2", views_fonts.font, name="font"),
]
