"""Real PostgreSQL and Valkey for the whole run, started before Django reads its settings."""

from __future__ import annotations

import base64
import os
import secrets
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

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


def _group(nodeid: str) -> str:
    """What is kept together where several workers share the tests (`pytest -n 2`), each with servers of its own.

    A folder, whose tests share what is slow to start; and all tests of the whole product, which wants a row of ports.
    """
    path = nodeid.partition("::")[0]
    folder = path.removeprefix("tests/").partition("/")[0]
    return "product" if folder == "e2e" or path.endswith("/test_up.py") else folder


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    return ByGroup(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the whole product begin first: their calls take as long as people speak."""
    items.sort(key=lambda item: _group(item.nodeid) != "product")


def pytest_unconfigure(config: pytest.Config) -> None:
    _stack.close()
