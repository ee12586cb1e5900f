"""Fixtures of this room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from common.kv import redis_sync
from tests.tenants.browser import Browser


@pytest.fixture(autouse=True)
def _empty_redis() -> Iterator[None]:
    """Counters and tickets of one test are not seen by the next."""
    redis_sync().flushdb()
    yield


@pytest.fixture
def no_rooms_above(monkeypatch: pytest.MonkeyPatch) -> None:
    """Provisioning as this room does it alone; the steps of the rooms above are tested there."""
    from tenants import numbers, provisioning

    monkeypatch.setattr(provisioning, "_steps", {})
    monkeypatch.setattr(numbers, "_setups", [])
    monkeypatch.setattr(numbers, "_sources", [], raising=False)


@pytest.fixture
def browser() -> Browser:
    """A fresh one."""
    return Browser()
