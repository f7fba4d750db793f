"""Addresses of the entrance and of one's own account: those of allauth's that the desk uses."""

from allauth.account import views as account_views
from allauth.mfa.base import views as mfa_views
from allauth.mfa.totp import views as totp_views
from allauth.mfa.webauthn import views as webauthn_views
from django.urls import path

from khazana.portal.accounts import views

urlpatterns = [
    path("sign-in/", account_views.login, name="account_login"),
    path("sign-in/second/", mfa_views.authenticate, name="mfa_authenticate"),
    path("sign-in/passkey/", webauthn_views.login_webauthn, name="mfa_login_webauthn"),
    path("sign-out/", account_views.logout, name="account_logout"),
    path("closed/", account_views.account_inactive, name="account_inactive"),
    path("begin/<str:token>/", views.begin, name="begin"),
    path("again/", views.reauthenticate, name="account_reauthenticate"),
    path("again/code/", mfa_views.reauthenticate, name="mfa_reauthenticate"),
    path(
        "again/passkey/", webauthn_views.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"
    ),
    path("password/", account_views.password_change, name="account_change_password"),
    path("keys/", mfa_views.index, name="mfa_index"),
    path("keys/app/add/", totp_views.activate_totp, name="mfa_activate_totp"),
    path("keys/app/remove/", totp_views.deactivate_totp, name="mfa_deactivate_totp"),
    path("keys/passkeys/", views.keys, name="mfa_list_webauthn"),
    path("keys/passkeys/add/", webauthn_views.add_webauthn, name="mfa_add_webauthn"),
    path("keys/passkeys/<int:pk>/", views.remove_passkey, name="mfa_remove_webauthn"),
    path("staff/", views.staff, name="staff"),
    path("staff/add/", views.staff_add, name="staff-add"),
    path("staff/change/", views.staff_change, name="staff-change"),
    path("staff/confirm/", views.staff_confirm, name="staff-confirm"),
]
