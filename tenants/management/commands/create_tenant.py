"""``create_tenant``: a business that can be called when the command returns."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import AppError, ProviderError


class Command(BaseCommand):
    """Prints one JSON object: id, schema, domain, number, api_key."""

    help = "Create a business; prints {id, schema, domain, number, api_key} as JSON when it can be called."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """The contract of the command line."""
        parser.add_argument("--name", required=True)
        parser.add_argument("--slug", required=True, help="its host is <slug>.<root host>")
        parser.add_argument("--owner", required=True, help="e-mail address of the owner")
        parser.add_argument("--password", required=True, help="of a new owner; who has an account keeps theirs")
        parser.add_argument("--number", help="telephone number, +E.164")
        parser.add_argument("--profession", default="generic")

    def handle(self, *args: Any, **options: Any) -> str:
        """Create it, or exit with what is wrong."""
        from tenants.context import in_public
        from tenants.models import User
        from tenants.provisioning import create_tenant

        address = options["owner"].strip().lower()
        known = in_public(lambda: User.objects.filter(email=address).exists())
        try:
            made = create_tenant(
                name=options["name"],
                slug=options["slug"],
                owner_email=options["owner"],
                password=options["password"],
                number=options["number"],
                profession=options["profession"],
                with_key=True,
            )
        except AppError as error:
            raise CommandError(error.message) from None
        except ProviderError as error:
            raise CommandError(f"{error}; the business was not created") from None
        if known:
            self.stderr.write("The owner has an account already and keeps its password; the one given was not used.")
        return json.dumps(asdict(made))
