"""Bring the databases to what the code expects; `up` runs it before the processes start."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand

from config.services.migrations import everything_is_migrated

#: Idempotent commands of the first start, in order; rooms that are not there yet are passed over.
FIRST_START = ("seed_demo", "refill_pool")


class Command(BaseCommand):
    """Migrate public and every tenant's schema where needed, then run the steps of a first start."""

    help = "Migrate every schema and lay the demo business in place. Harmless when there is nothing to do."

    def handle(self, *args: Any, **options: Any) -> None:
        if not everything_is_migrated():
            call_command("migrate_schemas", interactive=False)
        known = get_commands()
        for name in FIRST_START:
            if name in known:
                call_command(name)
