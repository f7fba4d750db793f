"""Addresses of the staff desk."""

from django.urls import path

from khazana.portal.desk import views, views_audit

urlpatterns = [
    path("", views.home, name="desk-home"),
    path("audit-log/", views_audit.audit_log, name="audit-log"),
    path("audit-log/file/", views_audit.audit_log_file, name="audit-log-file"),
]
