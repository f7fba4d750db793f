"""Addresses of the desk: Orders: payments and purchases before they happen."""

from django.urls import path

from khazana.portal.orders import views

urlpatterns = [
    path("", views.orders, name="orders"),
    path("new/", views.order_new, name="order-new"),
    path("in/", views.order_in, name="order-in"),
    path("files/", views.orders_files, name="orders-files"),
    path("<slug:order>/", views.order, name="order"),
    path("<slug:order>/act/", views.order_act, name="order-act"),
    path("<slug:order>/word/", views.order_word, name="order-word"),
]
