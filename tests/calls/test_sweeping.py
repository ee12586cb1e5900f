from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from calls import journal
from calls.carriers import twilio
from calls.carriers.twilio import CarrierCall
from calls.facts import JournalEvent
from calls.models import Call
from calls.services import sweeping
from common.errors import ProviderError

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as moving:
        yield moving


@pytest.fixture
def call(tenant, clock):
    return Call.objects.create(sid="CA1", decision="answer", status="in-progress", answered_at=NOON)


@pytest.fixture
def carrier_says(monkeypatch):
    """Set what the carrier answers; the list holds the SIDs it was asked for."""
    asked: list[str] = []

    def say(answer):
        def fetch(sid):
            asked.append(sid)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(twilio, "fetch_call", fetch)
        return asked

    return say


def test_a_call_with_signs_of_life_is_left_alone(call, clock, carrier_says):
    asked = carrier_says(CarrierCall("completed", 5))
    clock.shift(sweeping.QUIET - timedelta(seconds=1))
    assert sweeping.sweep_calls() == 0
    clock.shift(60)
    journal.append(call.pk, "m", [JournalEvent("turn", {"text": "x"}, 1, 1)])
    assert sweeping.sweep_calls() == 0
    assert asked == []


def test_a_quiet_call_ends_as_the_carrier_says(call, clock, carrier_says):
    carrier_says(CarrierCall("completed", 42))
    clock.shift(sweeping.QUIET + timedelta(seconds=1))
    assert sweeping.sweep_calls() == 1
    call.refresh_from_db()
    assert (call.status, call.seconds, call.outcome) == ("completed", 42, "answered")
    assert sweeping.sweep_calls() == 0


@pytest.mark.parametrize("status", ["in-progress", "ringing", "something-new"])
def test_a_quiet_call_that_goes_on_is_asked_for_again_later(call, clock, carrier_says, status):
    asked = carrier_says(CarrierCall(status, None))
    clock.shift(sweeping.QUIET + timedelta(seconds=1))
    for _ in range(3):
        assert sweeping.sweep_calls() == 0
    assert len(asked) == 1
    clock.shift(sweeping.QUIET + timedelta(seconds=1))
    sweeping.sweep_calls()
    assert len(asked) == 2
    call.refresh_from_db()
    assert call.running


@pytest.mark.parametrize("answer", [None, ProviderError("carrier", "connectivity")])
def test_a_call_the_carrier_can_not_name_goes_on_and_ends_where_its_journal_ends(call, clock, carrier_says, answer):
    carrier_says(answer)
    journal.append(call.pk, "m", [JournalEvent("turn", {"text": "x"}, 61_400, 1)])
    clock.shift(sweeping.LOST - timedelta(seconds=1))
    assert sweeping.sweep_calls() == 0
    call.refresh_from_db()
    assert call.running
    clock.shift(2)
    assert sweeping.sweep_calls() == 1
    call.refresh_from_db()
    assert (call.seconds, call.ended_at) == (61, NOON + timedelta(milliseconds=61_400))


def test_a_lost_call_without_a_journal_ends_at_its_last_sign_of_life(call, clock, carrier_says):
    carrier_says(None)
    clock.shift(sweeping.LOST + timedelta(seconds=1))
    assert sweeping.sweep_calls() == 1
    call.refresh_from_db()
    assert (call.seconds, call.ended_at) == (0, NOON)


def test_no_call_lasts_for_ever(call, clock, carrier_says):
    carrier_says(CarrierCall("in-progress", None))
    clock.shift(sweeping.LONGEST + timedelta(minutes=1))
    assert sweeping.sweep_calls() == 1
