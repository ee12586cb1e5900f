"""Making and dropping schemas.

The first schema of a version is made by migration; the SQL that changed something is kept (`SchemaBlueprint`) and
replayed for the next ones, which is one statement instead of many thousand Python steps.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from psycopg import ClientCursor

from tenants.context import PUBLIC, current_schema, in_public, on_schema
from tenants.models import SchemaBlueprint, Tenant, TenantStatus
from tenants.models.tenant import new_schema_name

_CHANGES = re.compile(r"\s*(CREATE|ALTER|DROP|INSERT|UPDATE|DELETE|COMMENT|DO|SET CONSTRAINTS)\b", re.IGNORECASE)
_CONCURRENTLY = re.compile(r"\b(INDEX)\s+CONCURRENTLY\b", re.IGNORECASE)


def _migration_files() -> list[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    for name in settings.TENANT_APPS:
        label = apps.get_app_config(name.rsplit(".", 1)[-1]).label
        spec = importlib.util.find_spec(f"{name}.migrations")
        for folder in (spec.submodule_search_locations or []) if spec else []:
            found += [(label, path) for path in Path(folder).glob("[!_]*.py")]
    return sorted(found)


@cache
def schema_version() -> str:
    """Fingerprint of the tenant apps' migrations in this code."""
    digest = hashlib.sha256()
    for label, path in _migration_files():
        digest.update(f"{label}/{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


class _Recorder:
    """Execute wrapper that keeps every statement that changes something in `schema`, with its values filled in."""

    def __init__(self, schema: str) -> None:
        self.schema = schema
        self.statements: list[str] = []

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        result = execute(sql, params, many, context)
        if current_schema() == self.schema and _CHANGES.match(str(sql)):
            # A cursor of its own: formatting a statement forgets the result of the one before.
            mogrify = ClientCursor(connection.connection).mogrify
            for values in params if many else [params]:
                text = mogrify(sql, values) if values else str(sql)
                self.statements.append(_CONCURRENTLY.sub(r"\1", text).strip().rstrip(";"))
        return result


def create_pool_schema() -> Tenant:
    """A new ready-made schema in the pool, by replay where a blueprint exists, else by migration."""
    return in_public(_create_pool_schema)


def _create_pool_schema() -> Tenant:
    blueprint = SchemaBlueprint.objects.filter(version=schema_version()).first()
    tenant = Tenant(schema_name=new_schema_name(), status=TenantStatus.POOL)
    if blueprint is not None:
        with transaction.atomic():
            tenant.schema_version = blueprint.version
            tenant.save()
            _create_schema(tenant.schema_name)
            _replay(tenant.schema_name, blueprint.ddl)
        return tenant
    # The row carries no version until the migration is complete, so nobody claims it meanwhile.
    tenant.save()
    try:
        _create_schema(tenant.schema_name)
        recorder = _Recorder(tenant.schema_name)
        with connection.execute_wrapper(recorder):
            migrate_schema(tenant.schema_name)
    except BaseException:
        drop_schema(tenant.schema_name)
        Tenant.objects.filter(pk=tenant.pk).delete()
        raise
    ddl = ";\n".join(recorder.statements)
    if tenant.schema_name in ddl:
        raise RuntimeError("a tenant app's migration names its schema; it must work in any")
    SchemaBlueprint.objects.exclude(version=schema_version()).delete()
    SchemaBlueprint.objects.get_or_create(version=schema_version(), defaults={"ddl": ddl})
    tenant.refresh_from_db()
    return tenant


def _create_schema(schema: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA "{schema}"')


def _replay(schema: str, ddl: str) -> None:
    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(ddl)

    on_schema(schema, run)


def drop_schema(schema: str) -> None:
    """Drop a tenant's schema with all its rows and vectors; harmless when it is gone."""
    if not re.fullmatch(r"t_[0-9a-f]{12}", schema):
        raise ValueError("not a generated schema name")
    with connection.cursor() as cursor:
        cursor.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


def migrate_schema(schema: str) -> None:
    """Bring one schema to the newest migrations; `note_version` then marks it as ready."""
    call_command("migrate_schemas", schema_name=schema, verbosity=0, interactive=False)


def note_version(schema: str) -> None:
    """Record on the tenant's row whether its schema has every migration of this code."""
    if schema == PUBLIC:
        return

    def read() -> set[tuple[str, str]]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT app, name FROM django_migrations")
            return set(cursor.fetchall())

    applied = on_schema(schema, read, include_public=False)
    complete = all((label, path.stem) in applied for label, path in _migration_files())
    Tenant.objects.filter(schema_name=schema).update(schema_version=schema_version() if complete else "")


def stale_schemas() -> list[str]:
    """Schemas that lag behind this code, in use or in the pool."""
    behind = Tenant.objects.exclude(schema_version=schema_version()).order_by("id")
    return list(behind.values_list("schema_name", flat=True))


def refresh_versions() -> None:
    """Look again at schemas in use that seem to lag: the fingerprint also changes with a migration's wording."""
    in_use = Tenant.objects.exclude(status=TenantStatus.POOL).exclude(schema_version=schema_version())
    for schema in list(in_use.values_list("schema_name", flat=True)):
        note_version(schema)
