"""Encryption with the current tenant's data key. Erasing the key erases everything sealed with it."""

from __future__ import annotations

from functools import lru_cache

from common import crypto
from tenants.context import require_active


@lru_cache(maxsize=256)
def _data_key(wrapped: bytes, owner: str) -> bytes:
    # By the wrapped bytes, not by schema: a schema that goes back to the pool gets another key.
    return crypto.unwrap_key(wrapped, owner)


def new_data_key(schema: str) -> bytes:
    """A fresh data key, wrapped for the tenant of `schema`."""
    return crypto.wrap_key(crypto.new_key(), schema)


def _current_key() -> bytes:
    active = require_active()
    if active.data_key is None:
        raise crypto.Unreadable("this tenant's data has been erased")
    return _data_key(active.data_key, active.schema_name)


def seal(data: bytes, purpose: str) -> bytes:
    """Encrypt `data` with the current tenant's key; `purpose` must be given again to read it. Raises `NoTenant`."""
    return crypto.seal(_current_key(), data, purpose.encode())


def unseal(data: bytes, purpose: str) -> bytes:
    """Decrypt what `seal` made. Raises `Unreadable` (another tenant, another purpose, damaged) or `NoTenant`."""
    return crypto.open_sealed(_current_key(), data, purpose.encode())
