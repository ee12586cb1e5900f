"""Compare the ledger with what it should say: with its own sums, with the snapshot, and with the calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from billing.models import EntryKind, LedgerEntry
from billing.services import billable_seconds, cost_of, settle_call
from calls.models import Call
from common.clock import now
from tenants.context import USABLE, in_public, in_tenant
from tenants.models import Tenant

#: Calls that ended within this time may still be waiting for their follow-up.
GRACE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it should be. `expected` and `found` are credits."""

    tenant: int
    problem: str
    reference: str
    expected: int
    found: int


def check_tenant(tenant: Tenant, *, fix: bool = False) -> list[Difference]:
    """Every difference of one tenant; with `fix`, missing debits are made and the snapshot is written anew."""
    found = list(in_public(lambda: list(_ledger_differences(tenant))))
    if tenant.status in USABLE:
        found += in_tenant(tenant.schema_name, _call_differences, tenant, fix)
    if fix:
        in_public(_mend_snapshot, tenant)
    return found


def _ledger_differences(tenant: Tenant) -> Iterator[Difference]:
    total = 0
    for entry in LedgerEntry.objects.filter(tenant_ref=tenant.pk).order_by("id").iterator():
        total += entry.credits
        if entry.balance_after != total:
            yield Difference(tenant.pk, "balance_after", entry.key, total, entry.balance_after)
    if tenant.credit_balance != total:
        yield Difference(tenant.pk, "snapshot", "credit_balance", total, tenant.credit_balance)
    if tenant.credits_ok != (total > 0):
        yield Difference(tenant.pk, "snapshot", "credits_ok", int(total > 0), int(tenant.credits_ok))


def _call_differences(tenant: Tenant, fix: bool) -> list[Difference]:
    entries = in_public(
        lambda: {
            entry.call_sid: entry
            for entry in LedgerEntry.objects.filter(tenant_ref=tenant.pk, kind=EntryKind.DEBIT).iterator()
        }
    )
    differences = []
    for call in Call.objects.filter(ended_at__lt=now() - GRACE).iterator():
        entry = entries.pop(call.sid, None)
        expected = cost_of(billable_seconds(call))
        if entry is None:
            if expected:
                differences.append(Difference(tenant.pk, "missing_debit", call.sid, expected, 0))
            if fix:
                settle_call(str(call.pk), {})
        elif -entry.credits != expected:
            differences.append(Difference(tenant.pk, "wrong_debit", call.sid, expected, -entry.credits))
    known = set(Call.objects.filter(sid__in=entries).values_list("sid", flat=True))
    differences += [
        Difference(tenant.pk, "debit_without_call", sid, 0, -entry.credits)
        for sid, entry in entries.items()
        if sid not in known
    ]
    return differences


def _mend_snapshot(tenant: Tenant) -> None:
    last = LedgerEntry.objects.filter(tenant_ref=tenant.pk).order_by("-id").first()
    after = last.balance_after if last else 0
    Tenant.objects.filter(pk=tenant.pk).update(credit_balance=after, credits_ok=after > 0)
