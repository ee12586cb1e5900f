"""Real PostgreSQL and Valkey for the whole run, started before Django reads its settings."""

from __future__ import annotations

import base64
import os
import secrets
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from config.services.embedded import embedded_databases

_stack = ExitStack()


def _start() -> None:
    """Point the settings at embedded servers.

    ``DESKBELL_TEST_VAR`` names a folder that keeps their files for the next run (with pytest's ``--reuse-db``).
    """
    kept = os.environ.get("DESKBELL_TEST_VAR")
    temporary = Path(_stack.enter_context(tempfile.TemporaryDirectory(prefix="deskbell-test-")))
    urls = _stack.enter_context(embedded_databases(Path(kept) if kept else temporary))
    os.environ.update(
        # No part of a running product is seen by a test.
        DESKBELL_VAR=str(temporary / "var"),
        DATABASE_URL=urls.database,
        REDIS_URL=urls.redis,
        SECRET_KEY=secrets.token_hex(32),
        MASTER_KEY=base64.b64encode(secrets.token_bytes(32)).decode(),
        TWILIO_ACCOUNT_SID=f"AC{secrets.token_hex(16)}",
        TWILIO_AUTH_TOKEN=secrets.token_hex(16),
        ENGINE_API_KEY=secrets.token_hex(16),
        TWILIO_API_BASE_URL="http://127.0.0.1:9",  # nobody listens there: no test reaches the real one by accident
        METRICS_TOKEN=secrets.token_hex(16),
        DJANGO_SETTINGS_MODULE="config.settings.test",  # not in pyproject.toml, where it would be read too early
    )
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_REALTIME_URL", "PUBLIC_URL"):
        os.environ.pop(name, None)


_start()


def pytest_configure(config: pytest.Config) -> None:
    import django

    django.setup()
    # After Django, whose models it imports: the tenants and people of the tests.
    config.pluginmanager.import_plugin("tests.tenancy")


def pytest_unconfigure(config: pytest.Config) -> None:
    _stack.close()
