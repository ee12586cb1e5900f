"""The credit ledger, in the public schema: money outlives a tenant's own schema."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from common.clock import now


class EntryKind(models.TextChoices):
    """Why credits moved."""

    GRANT = "grant", "Credits given"
    DEBIT = "debit", "A call"
    ADJUST = "adjust", "Correction"


class LedgerEntry(models.Model):
    """One movement of credits. Rows are only added: a trigger refuses every change; a wrong one gets a counter-entry.

    `key` names the event behind the row (``call:<CallSid>``), so that the same event never moves credits twice.
    """

    # A plain number, not a foreign key: the row outlives the tenant.
    tenant_ref = models.BigIntegerField()
    kind = models.CharField(max_length=8, choices=EntryKind.choices)
    credits = models.IntegerField(help_text="Above zero given, below zero taken")
    key = models.CharField(max_length=120)
    call_sid = models.CharField(max_length=64, blank=True)
    seconds = models.PositiveIntegerField(default=0, help_text="Length of the call a debit pays for")
    balance_after = models.IntegerField()
    at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["tenant_ref", "key"], name="ledger_once"),
            models.CheckConstraint(
                condition=(
                    models.Q(kind=EntryKind.GRANT, credits__gt=0)
                    | models.Q(kind=EntryKind.DEBIT, credits__lte=0)
                    | models.Q(kind=EntryKind.ADJUST)
                ),
                name="ledger_sign",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            # The statement is read newest first; the last row holds the balance.
            models.Index(fields=["tenant_ref", "-id"], name="ledger_statement"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.credits}"
