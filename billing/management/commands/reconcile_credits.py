"""Compare ledger, balances and calls, and say what differs."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.reconcile import check_tenant
from tenants.context import in_public
from tenants.models import Tenant, TenantStatus


class Command(BaseCommand):
    """`manage.py reconcile_credits [--slug S] [--fix]`: prints JSON lines; fails when anything differs and stays so."""

    help = "Compare the credit ledger with balances and calls"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Arguments."""
        parser.add_argument("--slug", default="")
        parser.add_argument("--fix", action="store_true", help="make missing debits, write the snapshot anew")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check one tenant or all."""
        tenants = Tenant.objects.exclude(status=TenantStatus.POOL).order_by("id")
        if options["slug"]:
            tenants = tenants.filter(slug=options["slug"])
        differences = [
            difference
            for tenant in in_public(lambda: list(tenants))
            for difference in check_tenant(tenant, fix=options["fix"])
        ]
        for difference in differences:
            self.stdout.write(json.dumps(dataclasses.asdict(difference)))
        if differences and not options["fix"]:
            raise CommandError(f"{len(differences)} differences")
