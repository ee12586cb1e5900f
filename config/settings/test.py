"""Settings of the test-suite: the real ones on embedded servers, with a cheap password hasher."""

from __future__ import annotations

from config.settings.base import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
TENANT_POOL_SIZE = 0
WHITENOISE_AUTOREFRESH = True
