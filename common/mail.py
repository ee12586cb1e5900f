"""Where mails go: to the server that `EMAIL_URL` names, or into files."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from common.env import ImproperlyConfigured

#: Seconds a mail server may take before the mail counts as not taken.
TIMEOUT_SECONDS = 10


def mail_settings(url: str, folder: Path) -> dict[str, Any]:
    """Django's settings for ``smtp://`` (STARTTLS, except to this very machine) or ``smtps://``; files without a URL.

    Raises `ImproperlyConfigured` for any other scheme.
    """
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend", "EMAIL_FILE_PATH": folder}
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured("EMAIL_URL is not an address") from None
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ImproperlyConfigured("EMAIL_URL must be smtp://host:port or smtps://host:port")
    secure = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or (465 if secure else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": secure,
        "EMAIL_USE_TLS": not secure and parts.hostname not in {"localhost", "127.0.0.1", "::1"},
        "EMAIL_TIMEOUT": TIMEOUT_SECONDS,
    }
