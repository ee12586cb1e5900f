"""The Celery application, tenant-aware. Prefork only: see `tenants.tasks`."""

from __future__ import annotations

import os

from tenant_schemas_celery.app import CeleryApp

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")

# A task that names no base belongs to a tenant: forgetting it fails closed.
app = CeleryApp("deskbell", task_cls="tenants.tasks:TenantTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
