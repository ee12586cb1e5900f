"""``seed_demo``: the demo dental practice, as often as you like."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

SLUG = "demo"
NUMBER = "+14155550100"
OWNER = "owner@demo.example"
#: Documented in the README; the demo is for a machine of one's own.
PASSWORD = "welcome-to-deskbell"  # noqa: S105


class Command(BaseCommand):
    """Creates the demo, or applies its document anew when that has changed: what was edited in the panel stays."""

    help = "Create the demo practice (slug demo, +14155550100) or bring it up to date."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> str:
        """Create it, or apply the profile to the one there is."""
        from tenants.models import Tenant
        from tenants.profiles import read_profile
        from tenants.provisioning import apply_profile, create_tenant, profile_digest

        profile = read_profile(settings.BASE_DIR / "deploy" / "demo" / "dental.yaml")
        tenant = Tenant.objects.filter(slug=SLUG).first()
        if tenant is not None:
            if tenant.profile_digest != profile_digest(profile):
                apply_profile(SLUG, profile)
            return json.dumps({"id": tenant.pk, "schema": tenant.schema_name, "created": False})
        made = create_tenant(
            name=str(profile["name"]),
            slug=SLUG,
            owner_email=OWNER,
            password=PASSWORD,
            number=NUMBER,
            profession=str(profile.get("profession", "generic")),
            profile=profile,
        )
        return json.dumps({"id": made.id, "schema": made.schema, "created": True})
