"""The room of customers: who a tenant is, who may enter, and how one is made and erased."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig


def _on_schema_migrated(sender: Any, schema_name: str, **kwargs: Any) -> None:
    from tenants.schemas import note_version

    note_version(schema_name)


class TenantsConfig(AppConfig):
    """Application registration."""

    name = "tenants"
    verbose_name = "Tenants"

    def ready(self) -> None:
        """Keep each tenant's schema version up to date, whichever command migrates it."""
        from django_tenants.signals import schema_migrated

        from tenants.account import trail

        trail.connect()
        schema_migrated.connect(_on_schema_migrated, dispatch_uid="tenants.note_version")
