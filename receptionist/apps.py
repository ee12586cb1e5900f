"""Application set-up: what the receptionist hangs into the rooms below."""

from __future__ import annotations

from django.apps import AppConfig


class ReceptionistConfig(AppConfig):
    """How the receptionist behaves."""

    name = "receptionist"
    verbose_name = "Receptionist"

    def ready(self) -> None:
        """New businesses get a receptionist; calls get its session."""
        from calls.followups import register_follow_up
        from calls.sessions import register_session_builder
        from receptionist import profile, services, session, unfinished
        from tenants.professions import register_professions
        from tenants.provisioning import register_step
        from tenants.services.business import register_change

        register_professions(profile.professions)
        register_step("receptionist", services.provision)
        register_change(services.renew_prices)
        register_session_builder(session.build)
        register_follow_up("keep_unfinished_message", unfinished.keep)
