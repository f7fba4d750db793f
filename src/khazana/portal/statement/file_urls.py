"""Addresses of the published files: without a language, so that they can be linked for good."""

from django.urls import path

from khazana.portal.statement import views_files

urlpatterns = [
    path("files/<str:root>/statement.json", views_files.statement_file, name="statement-file"),
    path(
        "files/<str:root>/statement-<slug:language>.pdf",
        views_files.statement_pdf_file,
        name="statement-pdf",
    ),
    path("files/khazana-check.html", views_files.browser_file, name="browser-file"),
    path(
        "files/<str:root>/disclosure-<slug:level>.json",
        views_files.disclosure_file,
        name="disclosure-file",
    ),
    path("check.html", views_files.browser_file_shown, name="browser-page"),
    path("files/<str:office>/<path:path>", views_files.other_file, name="other-file"),
]
