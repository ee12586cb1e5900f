"""Addresses of team and settings, on a tenant's host."""

from __future__ import annotations

from django.urls import path

from tenants.panel import settings, team

urlpatterns = [
    path("team", team.members, name="team"),
    path("team/invitations", team.invite, name="invite"),
    path("team/invitations/<int:invitation_id>/revoke", team.revoke, name="revoke_invitation"),
    path("team/<int:member_id>/role", team.change_role, name="change_role"),
    path("team/<int:member_id>/remove", team.remove, name="remove_member"),
    path("settings", settings.business, name="settings"),
    path("settings/security", settings.security, name="security"),
    path("settings/api", settings.api_keys, name="api_keys"),
    path("settings/api/<int:key_id>/revoke", settings.revoke_api_key, name="revoke_api_key"),
]
