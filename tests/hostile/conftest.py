"""The stage, built once a module: what a test does is undone, not built again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[Any]:
    """Both tenants filled, in a transaction that is never committed."""
    from django.db import connection, transaction
    from django.test import override_settings

    from calls import testcall
    from common.kv import redis_sync
    from tenants import numbers, provisioning, sessions
    from tests.hostile.stage import Stage

    phones = dict.fromkeys(("TWILIO_API_KEY_SID", "TWILIO_API_KEY_SECRET", "TWILIO_TWIML_APP_SID"), "x" * 34)
    calm = {"API_RATE_PER_MINUTE": 10**9, "ACCOUNT_RATE_LIMITS": False}
    files = {"MEDIA_ROOT": tmp_path_factory.mktemp("media")}
    with (
        pytest.MonkeyPatch.context() as patch,
        override_settings(**phones, **calm, **files),
        django_db_blocker.unblock(),
        transaction.atomic(),
    ):
        # Limits have tests of their own; carrier and voice are other people's machines.
        patch.setattr(sessions, "_TRIES", dict.fromkeys(sessions._TRIES, 10**9))
        patch.setattr(testcall, "CALLS_A_MINUTE", 10**9)
        patch.setattr(testcall, "SENTENCES_A_MINUTE", 10**9)
        patch.setattr("calls.carriers.twilio.set_up_application", lambda: None)
        patch.setattr("common.ai.speech", lambda text, **_: b"\x7f" * 160)
        patch.setattr(numbers, "_setups", [])
        patch.setattr(numbers, "_sources", [], raising=False)
        patch.setattr(provisioning, "_steps", {})
        patch.setattr(provisioning, "_refill_behind", lambda: None)
        # Django's test client copies the context of every template it sees; nobody reads them here.
        patch.setattr("django.test.client.store_rendered_templates", lambda *_args, **_kwargs: None)
        try:
            yield Stage()
        finally:
            connection.set_schema_to_public()
            transaction.set_rollback(True)
            redis_sync().flushdb()  # attempts to sign in were counted


@pytest.fixture
def stage(built: Any, db: None) -> Any:
    """The stage as it was built: a test's own transaction lies within the module's."""
    return built
