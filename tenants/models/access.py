"""Who may do what in which tenant, keys of programs, and the audit trail."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from common.clock import now
from tenants.models.tenant import Tenant


class Role(models.TextChoices):
    """What a member may do, from most to least."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    SUPERVISOR = "supervisor", "Supervisor"
    AGENT = "agent", "Agent"
    VIEWER = "viewer", "Viewer"


class Membership(models.Model):
    """A person's role in a tenant."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "tenant"], name="one_membership_per_tenant")]

    def __str__(self) -> str:
        return f"{self.role} {self.user_id} in {self.tenant_id}"


class Invitation(models.Model):
    """A link by mail that makes whoever reads that mailbox a member. Only the link's hash is kept."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=12, choices=Role.choices)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"invitation {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether it can still be accepted."""
        return self.accepted_at is None and self.revoked_at is None and self.expires_at > now()


class ApiKey(models.Model):
    """A program's key. Only its hash is kept; `prefix` lets people recognise it."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12)
    #: SHA-256 of the key in hex; the key has 256 random bits, so a slow hash would add nothing.
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.prefix}…"


class KeptAnswer(models.Model):
    """The answer to an API request that named itself (``Idempotency-Key``): asked again, it is given again."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="kept_answers", db_index=False)
    #: SHA-256 of the name the program gave, and of what it asked for.
    name = models.CharField(max_length=64)
    request = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    #: Sealed with the tenant's key: an answer may hold what a caller said.
    body = models.BinaryField(default=bytes)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        # Also what the two copies of one request meet at: the second waits until the first is committed.
        constraints = [models.UniqueConstraint(fields=["key", "name"], name="answered_once")]

    def __str__(self) -> str:
        return f"answer {self.pk}"


class AuditEvent(models.Model):
    """One line of the audit trail. Rows are only added (a trigger refuses the rest) and hold ids, no personal data."""

    at = models.DateTimeField(auto_now_add=True)
    #: Plain numbers, not foreign keys: the line outlives what it speaks of.
    tenant_ref = models.BigIntegerField(null=True)
    actor_ref = models.BigIntegerField(null=True)
    action = models.CharField(max_length=64)
    target = models.CharField(max_length=120, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [
            # The trail is read per tenant, newest first.
            models.Index(fields=["tenant_ref", "-at"], name="audit_by_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.pk}"
