"""Addresses of this room on a tenant's host."""

from __future__ import annotations

from django.urls import include, path

from tenants import views

urlpatterns = [
    path("login", views.start_sign_in, name="login"),
    path("enter", views.enter, name="enter"),
    path("logout", views.sign_out, name="logout"),
    path("", include("tenants.panel.urls")),
]
