"""Addresses of the desk: the lender's conditions, written and tried."""

from django.urls import path

from khazana.portal.memoranda import views

urlpatterns = [
    path("", views.memoranda, name="memoranda"),
    path("edit/", views.memorandum_edit, name="memorandum-edit"),
    path("<int:pk>/", views.memorandum, name="memorandum"),
    path("<int:pk>/confirm/", views.memorandum_confirm, name="memorandum-confirm"),
    path("<int:pk>/decline/", views.memorandum_decline, name="memorandum-decline"),
    path("what-if/", views.what_if, name="what-if"),
    path("what-if/<int:pk>/", views.what_if_answer, name="what-if-answer"),
]
