"""Credits: given once, taken once, never changed, under redelivery and races."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from threading import Barrier

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import services
from billing.models import EntryKind, LedgerEntry
from billing.reconcile import check_tenant
from calls.models import Call, CallEvent, CallStatus, DecisionKind, Outcome
from calls.services import finish_call
from common.clock import now
from common.errors import Invalid, NotFound
from tenants.context import TenantInfo, in_public
from tenants.models import AuditEvent, Tenant
from tests.cast import CALLER


def row(tenant: TenantInfo) -> Tenant:
    return in_public(lambda: Tenant.objects.get(pk=tenant.id))


def entries(tenant: TenantInfo) -> list[LedgerEntry]:
    return in_public(lambda: list(LedgerEntry.objects.filter(tenant_ref=tenant.id).order_by("id")))


def finished_call(seconds: int, decision: str = DecisionKind.ANSWER, **fields: object) -> Call:
    defaults = {
        "sid": f"CA{Call.objects.count():032d}",
        "caller": CALLER,
        "decision": decision,
        "status": CallStatus.COMPLETED,
        "outcome": Outcome.ANSWERED,
        "seconds": seconds,
        "ended_at": now(),
    }
    return Call.objects.create(**{**defaults, **fields})


@pytest.mark.parametrize(
    ("seconds", "credits"), [(0, 0), (-5, 0), (1, 1), (6, 1), (7, 2), (59, 10), (60, 10), (61, 11)]
)
def test_a_call_costs_ten_credits_a_minute_by_the_second_rounded_up(seconds: int, credits: int) -> None:
    assert services.cost_of(seconds) == credits


def test_a_repeated_grant_gives_credits_once(tenant: TenantInfo) -> None:
    first = services.grant(tenant.id, 500, key="pack-1")
    assert services.grant(tenant.id, 500, key="pack-1").pk == first.pk
    assert services.balance(tenant.id) == 500
    assert (row(tenant).credit_balance, row(tenant).credits_ok) == (500, True)


def test_a_finished_call_is_debited_once_however_often_it_is_settled(tenant: TenantInfo) -> None:
    services.grant(tenant.id, 100, key="start")
    call = finished_call(90)
    for _ in range(3):
        services.settle_call(str(call.pk), {})
    call.refresh_from_db()
    assert call.credits == 15
    [_, debit] = entries(tenant)
    assert (debit.kind, debit.credits, debit.call_sid, debit.seconds, debit.balance_after) == (
        EntryKind.DEBIT,
        -15,
        call.sid,
        90,
        85,
    )


@pytest.mark.parametrize(
    ("decision", "outcome", "spoke", "charged"),
    [
        (DecisionKind.ANSWER, Outcome.ANSWERED, True, True),
        (DecisionKind.ANSWER, Outcome.MESSAGE_TAKEN, True, True),
        (DecisionKind.ANSWER, Outcome.VOICEMAIL, True, True),
        (DecisionKind.ANSWER, Outcome.VOICEMAIL, False, False),
        (DecisionKind.VOICEMAIL, Outcome.VOICEMAIL, False, False),
        (DecisionKind.REJECT, Outcome.REJECTED, False, False),
        (DecisionKind.MENU, Outcome.ABANDONED, False, False),
    ],
)
def test_only_calls_the_receptionist_took_cost_credits(
    tenant: TenantInfo, decision: str, outcome: str, spoke: bool, charged: bool
) -> None:
    call = finished_call(60, decision, outcome=outcome)
    turns = ["receptionist", "caller"] if spoke else ["receptionist"]
    for seq, role in enumerate(turns):
        data = {"role": role, "text": "Hello.", "start_ms": seq * 1000, "end_ms": seq * 1000 + 500}
        CallEvent.objects.create(call=call, source="m", seq=seq, kind="turn", offset_ms=0, data=data)
    services.settle_call(str(call.pk), {})
    call.refresh_from_db()
    assert call.credits == (10 if charged else 0)
    assert services.balance(tenant.id) == -call.credits


def test_a_running_or_erased_call_is_not_settled(tenant: TenantInfo) -> None:
    running = finished_call(60, ended_at=None)
    services.settle_call(str(running.pk), {})
    services.settle_call("00000000-0000-0000-0000-000000000000", {})
    assert entries(tenant) == []


def test_finishing_a_call_settles_it(live_tenant: TenantInfo, eager_tasks: None) -> None:
    call = finished_call(0, ended_at=None, status=CallStatus.IN_PROGRESS, outcome="")
    assert finish_call(call.pk, seconds=61)
    call.refresh_from_db()
    assert call.credits == 11
    assert services.balance(live_tenant.id) == -11
    assert not finish_call(call.pk, seconds=61)
    assert len(entries(live_tenant)) == 1


def test_credits_are_not_ok_at_zero_and_below_and_ok_again_after_a_grant(tenant: TenantInfo) -> None:
    services.grant(tenant.id, 10, key="a")
    services.debit_call(tenant.id, "CA1", 60)
    assert (row(tenant).credit_balance, row(tenant).credits_ok) == (0, False)
    services.debit_call(tenant.id, "CA2", 30)
    assert (row(tenant).credit_balance, row(tenant).credits_ok) == (-5, False)
    services.grant(tenant.id, 6, key="b")
    assert (row(tenant).credit_balance, row(tenant).credits_ok) == (1, True)


def test_the_database_refuses_to_change_or_delete_an_entry(tenant: TenantInfo) -> None:
    entry = services.grant(tenant.id, 10, key="a")
    for change in (
        lambda: LedgerEntry.objects.filter(pk=entry.pk).update(credits=99),
        lambda: LedgerEntry.objects.filter(pk=entry.pk).delete(),
    ):
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            in_public(change)
    assert services.balance(tenant.id) == 10


def test_bad_grants_are_refused(tenant: TenantInfo) -> None:
    for credits, kind in ((0, EntryKind.GRANT), (-1, EntryKind.GRANT), (5, EntryKind.DEBIT)):
        with pytest.raises(Invalid):
            services.grant(tenant.id, credits, key="x", kind=kind)
    with pytest.raises(NotFound):
        services.grant(0, 5, key="x")
    assert services.grant(tenant.id, -3, key="x", kind=EntryKind.ADJUST).balance_after == -3


def test_racing_workers_move_credits_once(live_tenant: TenantInfo) -> None:
    services.grant(live_tenant.id, 1000, key="start")
    workers = 8
    barrier = Barrier(workers)

    def work(_: int) -> None:
        barrier.wait()
        try:
            for number in range(10):
                services.debit_call(live_tenant.id, f"CA{number}", 60)
                services.grant(live_tenant.id, 7, key=f"pack-{number}")
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    rows = entries(live_tenant)
    assert len(rows) == 21
    assert services.balance(live_tenant.id) == 1000 - 100 + 70 == row(live_tenant).credit_balance
    assert check_tenant_ledger(live_tenant) == []


def check_tenant_ledger(tenant: TenantInfo) -> list[str]:
    return [d.problem for d in check_tenant(row(tenant)) if d.problem != "debit_without_call"]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["grant", "debit", "adjust"]),
            st.integers(min_value=1, max_value=4000),
            st.integers(min_value=0, max_value=5),
        ),
        max_size=12,
    )
)
def test_balance_is_the_sum_of_distinct_events_in_any_order(
    tenant: TenantInfo, events: list[tuple[str, int, int]]
) -> None:
    expected: dict[str, int] = {}
    with transaction.atomic():
        for kind, amount, name in events:
            if kind == "debit":
                services.debit_call(tenant.id, str(name), amount)
                expected.setdefault(f"call:{name}", -services.cost_of(amount))
            else:
                services.grant(tenant.id, amount, key=f"{kind}-{name}", kind=kind)
                expected.setdefault(f"{kind}-{name}", amount)
        total = sum(expected.values())
        assert services.balance(tenant.id) == total
        if events:
            assert (row(tenant).credit_balance, row(tenant).credits_ok) == (total, total > 0)
            assert check_tenant_ledger(tenant) == []
        transaction.set_rollback(True)


def test_using_up_80_and_100_percent_is_noted_once_each(tenant: TenantInfo) -> None:
    services.grant(tenant.id, 100, key="start")
    for sid, seconds in (("CA1", 474), ("CA2", 6), ("CA3", 60), ("CA4", 60), ("CA5", 60)):
        services.debit_call(tenant.id, sid, seconds)
    alerts = in_public(
        lambda: list(
            AuditEvent.objects.filter(action="credits.used", tenant_ref=tenant.id)
            .order_by("id")
            .values_list("target", "data")
        )
    )
    assert alerts == [("80%", {"balance": 20}), ("100%", {"balance": 0})]


def test_reconciling_finds_missing_and_wrong_debits_and_mends_what_it_can(tenant: TenantInfo) -> None:
    services.grant(tenant.id, 1000, key="start")
    long_ago = now() - timedelta(hours=1)
    missing = finished_call(60, ended_at=long_ago)
    wrong = finished_call(60, ended_at=long_ago)
    finished_call(60)  # its follow-up may still be on its way
    services.debit_call(tenant.id, wrong.sid, 30)
    services.debit_call(tenant.id, "CAgone", 12)
    in_public(lambda: Tenant.objects.filter(pk=tenant.id).update(credit_balance=5))

    output = StringIO()
    with pytest.raises(CommandError, match="4 differences"):
        in_public(lambda: call_command("reconcile_credits", slug=tenant.slug, stdout=output))
    found = [json.loads(line) for line in output.getvalue().splitlines()]
    assert {(d["problem"], d["reference"], d["expected"], d["found"]) for d in found} == {
        ("snapshot", "credit_balance", 993, 5),
        ("missing_debit", missing.sid, 10, 0),
        ("wrong_debit", wrong.sid, 10, 5),
        ("debit_without_call", "CAgone", 0, 2),
    }
    in_public(lambda: call_command("reconcile_credits", slug=tenant.slug, fix=True, stdout=StringIO()))
    assert {d.problem for d in check_tenant(row(tenant))} == {"wrong_debit", "debit_without_call"}
    missing.refresh_from_db()
    assert missing.credits == 10
    assert row(tenant).credit_balance == 983
