"""Tenants, and the names and numbers under which they are reached."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django_tenants.models import DomainMixin, TenantMixin

#: A slug is one DNS label: the tenant's host is ``<slug>.<root host>``.
SLUG_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$"


def new_schema_name() -> str:
    """A generated schema name; nobody ever types one."""
    return f"t_{secrets.token_hex(6)}"


class TenantStatus(models.TextChoices):
    """Life of a schema: ready-made in the pool, being set up, in use, paused, erased."""

    POOL = "pool", "Ready for a new tenant"
    SETUP = "setup", "Being set up"
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"
    DELETED = "deleted", "Deleted"


class FrontDoor(models.TextChoices):
    """Who takes an incoming call first."""

    AI_FIRST = "ai_first", "The receptionist, at any hour"
    STAFF_FIRST = "staff_first", "Staff, then the receptionist"
    AFTER_HOURS = "after_hours", "Staff in hours, the receptionist after hours"
    MENU = "menu", "Keypad menu"


class _Existing(models.Manager["Tenant"]):
    """Tenants that have a schema: the only ones that queries, migrations and walks over all tenants should meet."""

    def get_queryset(self) -> models.QuerySet[Tenant]:
        return super().get_queryset().exclude(status=TenantStatus.DELETED)


class Tenant(TenantMixin):  # type: ignore[misc]  # the library has no types
    """A business. A deleted one stays as an empty row, because its ledger must outlive it."""

    # Schemas are made and dropped by `provisioning` alone, never as a side effect of saving a row.
    auto_create_schema = False
    auto_drop_schema = False

    name = models.CharField(max_length=120, blank=True)
    slug = models.CharField(  # noqa: DJ001 - unique, and rows of the pool have none
        max_length=40,
        unique=True,
        null=True,
        validators=[RegexValidator(SLUG_PATTERN, "use small letters, digits and hyphens")],
    )
    status = models.CharField(max_length=10, choices=TenantStatus.choices, default=TenantStatus.POOL)
    profession = models.CharField(max_length=40, default="generic")
    timezone = models.CharField(max_length=64, default="America/New_York")
    locale = models.CharField(max_length=16, default="en-US")
    front_door = models.CharField(max_length=16, choices=FrontDoor.choices, default=FrontDoor.AI_FIRST)
    #: Snapshot written by billing: may this tenant take another call?
    credits_ok = models.BooleanField(default=False)
    #: Snapshot written by billing; the ledger is the truth. In credits.
    credit_balance = models.IntegerField(default=0)
    max_concurrent_calls = models.PositiveSmallIntegerField(default=10)
    #: The tenant's data key, wrapped by the master key; without it nothing sealed can be read again.
    data_key = models.BinaryField(null=True)
    #: Fingerprint of the migrations applied to the schema; one that lags behind is never handed out.
    schema_version = models.CharField(max_length=16, blank=True)
    #: Fingerprint of the document last applied, so that the same one is not applied twice.
    profile_digest = models.CharField(max_length=64, blank=True)
    #: Next screen of the set-up that its owner has not finished; empty when it is done or was not wanted.
    setup_step = models.CharField(max_length=12, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    claimed_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Tenant]] = _Existing()
    with_deleted: ClassVar[models.Manager[Tenant]] = models.Manager()

    class Meta:
        indexes = [
            # `claim` takes the oldest ready schema, beat walks the active tenants.
            models.Index(fields=["status", "id"], name="tenant_by_status"),
        ]

    def __str__(self) -> str:
        return str(self.schema_name)


class Domain(DomainMixin):  # type: ignore[misc]  # the library has no types
    """A host name of a tenant, without port, in lower case."""

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = []

    def __str__(self) -> str:
        return str(self.domain)


class PhoneNumber(models.Model):
    """A number callers dial; the called number picks the tenant."""

    number = models.CharField(max_length=16, unique=True, validators=[RegexValidator(r"^\+[1-9]\d{6,14}$")])
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="numbers")
    #: The carrier's id of the number, once it is known there.
    carrier_sid = models.CharField(max_length=34, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"number {self.pk}"


class SchemaBlueprint(models.Model):
    """The DDL text that one migrated schema was made of, to be replayed for the next ones."""

    version = models.CharField(max_length=16, unique=True)
    ddl = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.version
