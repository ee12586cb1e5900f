"""Keys of programs. The key itself is shown once; only its hash is stored."""

from __future__ import annotations

import hashlib

from django.utils import timezone

from common.crypto import random_token
from tenants.context import ActiveTenant, load_tenant
from tenants.models import ApiKey, Tenant

PREFIX = "dk_"


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def issue_api_key(tenant: Tenant, name: str, scopes: list[str] | None = None) -> str:
    """A new key of `tenant`; the return value is its only copy."""
    key = PREFIX + random_token()
    ApiKey.objects.create(tenant=tenant, name=name, prefix=key[:9], digest=_digest(key), scopes=scopes or [])
    return key


def tenant_of_key(key: str) -> tuple[ActiveTenant, list[str]] | None:
    """Tenant and scopes of a valid key of an active tenant; None for any other text. Runs on the public schema."""
    row = ApiKey.objects.filter(digest=_digest(key), revoked_at=None, tenant__status="active").first()
    if row is None:
        return None
    ApiKey.objects.filter(pk=row.pk).update(last_used_at=timezone.now())
    return load_tenant(pk=row.tenant_id), list(row.scopes)
