"""Addresses on a tenant's host."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("tenants.urls")),
    path("", include("calls.urls")),
    path("", include("knowledge.urls")),
    path("", include("receptionist.urls")),
]
