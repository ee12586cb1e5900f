"""The business itself: its name, time zone and country. Rooms above hear of a change."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from tenants.context import in_tenant
from tenants.models import Tenant
from tenants.services import audit

_listeners: list[Callable[[], None]] = []


def register_change(fn: Callable[[], None]) -> None:
    """Run ``fn()`` inside the tenant after its name, time zone or country changed, in the same transaction.

    It reads the new values from `require_tenant`; raising undoes the change.
    """
    _listeners.append(fn)


def change_business(tenant_id: int, *, actor: int, name: str, timezone: str, locale: str) -> None:
    """Give the business these; nothing happens where they are what it has."""
    with transaction.atomic():
        row = Tenant.objects.select_for_update().get(pk=tenant_id)
        wanted = {"name": name, "timezone": timezone, "locale": locale}
        changed = [field for field, value in wanted.items() if getattr(row, field) != value]
        if not changed:
            return
        Tenant.objects.filter(pk=tenant_id).update(**wanted)
        audit.record("tenant.changed", actor=actor, tenant=tenant_id, fields=",".join(changed))
        in_tenant(row.schema_name, _tell)


def _tell() -> None:
    for fn in _listeners:
        fn()
