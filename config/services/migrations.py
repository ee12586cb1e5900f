"""Is every schema at the code's migrations? One cheap question, asked at each start and by ``/readyz``."""

from __future__ import annotations

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django_tenants.utils import get_tenant_model


def _unapplied(schema: str, wanted: set[tuple[str, str]]) -> bool:
    table = f"{connection.ops.quote_name(schema)}.django_migrations"
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [table])
        if cursor.fetchone() == (None,):
            return True
        cursor.execute(f"SELECT app, name FROM {table}")  # noqa: S608 - a quoted schema name
        return not wanted <= set(cursor.fetchall())


def _wanted() -> set[tuple[str, str]]:
    return set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations or {})


def public_is_migrated() -> bool:
    """Whether the public schema has every migration of the code. Raises Django's `DatabaseError`."""
    return not _unapplied("public", _wanted())


def everything_is_migrated() -> bool:
    """Whether public and every tenant's schema have every migration. Raises Django's `DatabaseError`."""
    wanted = _wanted()
    if _unapplied("public", wanted):
        return False
    schemas = get_tenant_model().objects.values_list("schema_name", flat=True)
    return not any(_unapplied(schema, wanted) for schema in schemas)
