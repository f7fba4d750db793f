"""Addresses without a language: what a printed slip's code opens, and files to keep."""

from django.urls import path

from khazana.portal.supervision import views_files

urlpatterns = [
    path("slip", views_files.slip_opened, name="slip-opened"),
    path("files/check-my-balance.js", views_files.script_file, name="balance-script"),
    path("files/khazana-balance-check.html", views_files.page_file, name="balance-page-file"),
]
