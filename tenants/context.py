"""The only door between schemas.

The tenant is an attribute of a thread's database connection, so switching it around an ``await`` gives one tenant
another tenant's rows. Here one call is one tenant context and one unit of work: `in_tenant` on the thread it is called
on, `run_in_tenant` on a thread of our own bounded pool. Nothing else in the product may switch schema, and nothing
else may hop to a thread for the database (ruff's banned imports check it).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import close_old_connections, models
from django.db import connection as django_connection

from common import metrics
from common.errors import NoTenant, NotFound

P = ParamSpec("P")
R = TypeVar("R")

PUBLIC = "public"

#: django-tenants' attributes on the thread's connection have no types.
connection: Any = django_connection


class UnknownTenant(NotFound):
    """There is no usable tenant of that schema: never made, still in the pool, or erased."""

    code = "unknown_tenant"


@dataclass(frozen=True, slots=True)
class TenantInfo:
    """What code needs to know of the tenant it works for, as plain data read when the context was entered."""

    id: int
    schema: str
    slug: str
    name: str
    timezone: str
    locale: str
    profession: str
    front_door: str
    credits_ok: bool
    max_concurrent_calls: int
    status: str = "active"
    #: For display; the ledger is the truth.
    credit_balance: int = 0


class ActiveTenant:
    """What the connection carries while a context is open; quacks like django-tenants' tenant."""

    __slots__ = ("data_key", "domain_subfolder", "domain_url", "info", "schema_name")

    def __init__(self, info: TenantInfo, data_key: bytes | None) -> None:
        self.info = info
        self.schema_name = info.schema
        self.data_key = data_key
        self.domain_url: str | None = None
        self.domain_subfolder: str | None = None

    def get_tenant_type(self) -> None:
        """One kind of tenant only."""


#: Columns of `tenants_tenant` that make an `ActiveTenant`, in the order of `active_tenant`'s parameters.
TENANT_COLUMNS = (
    "id",
    "schema_name",
    "slug",
    "name",
    "timezone",
    "locale",
    "profession",
    "front_door",
    "credits_ok",
    "max_concurrent_calls",
    "status",
    "credit_balance",
    "data_key",
)

USABLE = ("setup", "active", "suspended")


def active_tenant(row: tuple[Any, ...]) -> ActiveTenant:
    """`ActiveTenant` of a row of `TENANT_COLUMNS`."""
    *columns, data_key = row
    columns[2] = columns[2] or ""
    return ActiveTenant(TenantInfo(*columns), bytes(data_key) if data_key is not None else None)


def load_tenant(statuses: tuple[str, ...] = USABLE, **lookup: Any) -> ActiveTenant:
    """The tenant that matches `lookup` in one of `statuses`. Raises `UnknownTenant`."""
    from tenants.models import Tenant  # the settings load this module through Celery before the models exist

    row = Tenant.objects.filter(status__in=statuses, **lookup).values_list(*TENANT_COLUMNS).first()
    if row is None:
        raise UnknownTenant("there is no such business")
    return active_tenant(row)


@contextmanager
def _restored() -> Iterator[None]:
    """Give the thread's connection back as it was, whatever happens inside."""
    previous, include_public = connection.tenant, connection.include_public_schema
    try:
        yield
    finally:
        connection.set_tenant(previous, include_public)


def in_tenant(schema: str, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `fn` inside the tenant of `schema`, on this thread.

    Raises `NoTenant` for the public schema and `UnknownTenant` where there is no usable tenant of that name.
    """
    if not schema or schema == PUBLIC:
        metrics.NO_TENANT.inc()
        raise NoTenant("tenant code was asked to run without a tenant")
    with _restored():
        connection.set_schema_to_public()
        connection.set_tenant(load_tenant(schema_name=schema))
        return fn(*args, **kwargs)


def in_public(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `fn` in the public schema, on this thread."""
    with _restored():
        connection.set_schema_to_public()
        return fn(*args, **kwargs)


def on_schema(schema: str, fn: Callable[[], R], *, include_public: bool = True) -> R:
    """Run `fn` on a bare schema that need not belong to anybody; for making and migrating schemas alone."""
    with _restored():
        connection.set_schema(schema, include_public=include_public)
        return fn()


def enter_tenant(active: ActiveTenant) -> None:
    """Set the tenant of the rest of this unit of work; for the request middleware and the task base alone."""
    connection.set_tenant(active)


def leave_tenant() -> None:
    """Back to the public schema; the counterpart of `enter_tenant`."""
    connection.set_schema_to_public()


def _active() -> ActiveTenant | None:
    tenant = connection.tenant
    return tenant if isinstance(tenant, ActiveTenant) else None


def require_active() -> ActiveTenant:
    """The open context with its wrapped data key. Raises `NoTenant`."""
    active = _active()
    if active is None or connection.schema_name != active.schema_name:
        metrics.NO_TENANT.inc()
        raise NoTenant("tenant code ran without a tenant")
    return active


def require_tenant() -> TenantInfo:
    """The tenant this code works for. Raises `NoTenant` on the public schema: a bug, never to be caught."""
    return require_active().info


def current_schema() -> str:
    """Schema of this thread's connection, ``public`` outside every tenant."""
    return str(connection.schema_name)


@cache
def _executor() -> ThreadPoolExecutor:
    # One thread is one database connection while it works: keep it below the connection pool's size.
    return ThreadPoolExecutor(max_workers=settings.TENANT_THREADS, thread_name_prefix="tenant-hop")


def _refuse_lazy(result: Any) -> None:
    """A lazy queryset or a model would run its next query outside the context, in some other schema."""
    inner: tuple[Any, ...] = (result,)
    if isinstance(result, Mapping):
        inner = (*result.keys(), *result.values())
    elif isinstance(result, list | tuple | set | frozenset):
        inner = tuple(result)
    for item in inner:
        if isinstance(item, models.Model | models.QuerySet | models.Manager):
            raise TypeError("a tenant hop returns plain data, not models or querysets")


def _hop(run: Callable[[], R]) -> R:
    close_old_connections()
    try:
        result = run()
        _refuse_lazy(result)
        return result
    finally:
        close_old_connections()


async def run_in_tenant(schema: str, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """One hop to a worker thread, one tenant context, one complete unit of work; returns plain data.

    Raises what `in_tenant` and `fn` raise, and `TypeError` when `fn` returns models or querysets.
    """
    return await _dispatch(lambda: in_tenant(schema, fn, *args, **kwargs))


async def run_in_public(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """`run_in_tenant` for the public schema."""
    return await _dispatch(lambda: in_public(fn, *args, **kwargs))


async def _dispatch(run: Callable[[], R]) -> R:
    context = copy_context()
    return await asyncio.get_running_loop().run_in_executor(_executor(), lambda: context.run(_hop, run))
