"""Addresses of this room on the root host."""

from __future__ import annotations

from django.urls import include, path

from tenants import views

urlpatterns = [
    path("", include("tenants.account.urls")),
    path("", views.landing, name="landing"),
    path("logout", views.sign_out, name="logout"),
    path("businesses", views.businesses, name="businesses"),
    path("handover/<slug:slug>", views.handover, name="handover"),
]
