"""Which tenant a webhook belongs to: the called number says it, and where the carrier leaves that out, our address."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from calls.webhooks.guard import Hook
from common.kv import redis_sync
from common.logs import bind
from tenants.context import TenantInfo, UnknownTenant, in_tenant, require_tenant
from tenants.numbers import tenant_for_number

R = TypeVar("R")

#: How long a call's tenant is remembered for callbacks that name neither the number nor the tenant.
_REMEMBERED_S = 2 * 24 * 3600


def of_called_number(hook: Hook) -> TenantInfo | None:
    """The tenant of the called number.

    A browser calls no number, and whatever it names is only its word: its calls belong where their ticket said.
    """
    if not hook.from_browser:
        return tenant_for_number(hook.to) if hook.to else None
    schema = _remembered(hook.sid())
    try:
        return in_tenant(schema, require_tenant) if schema else None
    except UnknownTenant:
        return None


def inside(schema: str, work: Callable[[Hook], R], hook: Hook) -> R:
    """Do `work` inside the tenant, whose name goes into the log. Raises what `in_tenant` and `work` raise."""
    with bind(tenant=schema):
        return in_tenant(schema, work, hook)


def remember_call(sid: str, schema: str) -> None:
    """Keep a call's tenant at hand."""
    redis_sync().set(f"call-tenant:{sid}", schema, ex=_REMEMBERED_S)


def schema_of(hook: Hook) -> str:
    """Schema of the tenant of a callback; empty when nothing tells."""
    named = hook.query.get("tenant", "")
    if named.startswith("t_"):
        return named
    if tenant := of_called_number(hook):
        return tenant.schema
    return _remembered(hook.sid())


def _remembered(sid: str) -> str:
    kept = redis_sync().get(f"call-tenant:{sid}")
    return kept.decode() if isinstance(kept, bytes) else ""
