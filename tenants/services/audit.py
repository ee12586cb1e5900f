"""The audit trail: who did what to which tenant, in ids."""

from __future__ import annotations

from typing import Any

from tenants.context import in_public
from tenants.models import AuditEvent


def record(
    action: str, *, actor: int | None = None, tenant: int | None = None, target: str = "", **data: str | int | bool
) -> None:
    """Add one line. `target` and `data` hold ids and states, never personal data."""
    fields: dict[str, Any] = {"action": action, "actor_ref": actor, "tenant_ref": tenant, "target": target}
    in_public(lambda: AuditEvent.objects.create(**fields, data=data))
