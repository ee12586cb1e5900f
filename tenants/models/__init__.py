"""Everything here lives in the public schema: logins and routing never depend on a tenant's own schema."""

from __future__ import annotations

from tenants.models.access import ApiKey, AuditEvent, Invitation, KeptAnswer, Membership, Role
from tenants.models.tenant import Domain, FrontDoor, PhoneNumber, SchemaBlueprint, Tenant, TenantStatus
from tenants.models.user import User, UserManager

__all__ = [
    "ApiKey",
    "AuditEvent",
    "Domain",
    "FrontDoor",
    "Invitation",
    "KeptAnswer",
    "Membership",
    "PhoneNumber",
    "Role",
    "SchemaBlueprint",
    "Tenant",
    "TenantStatus",
    "User",
    "UserManager",
]
