"""``refill_pool``: make ready schemas for the next sign-ups."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """Fills the pool up to its size."""

    help = "Make ready schemas until the pool is full."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """How many."""
        parser.add_argument("--size", type=int, default=settings.TENANT_POOL_SIZE)

    def handle(self, *args: Any, **options: Any) -> str:
        """Say how many were made."""
        from tenants.provisioning import refill_pool

        return f"made {refill_pool(options['size'])}"
