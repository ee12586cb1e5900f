"""Suspending, resuming and erasing a tenant."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from common.errors import InvalidTransition, NotFound
from common.kv import redis_sync
from tenants.context import in_public
from tenants.models import Tenant, TenantStatus, User
from tenants.schemas import drop_schema, schema_version
from tenants.services import audit
from tenants.services.files import remove_files

log = logging.getLogger(__name__)


def _locked(slug: str) -> Tenant:
    tenant = Tenant.objects.select_for_update().filter(slug=slug).first()
    if tenant is None:
        raise NotFound("there is no such business")
    return tenant


def suspend_tenant(slug: str, *, actor: int | None = None) -> None:
    """Close the panel; callers reach voicemail. Raises `NotFound` or `InvalidTransition`."""
    in_public(_set_status, slug, TenantStatus.ACTIVE, TenantStatus.SUSPENDED, actor)


def resume_tenant(slug: str, *, actor: int | None = None) -> None:
    """Undo `suspend_tenant`. Raises `NotFound` or `InvalidTransition`."""
    in_public(_set_status, slug, TenantStatus.SUSPENDED, TenantStatus.ACTIVE, actor)


def _set_status(slug: str, old: TenantStatus, new: TenantStatus, actor: int | None) -> None:
    with transaction.atomic():
        tenant = _locked(slug)
        if tenant.status != old:
            raise InvalidTransition(f"a business that is {tenant.status} can't become {new}")
        Tenant.objects.filter(pk=tenant.pk).update(status=new)
        audit.record(f"tenant.{new}", actor=actor, tenant=tenant.pk)


def delete_tenant(slug: str, *, actor: int | None = None) -> None:
    """Erase a business: schema, files, key, domains, numbers, API keys, memberships, and people who were nowhere else.

    The empty row stays, because the ledger and the audit trail speak of it. Raises `NotFound`.
    """
    in_public(_delete, slug, actor)


def _delete(slug: str, actor: int | None) -> None:
    with transaction.atomic():
        tenant = _locked(slug)
        schema = tenant.schema_name
        people = list(tenant.memberships.values_list("user_id", flat=True))
        tenant.memberships.all().delete()
        tenant.domains.all().delete()
        tenant.numbers.all().delete()
        tenant.api_keys.all().delete()
        tenant.invitations.all().delete()
        gone = User.objects.filter(pk__in=people, memberships=None, is_superuser=False)
        _end_sessions([*gone.values_list("pk", flat=True)])
        gone.delete()
        drop_schema(schema)
        # Without the key whatever a backup still holds can't be read.
        Tenant.objects.filter(pk=tenant.pk).update(
            status=TenantStatus.DELETED,
            slug=None,
            name="",
            data_key=None,
            credits_ok=False,
            schema_version="",
            deleted_at=timezone.now(),
        )
        audit.record("tenant.deleted", actor=actor, tenant=tenant.pk)
    remove_files(schema)
    _forget_keys(schema)


def _end_sessions(users: list[int]) -> None:
    wanted = {str(pk) for pk in users}
    stale = [row.pk for row in Session.objects.iterator() if row.get_decoded().get("_auth_user_id") in wanted]
    Session.objects.filter(pk__in=stale).delete()


def _forget_keys(schema: str) -> None:
    """Whatever other rooms keep in Redis for a tenant carries its schema in the name."""
    kv = redis_sync()
    doomed = list(kv.scan_iter(match=f"*{schema}*", count=1000))
    if doomed:
        kv.delete(*doomed)


def erase_stale_pool() -> int:
    """Erase pool schemas of another version of the code, or half-made ones; returns how many.

    Making a schema anew takes less time than migrating it. One that is being made right now is left alone.
    """
    return in_public(_erase_stale_pool)


def _erase_stale_pool() -> int:
    settled = timezone.now() - timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT)
    pool = Tenant.objects.filter(status=TenantStatus.POOL).exclude(schema_version=schema_version())
    erased = 0
    for pk in list(pool.exclude(schema_version="", created_at__gt=settled).values_list("pk", flat=True)):
        with transaction.atomic():
            row = Tenant.objects.select_for_update(skip_locked=True).filter(pk=pk, status=TenantStatus.POOL).first()
            if row is not None:
                drop_schema(row.schema_name)
                row.delete()
                erased += 1
    return erased
