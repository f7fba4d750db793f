"""Addresses of the staff desk."""

from django.urls import path

from khazana.portal.desk import (
    views,
    views_audit,
    views_campaigns,
    views_first_day,
    views_statements,
)

urlpatterns = [
    path("", views.home, name="desk-home"),
    path("first-day/", views_first_day.first_day, name="first-day"),
    path("first-day/file/", views_first_day.office_file, name="office-file"),
    path("first-day/identity-in/", views_first_day.identity_in, name="identity-in"),
    path("first-day/<slug:name>/", views_first_day.screen, name="first-day-screen"),
    path("statements/", views_statements.drafts, name="drafts"),
    path("statements/<int:pk>/", views_statements.draft, name="draft"),
    path("statements/<int:pk>/file/", views_statements.draft_file, name="draft-file"),
    path("statements/<int:pk>/discard/", views_statements.draft_discard, name="draft-discard"),
    path("statements/<int:pk>/signed/", views_statements.draft_signed, name="draft-signed"),
    path("statements/<int:pk>/readers/", views_statements.draft_readers, name="draft-readers"),
    path("statements/<int:pk>/shown/", views_statements.draft_shown, name="draft-shown"),
    path("statements/<int:pk>/public/", views_statements.draft_public, name="draft-public"),
    path("statements/<int:pk>/publish/", views_statements.draft_publish, name="draft-publish"),
    path("statements/<int:pk>/proofs/", views_campaigns.campaign, name="campaign"),
    path("statements/<int:pk>/proofs/in/", views_campaigns.returned, name="campaign-in"),
    path(
        "statements/<int:pk>/proofs/<int:number>/file/",
        views_campaigns.round_file,
        name="campaign-file",
    ),
    path(
        "statements/<int:pk>/proofs/<int:number>/codes/",
        views_campaigns.round_codes,
        name="campaign-codes",
    ),
    path("audit-log/", views_audit.audit_log, name="audit-log"),
    path("audit-log/file/", views_audit.audit_log_file, name="audit-log-file"),
]
