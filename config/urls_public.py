"""Addresses on the root host, and the paths that answer on any host (`config.middleware.ANY_HOST`)."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path

from config import health
from config.api import api

handler400 = "config.errors.unreadable"

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("api/v1/", api.urls),
    path("", include("calls.webhooks_urls")),
    path("", include("tenants.urls_public")),
]

if settings.DEBUG:
    urlpatterns.append(path("", include("config.styleguide")))
