"""Webhooks that arrive at the same instant, on real connections."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import close_old_connections, connection

from calls.models import Call, CallLeg, FollowUp
from calls.services import finish_call
from tenants.context import in_public
from tenants.models import Tenant
from tests.calls.stage import Carrier
from tests.cast import ALPHA, BETA

TOGETHER = 6


def all_at_once(*jobs):
    """Results of `jobs`, begun together, each on a thread and a connection of its own."""
    start = Barrier(len(jobs))

    def run(job):
        start.wait(10)
        try:
            return job()
        finally:
            connection.close()
            close_old_connections()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result(30) for future in [pool.submit(run, job) for job in jobs]]


@pytest.fixture
def lines(live_tenant, receptionist):
    in_public(lambda: Tenant.objects.filter(slug=ALPHA.slug).update(max_concurrent_calls=2))


def test_no_more_calls_are_answered_than_there_are_lines(lines):
    answers = all_at_once(*[Carrier().voice for _ in range(TOGETHER)])
    assert sorted("Connect" in answer.verbs for answer in answers) == [False] * (TOGETHER - 2) + [True] * 2
    assert Call.objects.filter(decision="voicemail", decision_reason="too_many_calls").count() == TOGETHER - 2


def test_a_webhook_delivered_many_times_at_once_is_one_call(lines):
    carrier = Carrier()
    answers = all_at_once(*[Carrier(sid=carrier.sid).voice for _ in range(TOGETHER)])
    assert all(answer.verbs == ["Start", "Connect", "Redirect"] for answer in answers)
    assert Call.objects.count() == CallLeg.objects.count() == 1


def test_two_tenants_calls_never_mix(lines):
    carriers = [Carrier(to=number) for number in (ALPHA.number, BETA.number) * 3]
    all_at_once(*[carrier.voice for carrier in carriers])
    assert set(Call.objects.values_list("sid", flat=True)) == {c.sid for c in carriers if c.to == ALPHA.number}
    assert set(Call.objects.values_list("callee", flat=True)) == {ALPHA.number}


def test_a_call_that_ends_many_times_at_once_is_finished_once(lines, live_tenant, follow_up_kind):
    from tenants.context import in_tenant

    follow_up_kind("settle")
    Carrier(sid="CA1").voice()
    call = Call.objects.get()
    done = all_at_once(*[lambda: in_tenant(live_tenant.schema, finish_call, call.pk) for _ in range(TOGETHER)])
    assert sorted(done) == [False] * (TOGETHER - 1) + [True]
    assert FollowUp.objects.filter(kind="settle").count() == 1
