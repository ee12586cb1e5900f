"""Addresses of people's accounts, on the root host. Names are the ones django-allauth looks for."""

from __future__ import annotations

from allauth.account import views as allauth
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from django.urls import path, re_path

from tenants.account import views

urlpatterns = [
    path("login", views.sign_in, name="account_login"),
    path("login/code", factors.authenticate, name="mfa_authenticate"),
    path("login/inactive", allauth.account_inactive, name="account_inactive"),
    path("signup", views.sign_up, name="account_signup"),
    path("invitations/<str:token>", views.invitation, name="invitation"),
    path("password/forgotten", allauth.password_reset, name="account_reset_password"),
    path("password/forgotten/mail", allauth.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/new/(?P<uidb36>[0-9A-Za-z]{1,13})-(?P<key>[^/]{1,200})$",
        allauth.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("password/new/done", allauth.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    path("account", views.overview, name="account_overview"),
    path("account", views.overview, name="mfa_index"),
    path("account/verify", views.send_verification, name="account_verify"),
    path("account/verify/<str:key>", allauth.confirm_email, name="account_confirm_email"),
    path("account/sessions/<int:session_id>/end", views.end_session, name="account_end_session"),
    path("account/sessions/end", views.end_other_sessions, name="account_end_sessions"),
    path("account/password", allauth.password_change, name="account_change_password"),
    path("account/confirm", allauth.reauthenticate, name="account_reauthenticate"),
    path("account/confirm/code", factors.reauthenticate, name="mfa_reauthenticate"),
    path("account/second-factor/on", totp.activate_totp, name="mfa_activate_totp"),
    path("account/second-factor/off", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("account/second-factor/codes", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("account/second-factor/codes/new", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("account/second-factor/codes/file", codes.download_recovery_codes, name="mfa_download_recovery_codes"),
]
