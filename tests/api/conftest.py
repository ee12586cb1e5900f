"""Fixtures of the API's tests; imports wait until Django is set up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def as_program(db: None) -> Callable[..., Any]:
    """``as_program(business, scopes)``: a program with a new key, one that may do everything if none are named."""
    from tests.api.program import Program, fresh_key
    from tests.cast import ALPHA

    def make(business: Any = None, scopes: list[str] | None = None) -> Any:
        return Program(fresh_key(business or ALPHA, scopes))

    return make


@pytest.fixture
def api(tenant: Any, as_program: Callable[..., Any]) -> Any:
    """A program of alpha's that may do everything."""
    return as_program()


@pytest.fixture
def filled(tenant: Any, settings: Any, tmp_path: Path) -> Any:
    """Alpha with something of everything."""
    from tenants.context import in_tenant
    from tests.api.program import fill

    settings.MEDIA_ROOT = tmp_path
    return in_tenant(tenant.schema, fill)


@pytest.fixture(autouse=True)
def _nothing_counted() -> Any:
    """Rates live in Redis, which no transaction rolls back; keys' ids come again."""
    from common import kv

    yield
    names = list(kv.redis_sync().scan_iter("api:rate:*"))
    if names:
        kv.redis_sync().delete(*names)
