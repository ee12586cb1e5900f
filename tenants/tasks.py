"""Celery bases. A task belongs to one tenant (`TenantTask`) or says that it belongs to none (`PublicTask`).

The tenant travels in the message header ``_schema_name``. Tasks are sent with `send_after_commit`, which notes the
schema when it is *called*: a callback that runs when an outer transaction commits would see another one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

from celery import Task, shared_task
from celery.utils.log import get_task_logger
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from tenant_schemas_celery.app import get_schema_name_from_task
from tenant_schemas_celery.task import TenantTask as LibraryTask

from common import logs, metrics
from common.errors import AppError, NoTenant, ProviderError
from tenants.context import PUBLIC, UnknownTenant, current_schema, in_public, in_tenant

log = get_task_logger(__name__)


class _MeasuredTask(LibraryTask):  # type: ignore[misc]  # the library has no types
    """Expected errors, retries and the duration of every task."""

    abstract = True
    # Expected: the worker logs them without a traceback.
    throws: ClassVar[tuple[type[Exception], ...]] = (AppError, ProviderError)
    max_retries = 5

    # The library's own switch before and after a task does nothing for us: it keeps the previous schema on the task
    # object, which all runs share, and goes on with public where the tenant is gone. `__call__` enters the tenant.
    tenant_databases = ()

    def _measured(self, schema: str, run: Callable[[], Any]) -> Any:
        started, outcome = time.monotonic(), "failed"
        try:
            result = run()
            outcome = "done"
            return result
        except ProviderError as error:
            if error.retryable and self.request.retries < self.max_retries:
                outcome = "retried"
                # 2, 4, 8 … s; `retry` raises. The tenant is named again: the context it ran in is closed by now.
                pause, headers = 2 ** (self.request.retries + 1), {"_schema_name": schema}
                raise self.retry(exc=error, countdown=pause, headers=headers) from None
            raise
        finally:
            metrics.TASK_SECONDS.labels(task=self.name, outcome=outcome).observe(time.monotonic() - started)


class TenantTask(_MeasuredTask):
    """Work inside one tenant. Refuses to run on the public schema; a tenant erased meanwhile ends it quietly."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run inside the context of the tenant named by the message."""
        schema = get_schema_name_from_task(self, kwargs) or current_schema()
        if schema == PUBLIC:
            metrics.NO_TENANT.inc()
            raise NoTenant("a tenant's task was sent without a tenant")

        def run() -> Any:
            try:
                return in_tenant(schema, self.run, *args, **kwargs)
            except UnknownTenant:
                log.info("task dropped: its tenant is gone", extra={"task": self.name})
                return None

        with logs.bind(tenant=schema, task=self.name):
            return self._measured(schema, run)


class PublicTask(_MeasuredTask):
    """Work on the public schema; whatever schema the message names is ignored."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run on the public schema."""
        with logs.bind(task=self.name):
            return self._measured(PUBLIC, lambda: in_public(self.run, *args, **kwargs))


def send_after_commit(task: Task, *args: Any, countdown: float | None = None) -> None:
    """Send `task` when the running transaction commits, for the tenant of *now*. Arguments are JSON scalars and ids.

    Raises `NoTenant` when a tenant's task is sent from the public schema.
    """
    schema = current_schema()
    if isinstance(task, TenantTask) and schema == PUBLIC:
        metrics.NO_TENANT.inc()
        raise NoTenant("a tenant's task was sent without a tenant")

    def send() -> None:
        # A fresh header dict each time: the library keeps the first schema of one that is reused.
        task.apply_async(args=args, countdown=countdown, headers={"_schema_name": schema})

    transaction.on_commit(send)


def send_for_tenant(schema: str, task: Task, *args: Any, countdown: float | None = None) -> None:
    """`send_after_commit` for the tenant of `schema`, from anywhere."""
    in_tenant(schema, send_after_commit, task, *args, countdown=countdown)


def for_each_tenant(task: Task, *, spread: float = 10.0) -> int:
    """Send `task` (no arguments) once for every active tenant, spread over `spread` seconds; returns how many.

    For beat's dispatchers: tenants in the pool, in set-up, suspended, or on an old schema version are left out.
    """
    schemas = in_public(_active_schemas)
    for index, schema in enumerate(schemas):
        # Spread evenly: deterministic, and no thundering herd at the top of the minute.
        countdown = spread * index / len(schemas) if index else None
        task.apply_async(headers={"_schema_name": schema}, countdown=countdown)
    return len(schemas)


def _active_schemas() -> list[str]:
    from tenants.models import Tenant, TenantStatus
    from tenants.schemas import schema_version

    ready = Tenant.objects.filter(status=TenantStatus.ACTIVE, schema_version=schema_version())
    return list(ready.order_by("id").values_list("schema_name", flat=True))


def send_quietly(task: Task) -> None:
    """Send a task without arguments that beat sends anyway: a broker that is away is no reason to fail."""

    def send() -> None:
        try:
            task.apply_async(retry=False, headers={"_schema_name": PUBLIC})
        except OperationalError:
            log.warning("task not sent: no broker", extra={"task": task.name})

    transaction.on_commit(send)


@shared_task(base=PublicTask)  # type: ignore[untyped-decorator]  # celery has no types
def top_up_pool() -> None:
    """Keep the pool of ready schemas full."""
    from tenants.provisioning import refill_pool

    refill_pool(settings.TENANT_POOL_SIZE)


@shared_task(base=PublicTask)  # type: ignore[untyped-decorator]  # celery has no types
def tidy_up() -> None:
    """Erase schemas nobody can use any more, sessions that have expired, and old answers of the API."""
    from django.core.management import call_command

    from tenants.rest.operations import forget_old_answers
    from tenants.services.lifecycle import erase_stale_pool

    erase_stale_pool()
    forget_old_answers()
    call_command("clearsessions")
