"""Application set-up: what billing hangs into the rooms below."""

from __future__ import annotations

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Credits: what a business has, and what its calls cost."""

    name = "billing"
    verbose_name = "Billing"

    def ready(self) -> None:
        """New businesses get their first credits; every finished call is settled."""
        from billing import services
        from calls.followups import register_follow_up
        from tenants.provisioning import register_step

        register_step("credits", services.grant_starting_credits)
        register_follow_up("settle", services.settle_call)
