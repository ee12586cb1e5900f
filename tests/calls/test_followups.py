from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from calls import followups
from calls.followups import TryAgain, add_follow_up, run_one, sweep
from calls.models import Call, FollowUp
from common.errors import Invalid, ProviderError

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as moving:
        yield moving


@pytest.fixture
def sent(monkeypatch):
    """Tasks on their way: (row, seconds to wait)."""
    tasks: list[tuple[int, float | None]] = []
    monkeypatch.setattr(
        followups, "send_for_tenant", lambda schema, task, pk, countdown=None: tasks.append((pk, countdown))
    )
    return tasks


@pytest.fixture
def call(tenant):
    return Call.objects.create(sid="CA1")


def raising(error):
    def fn(call_id, payload):
        raise error

    return fn


def test_work_is_a_row_first_and_a_task_after_commit(call, sent, follow_up_kind, django_capture_on_commit_callbacks):
    done = follow_up_kind("work")
    with django_capture_on_commit_callbacks() as callbacks:
        row = add_follow_up("work", call.pk, {"id": 7})
    assert sent == []
    for callback in callbacks:
        callback()
    assert sent == [(row.pk, None)]
    run_one(row.pk)
    assert done == [(str(call.pk), {"id": 7})]
    row.refresh_from_db()
    assert (row.state, row.error, row.attempts) == ("done", "", 1)


def test_the_same_work_is_written_once(call, sent):
    assert add_follow_up("work", call.pk).pk == add_follow_up("work", call.pk).pk
    assert add_follow_up("work", call.pk, key="other").pk != add_follow_up("work", call.pk).pk
    assert FollowUp.objects.count() == 2


def test_done_work_is_not_done_again(call, sent, follow_up_kind):
    done = follow_up_kind("work")
    row = add_follow_up("work", call.pk)
    run_one(row.pk)
    run_one(row.pk)
    run_one(row.pk + 1000)
    assert len(done) == 1


def test_two_workers_never_run_a_row_at_once(call, sent, follow_up_kind):
    row = add_follow_up("work", call.pk)
    done = follow_up_kind("work", lambda *given: run_one(row.pk))
    run_one(row.pk)
    assert len(done) == 1


def test_a_killed_workers_row_comes_back_after_its_lease(call, sent, follow_up_kind, clock):
    class Killed(BaseException):
        pass

    row = add_follow_up("work", call.pk)
    follow_up_kind("work", raising(Killed()))
    with pytest.raises(Killed):
        run_one(row.pk)
    sent.clear()
    assert sweep() == 0
    clock.shift(followups.LEASE + followups.OVERDUE + timedelta(seconds=1))
    assert sweep() == 1
    done = follow_up_kind("work")
    run_one(row.pk)
    assert len(done) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ProviderError("carrier", "timeout"), "carrier: timeout"),
        (TryAgain("not there yet"), "not there yet"),
        (ZeroDivisionError("what a caller said"), "ZeroDivisionError"),
    ],
)
def test_passing_trouble_is_tried_again_with_growing_pauses_and_then_shown(
    call, follow_up_kind, clock, monkeypatch, error, said
):
    pauses: list[float] = []
    monkeypatch.setattr(followups, "_send", lambda pk, pause_s=0.0: pauses.append(pause_s))
    row = add_follow_up("work", call.pk)
    given_up: list[str] = []
    follow_up_kind("work", raising(error), give_up=lambda call_id, payload: given_up.append(call_id))
    for attempt in range(1, followups.MAX_ATTEMPTS + 1):
        run_one(row.pk)
        row.refresh_from_db()
        assert row.attempts == attempt
        assert row.error == said
        clock.move_to(row.due_at)
    assert row.state == "failed"
    assert given_up == [str(call.pk)]
    run_one(row.pk)
    row.refresh_from_db()
    assert row.attempts == followups.MAX_ATTEMPTS
    assert pauses[0] == 0
    assert len(pauses) > 2
    assert all(pause <= 60 for pause in pauses)


def test_pauses_grow_threefold_with_jitter_and_are_bounded():
    for attempt in range(1, 20):
        full = min(5.0 * 3 ** (attempt - 1), 3600.0)
        drawn = {followups.pause_before(attempt) for _ in range(50)}
        assert all(full / 2 <= pause <= full for pause in drawn)
        assert len(drawn) > 10


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ProviderError("carrier", "authentication"), "carrier: authentication"),
        (Invalid("it was +14155550199"), "invalid"),
    ],
)
def test_lasting_trouble_ends_at_once_and_is_shown(call, sent, follow_up_kind, error, said):
    row = add_follow_up("work", call.pk)
    given_up: list[str] = []
    follow_up_kind("work", raising(error), give_up=lambda call_id, payload: given_up.append(call_id))
    run_one(row.pk)
    row.refresh_from_db()
    assert (row.state, row.error, row.attempts) == ("failed", said, 1)
    assert given_up == [str(call.pk)]


def test_work_nobody_can_do_is_shown(call, sent):
    row = add_follow_up("unheard-of", call.pk)
    run_one(row.pk)
    row.refresh_from_db()
    assert (row.state, row.error) == ("failed", "no handler")


def test_a_broker_that_is_gone_costs_nothing_but_time(call, monkeypatch, clock, django_capture_on_commit_callbacks):
    def gone(*args, **kwargs):
        raise ConnectionError("broker")

    with monkeypatch.context() as patch:
        patch.setattr(followups, "send_for_tenant", gone)
        with django_capture_on_commit_callbacks(execute=True):
            row = add_follow_up("work", call.pk)
    sent: list[int] = []
    monkeypatch.setattr(followups, "_send", sent.append)
    assert sweep() == 0
    clock.shift(followups.OVERDUE + timedelta(seconds=1))
    assert sweep() == 1
    assert sent == [row.pk]


def test_the_task_runs_inside_the_tenant_that_wrote_the_row(live_tenant, follow_up_kind, eager_tasks):
    from tenants.context import in_public, require_tenant

    seen: list[str] = []
    follow_up_kind("work", lambda call_id, payload: seen.append(require_tenant().schema))
    call = Call.objects.create(sid="CA1")
    add_follow_up("work", call.pk)
    assert seen == [live_tenant.schema]
    Call.objects.get()  # still where it was
    in_public(lambda: None)
