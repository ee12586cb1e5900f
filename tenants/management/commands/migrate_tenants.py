"""``migrate_tenants``: the public schema, then every schema that lags behind. Can be stopped and started again."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Schemas that are up to date are skipped; one that fails is reported and does not hold up the rest."""

    help = "Migrate the public schema and every tenant's (the pool's too) that is not up to date."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> str:
        """Migrate; exit with an error when a schema could not be brought up to date."""
        from tenants.schemas import migrate_schema, stale_schemas
        from tenants.services.lifecycle import erase_stale_pool

        call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)
        erase_stale_pool()
        schemas, failed = stale_schemas(), []
        for schema in schemas:
            try:
                migrate_schema(schema)
            except Exception as error:  # any database error of one schema; the others go on
                failed.append(schema)
                self.stderr.write(f"{schema}: {type(error).__name__}: {error}")
        still = set(stale_schemas())
        if failed or still:
            raise CommandError(f"not up to date: {', '.join(sorted({*failed, *still}))}")
        return f"migrated {len(schemas)} schemas"
