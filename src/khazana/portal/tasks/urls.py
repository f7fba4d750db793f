"""Addresses of the work in the background."""

from django.urls import path

from khazana.portal.tasks import views

urlpatterns = [
    path("background/", views.background, name="background"),
    path("background/<uuid:pk>/again/", views.task_again, name="task-again"),
    path("news/", views.news, name="news"),
]
