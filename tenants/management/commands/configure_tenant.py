"""``configure_tenant``: apply a business's YAML document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import AppError, ProviderError


class Command(BaseCommand):
    """All of the document is applied, or nothing."""

    help = "Apply a business described in YAML (as in deploy/demo/plumber.yaml) to a tenant."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Which tenant, which file."""
        parser.add_argument("--slug", required=True)
        parser.add_argument("--file", required=True, type=Path)

    def handle(self, *args: Any, **options: Any) -> str:
        """Apply it, or exit with what is wrong."""
        from tenants.profiles import read_profile
        from tenants.provisioning import apply_profile

        try:
            tenant = apply_profile(options["slug"], read_profile(options["file"]))
        except AppError as error:
            raise CommandError(error.message) from None
        except ProviderError as error:
            raise CommandError(f"{error}; nothing was changed") from None
        return json.dumps({"id": tenant.pk, "schema": tenant.schema_name, "slug": tenant.slug})
