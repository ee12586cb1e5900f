"""The real settings without tenants and database; see `tests.web.pages`."""

from __future__ import annotations

import os
from pathlib import Path

from config.settings.base import *  # noqa: F403
from config.settings.base import INSTALLED_APPS, MIDDLEWARE, TEMPLATES

ROOT_URLCONF = "tests.web.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.dummy"}}
DATABASE_ROUTERS: list[str] = []
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
STATIC_ROOT = Path(os.environ["DESKBELL_TEST_STATIC"])
_APPS = ("daphne", "django_tenants", "tenants", "billing", "knowledge", "calls", "receptionist", "realtime", "channels")
INSTALLED_APPS = [
    app
    for app in INSTALLED_APPS
    if app not in (*_APPS, "django.contrib.auth", "django.contrib.contenttypes") and not app.startswith("allauth")
]
MIDDLEWARE = [
    name
    for name in MIDDLEWARE
    if not name.startswith(("config.", "tenants.", "django.contrib.sessions", "django.contrib.auth", "allauth."))
]
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
_options = TEMPLATES[0]["OPTIONS"]
_options["context_processors"] = [
    name
    for name in _options["context_processors"]
    if "auth" not in name and not name.startswith(("calls.", "tenants."))
]
