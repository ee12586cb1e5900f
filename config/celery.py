"""The Celery application, tenant-aware. Prefork only: see `tenants.tasks`."""

from __future__ import annotations

import os
import signal
from typing import Any

from celery.signals import worker_process_init
from tenant_schemas_celery.app import CeleryApp

from config.services.guard import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")

# A task that names no base belongs to a tenant: forgetting it fails closed.
app = CeleryApp("deskbell", task_cls="tenants.tasks:TenantTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def _end_with_the_worker(**kwargs: Any) -> None:
    """A pool child must not outlive a worker that was killed."""
    die_with_parent(signal.SIGKILL)


worker_process_init.connect(_end_with_the_worker)
