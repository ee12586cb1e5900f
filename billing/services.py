"""Credits given and taken. Every function may be repeated: one event moves credits once.

A tenant's row is locked while its balance changes, so that entries come one after the other and each knows the balance
behind it. `Tenant.credit_balance` and `credits_ok` are the snapshot that routing reads; the ledger is the truth.
"""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from billing.models import EntryKind, LedgerEntry
from calls import journal
from calls.models import Call, DecisionKind, Outcome
from calls.services.lifecycle import tell_pages
from common.errors import Invalid, NotFound
from common.events import publish_on_commit
from common.metrics import CREDIT_ALERTS, CREDITS_DEBITED
from tenants.context import in_public, require_tenant
from tenants.models import Tenant
from tenants.services import audit

log = logging.getLogger(__name__)

#: Shares of the credits given so far at whose use the tenant is told.
ALERTS = (80, 100)
STARTING_KEY = "starting"


def cost_of(seconds: int) -> int:
    """Credits for `seconds` of an answered call: counted by the second, rounded up to a whole credit."""
    return -(-max(0, seconds) * settings.CREDITS_PER_MINUTE // 60)


def grant(tenant_id: int, credits: int, *, key: str, kind: str = EntryKind.GRANT) -> LedgerEntry:
    """Give credits (an `EntryKind.ADJUST` may also take some), once for each `key`. Raises `Invalid`, `NotFound`."""
    if kind == EntryKind.DEBIT or (kind == EntryKind.GRANT and credits <= 0):
        raise Invalid("a grant gives credits")
    entry, _ = in_public(_post, tenant_id, kind, credits, key)
    return entry


def debit_call(tenant_id: int, call_sid: str, seconds: int) -> LedgerEntry:
    """Take what `seconds` of the call cost, once a call; a repeated call of this returns the first entry."""
    entry, _ = in_public(
        _post, tenant_id, EntryKind.DEBIT, -cost_of(seconds), f"call:{call_sid}", call_sid=call_sid, seconds=seconds
    )
    return entry


def balance(tenant_id: int) -> int:
    """Credits left by the ledger; below zero when the last call ran past the end."""
    return in_public(_ledger_sum, tenant_id)


def _ledger_sum(tenant_id: int) -> int:
    rows = LedgerEntry.objects.filter(tenant_ref=tenant_id)
    return int(rows.aggregate(total=Sum("credits"))["total"] or 0)


def _post(
    tenant_id: int, kind: str, credits: int, key: str, *, call_sid: str = "", seconds: int = 0
) -> tuple[LedgerEntry, bool]:
    """The entry behind `key` and whether it is new."""
    with transaction.atomic():
        # The lock comes first: whoever waits here sees the other's entry afterwards.
        tenant = Tenant.objects.select_for_update().filter(pk=tenant_id).first()
        if tenant is None:
            raise NotFound("there is no such business")
        entry = LedgerEntry.objects.filter(tenant_ref=tenant_id, key=key).first()
        if entry is not None:
            return entry, False
        last = LedgerEntry.objects.filter(tenant_ref=tenant_id).order_by("-id").first()
        after = (last.balance_after if last else 0) + credits
        entry = LedgerEntry.objects.create(
            tenant_ref=tenant_id,
            kind=kind,
            credits=credits,
            key=key,
            call_sid=call_sid,
            seconds=seconds,
            balance_after=after,
        )
        _write_snapshot(tenant, after)
        if credits < 0:
            CREDITS_DEBITED.inc(-credits)
            _alert(tenant, after - credits, after)
    return entry, True


def _write_snapshot(tenant: Tenant, after: int) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(credit_balance=after, credits_ok=after > 0)
    publish_on_commit(tenant.schema_name, "billing", {"balance": after})


def _alert(tenant: Tenant, before: int, after: int) -> None:
    """Note the crossing of 80 % and 100 % of the credits given so far, each time it happens."""
    rows = LedgerEntry.objects.filter(tenant_ref=tenant.pk, credits__gt=0)
    given = int(rows.aggregate(total=Sum("credits"))["total"] or 0)
    for share in ALERTS:
        # Compared in hundredths of a credit: no rounding.
        left = given * (100 - share)
        if given and before * 100 > left >= after * 100:
            CREDIT_ALERTS.labels(percent=str(share)).inc()
            audit.record("credits.used", tenant=tenant.pk, target=f"{share}%", balance=after)
            publish_on_commit(tenant.schema_name, "billing", {"alert": share, "balance": after})


def grant_starting_credits(tenant: Tenant, profile: dict[str, Any]) -> None:
    """Provisioning step: a new business can be called at once; once in its life."""
    if settings.STARTING_CREDITS > 0:
        grant(tenant.pk, settings.STARTING_CREDITS, key=STARTING_KEY)


def billable_seconds(call: Call) -> int:
    """Seconds that are charged: those of a call the receptionist took.

    Voicemail and rejects cost nothing, nor does a call that ended in voicemail before the caller was understood.
    """
    if call.decision != DecisionKind.ANSWER:
        return 0
    if call.outcome == Outcome.VOICEMAIL and not journal.caller_was_heard(call.pk):
        return 0
    return call.seconds


def settle_call(call_id: str, payload: dict[str, Any]) -> None:
    """Follow-up of a finished call: one debit, and the call shows what it cost. Runs inside the tenant."""
    call = Call.objects.filter(pk=call_id, ended_at__isnull=False).first()
    if call is None:
        log.info("call to settle is gone or still running")
        return
    with transaction.atomic():
        entry = debit_call(require_tenant().id, call.sid, billable_seconds(call))
        Call.objects.filter(pk=call.pk).update(credits=-entry.credits)
        tell_pages(call)
