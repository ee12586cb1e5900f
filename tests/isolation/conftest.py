"""The world that is attacked."""

from __future__ import annotations

import secrets
from typing import Any

import pytest


@pytest.fixture
def world(db: None, tenant: Any, other_tenant: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any):
    """Alpha with a secret, beta, and their people. Add `live_tenant` where sockets or threads take part."""
    from django.db import connection

    from tests.isolation.registry import World

    connection.set_schema_to_public()
    return World(tenant, other_tenant, f"secret{secrets.token_hex(6)}", client_of, monkeypatch, tmp_path)
