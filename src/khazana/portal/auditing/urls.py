"""Addresses of the desk: Audits: requests, samples, working papers and the signed opinion."""

from django.urls import path

from khazana.portal.auditing import views, views_opinions, views_samples

urlpatterns = [
    path("", views.audits, name="audits"),
    path("<int:pk>/", views.audit, name="audit"),
    path("<int:pk>/ask/", views.audit_ask, name="audit-ask"),
    path("<int:pk>/requests/<int:number>/answer/", views.audit_answer, name="audit-answer"),
    path("<int:pk>/requests/<int:number>/settle/", views.audit_settle, name="audit-settle"),
    path("<int:pk>/files/<slug:sha256>/", views.audit_file, name="audit-file"),
    path("<int:pk>/report/", views.audit_report, name="audit-report"),
    path("<int:pk>/papers/", views.audit_papers, name="audit-papers"),
    path("<int:pk>/announce/", views_samples.audit_announce, name="audit-announce"),
    path("<int:pk>/samples/<int:number>/", views_samples.audit_sample, name="audit-sample"),
    path("<int:pk>/samples/<int:number>/file/", views_samples.announcement, name="announcement"),
    path("<int:pk>/samples/<int:number>/draw/", views_samples.audit_draw, name="audit-draw"),
    path("<int:pk>/opinion/", views_opinions.opinion_form, name="opinion-form"),
    path("<int:pk>/opinion/in/", views_opinions.opinion_in, name="opinion-in"),
    path("<int:pk>/opinion/publish/", views_opinions.opinion_publish, name="opinion-publish"),
]
