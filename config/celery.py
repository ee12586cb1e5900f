"""The Celery application, tenant-aware. Prefork only: its library keeps the previous schema on the shared task."""

from __future__ import annotations

import os

from tenant_schemas_celery.app import CeleryApp

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")

app = CeleryApp("deskbell")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
