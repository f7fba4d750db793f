"""Addresses of the staff desk."""

from django.urls import path

from khazana.portal.desk import views, views_audit, views_first_day, views_statements

urlpatterns = [
    path("", views.home, name="desk-home"),
    path("first-day/", views_first_day.first_day, name="first-day"),
    path("first-day/file/", views_first_day.office_file, name="office-file"),
    path("first-day/identity-in/", views_first_day.identity_in, name="identity-in"),
    path("first-day/<slug:name>/", views_first_day.screen, name="first-day-screen"),
    path("statements/", views_statements.drafts, name="drafts"),
    path("statements/<int:pk>/", views_statements.draft, name="draft"),
    path("statements/<int:pk>/file/", views_statements.draft_file, name="draft-file"),
    path("statements/<int:pk>/signed/", views_statements.draft_signed, name="draft-signed"),
    path("statements/<int:pk>/publish/", views_statements.draft_publish, name="draft-publish"),
    path("audit-log/", views_audit.audit_log, name="audit-log"),
    path("audit-log/file/", views_audit.audit_log_file, name="audit-log-file"),
]
