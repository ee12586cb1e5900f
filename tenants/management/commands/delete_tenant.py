"""``delete_tenant``: erase a business for good."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import AppError


class Command(BaseCommand):
    """Asks for the slug twice instead of a yes."""

    help = "Erase a business with everything it stored; the ledger stays."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Which one, and sure?"""
        parser.add_argument("--slug", required=True)
        parser.add_argument("--confirm", required=True, help="the slug again")

    def handle(self, *args: Any, **options: Any) -> str:
        """Erase it, or exit with what is wrong."""
        from tenants.services.lifecycle import delete_tenant

        if options["slug"] != options["confirm"]:
            raise CommandError("--confirm must repeat the slug")
        try:
            delete_tenant(options["slug"])
        except AppError as error:
            raise CommandError(error.message) from None
        return f"{options['slug']} is erased"
