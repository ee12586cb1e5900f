"""Keys of programs. The key itself is shown once; only its hash is stored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q

from common.clock import now
from common.crypto import random_token
from common.errors import Invalid
from tenants.models import ApiKey, Tenant

PREFIX = "dk_"

#: What a key may be allowed, and what that means.
SCOPES = {
    "calls:read": "Read calls, transcripts and recordings",
    "messages:read": "Read messages and voicemails",
    "messages:write": "Take messages and mark them as done",
    "knowledge:read": "Read documents and ask questions",
    "knowledge:write": "Add, change and remove documents and answers",
    "receptionist:read": "Read greeting, hours and services",
    "receptionist:write": "Change greeting, hours and services",
    "team:read": "Read who works here",
}
#: `last_used_at` is for people who tidy up: to the minute is enough, and most requests then write nothing.
_USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ApiCaller:
    """Who asks: a valid key and the tenant it names."""

    key_id: int
    name: str
    prefix: str
    scopes: frozenset[str]
    tenant_id: int
    schema: str


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()


def issue_api_key(tenant: Tenant, name: str, scopes: list[str] | None = None) -> str:
    """A new key of `tenant`; the return value is its only copy. Without `scopes` it may do everything.

    Raises `Invalid` for a scope that does not exist, or none at all.
    """
    scopes = list(SCOPES) if scopes is None else [scope for scope in SCOPES if scope in set(scopes)]
    if not scopes:
        raise Invalid("a key must be allowed something", field="scopes")
    key = PREFIX + random_token()
    ApiKey.objects.create(tenant=tenant, name=name, prefix=key[:9], digest=_digest(key), scopes=scopes)
    return key


def caller_of_key(key: str) -> ApiCaller | None:
    """Who `key` is, when it is a key of an active tenant that was not revoked; None for any other text.

    Runs on the public schema.
    """
    if not key.startswith(PREFIX):
        return None
    row = (
        ApiKey.objects.select_related("tenant")
        .filter(digest=_digest(key), revoked_at=None, tenant__status="active")
        .first()
    )
    if row is None:
        return None
    stale = now() - _USED_EVERY
    if row.last_used_at is None or row.last_used_at < stale:
        unseen = Q(last_used_at=None) | Q(last_used_at__lt=stale)
        ApiKey.objects.filter(unseen, pk=row.pk).update(last_used_at=now())
    return ApiCaller(
        key_id=row.pk,
        name=row.name,
        prefix=row.prefix,
        scopes=frozenset(row.scopes),
        tenant_id=row.tenant_id,
        schema=row.tenant.schema_name,
    )
