"""Addresses on a tenant's host."""

from __future__ import annotations

from django.urls import include, path

from calls.views import front_page

handler400 = "config.errors.unreadable"

urlpatterns = [
    path("", front_page, name="home"),
    path("", include("tenants.urls")),
    path("", include("calls.urls")),
    path("", include("knowledge.urls")),
    path("", include("receptionist.urls")),
    path("", include("receptionist.setup_urls")),
]
