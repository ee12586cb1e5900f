from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
import time_machine
from django.db import OperationalError

from calls import journal
from calls.facts import JournalEvent
from calls.models import Call, CallLeg, FollowUp, Recording, Voicemail
from calls.services import lifecycle, set_next_step, take_message
from common.kv import redis_sync
from tenants.context import in_tenant
from tenants.models import Tenant
from tests.calls.stage import Carrier, new_sid
from tests.cast import ALPHA, BETA


@pytest.fixture
def answered(carrier):
    carrier.voice()
    return Call.objects.get()


@pytest.fixture
def sent_to_voicemail(carrier):
    Tenant.objects.filter(slug=ALPHA.slug).update(credits_ok=False)
    answer = carrier.voice()
    return answer.find("Record").attrib["recordingStatusCallback"]


# Status.


def test_the_end_of_a_call_closes_its_books(carrier, answered, follow_up_kind):
    follow_up_kind("settle")
    assert carrier.status("completed", CallDuration="42").status == 200
    answered.refresh_from_db()
    assert (answered.status, answered.outcome, answered.seconds) == ("completed", "answered", 42)
    assert answered.ended_at
    leg = CallLeg.objects.get(call=answered)
    assert (leg.status, leg.ended_at) == ("completed", answered.ended_at)
    assert list(FollowUp.objects.filter(kind="settle").values_list("kind", "call")) == [("settle", answered.pk)]


def test_a_repeated_end_changes_nothing_and_settles_once(carrier, answered, follow_up_kind):
    follow_up_kind("settle")
    carrier.status("completed", CallDuration="42")
    carrier.status("completed", CallDuration="99")
    carrier.status("failed")
    answered.refresh_from_db()
    assert (answered.status, answered.seconds) == ("completed", 42)
    assert FollowUp.objects.filter(kind="settle").count() == 1


@pytest.mark.parametrize("order", list(itertools.permutations(["ringing", "in-progress", "completed"])))
def test_status_callbacks_in_any_order_end_the_same(carrier, answered, order):
    for status in order:
        assert carrier.status(status, CallDuration="5").status == 200
    answered.refresh_from_db()
    assert (answered.status, answered.seconds, answered.outcome) == ("completed", 5, "answered")


@pytest.mark.parametrize("status", ["", "exploded", "COMPLETED"])
def test_an_unknown_status_never_ends_a_live_call(carrier, answered, status):
    assert carrier.status(status).status == 200
    answered.refresh_from_db()
    assert answered.running


@pytest.mark.parametrize("duration", [None, "", "abc", "-4", "9" * 40])
def test_without_a_usable_duration_the_clock_counts(carrier, duration):
    with time_machine.travel(datetime(2026, 3, 1, 12, 0, tzinfo=UTC), tick=False) as clock:
        carrier.voice()
        clock.shift(33)
        carrier.status("completed", **({} if duration is None else {"CallDuration": duration}))
    assert Call.objects.get().seconds == 33


@pytest.mark.parametrize(
    ("status", "outcome"), [("canceled", "abandoned"), ("no-answer", "abandoned"), ("failed", "failed")]
)
def test_a_call_that_came_to_nothing_says_how(carrier, answered, status, outcome):
    carrier.status(status)
    answered.refresh_from_db()
    assert answered.outcome == outcome


def test_a_call_that_was_never_written_down_is_on_record_after_its_end(carrier):
    carrier.status("in-progress")
    assert not Call.objects.exists()
    carrier.status("completed", CallDuration="3")
    call = Call.objects.get()
    assert (call.outcome, call.seconds, call.caller) == ("failed", 3, carrier.caller)


def test_a_message_that_was_taken_is_the_outcome(carrier, answered):
    take_message(answered.pk, name="Peter", number="", body="Call me.", urgency="normal")
    carrier.status("completed", CallDuration="9")
    answered.refresh_from_db()
    assert answered.outcome == "message_taken"


@pytest.mark.parametrize(("spoken", "outcome"), [(True, "answered"), (False, "voicemail")])
def test_a_call_sent_to_voicemail_without_a_message_was_answered_only_if_something_was_said(
    carrier, answered, spoken, outcome
):
    journal.append(answered.pk, "m", [JournalEvent("turn", {"role": "receptionist", "text": "Hello."}, 1, 1)])
    if spoken:
        journal.append(answered.pk, "m", [JournalEvent("turn", {"role": "caller", "text": "Hello"}, 2, 2)])
    set_next_step(answered.pk, {"do": "voicemail", "reason": "engine"})
    carrier.status("completed", CallDuration="9")
    answered.refresh_from_db()
    assert answered.outcome == outcome


def test_a_number_given_away_during_a_call_still_hears_of_its_end(carrier, answered):
    carrier.to = "+14155559999"
    assert carrier.status("completed").status == 200
    answered.refresh_from_db()
    assert not answered.running


def test_a_status_for_a_number_nobody_has_is_harmless(carrier, answered):
    stranger = Carrier(to="+14155559999")
    assert stranger.status("completed").status == 200
    answered.refresh_from_db()
    assert answered.running
    assert Call.objects.count() == 1


def test_a_status_through_another_tenants_number_does_not_reach_the_call(carrier, answered, other_tenant):
    carrier.to = BETA.number
    carrier.status("completed")
    answered.refresh_from_db()
    assert answered.running


def test_a_callback_that_fails_asks_to_be_repeated(carrier, answered, monkeypatch):
    def gone(**given):
        raise OperationalError

    monkeypatch.setattr(lifecycle, "note_status", gone)
    assert carrier.status("completed").status == 503


# Recordings.


def callback(carrier: Carrier, url: str, sid: str, **extra: str) -> int:
    """A recording's callback as Twilio sends it: without the numbers."""
    extra = {"RecordingStatus": "completed", "RecordingDuration": "7"} | extra
    at = f"http://127.0.0.1:9/2010-04-01/Accounts/AC1/Recordings/{sid}"
    return carrier.post(
        url, drop=("To", "From", "CallStatus", "Direction"), RecordingSid=sid, RecordingUrl=at, **extra
    ).status


def path_of(url: str) -> str:
    return url.removeprefix("http://localhost:8000")


def test_a_recorded_call_is_noted_and_fetched_later(carrier, answered):
    url = carrier.voice().find("Start/Recording").attrib["recordingStatusCallback"]
    assert callback(carrier, path_of(url), "RE1") == 200
    recording = Recording.objects.get()
    assert (recording.call, recording.kind, recording.state, recording.seconds) == (answered, "call", "pending", 7)
    row = FollowUp.objects.get()
    assert (row.kind, row.payload) == ("fetch_recording", {"recording": str(recording.pk)})
    assert not Voicemail.objects.exists()


def test_a_repeated_recording_callback_is_harmless(carrier, sent_to_voicemail):
    for _ in range(3):
        assert callback(carrier, path_of(sent_to_voicemail), "RE1") == 200
    assert Recording.objects.count() == Voicemail.objects.count() == FollowUp.objects.count() == 1


@pytest.mark.parametrize("first", ["after-record", "callback"])
@pytest.mark.parametrize("ended", ["before", "after"])
def test_a_voicemail_is_kept_whichever_webhook_comes_first(carrier, sent_to_voicemail, first, ended):
    def after_record() -> None:
        url = "http://127.0.0.1:9/2010-04-01/Accounts/AC1/Recordings/RE1"
        answer = carrier.post("/twilio/after-record", RecordingUrl=url, RecordingDuration="7", Digits="hangup")
        assert answer.verbs == ["Say", "Hangup"]

    def told() -> None:
        assert callback(carrier, path_of(sent_to_voicemail), "RE1") == 200

    if ended == "before":
        carrier.status("completed", CallDuration="12")
    for step in (after_record, told) if first == "after-record" else (told, after_record):
        step()
    if ended == "after":
        carrier.status("completed", CallDuration="12")
    voicemail = Voicemail.objects.get()
    assert (voicemail.recording.sid, voicemail.recording.kind, voicemail.recording.seconds) == ("RE1", "voicemail", 7)
    assert Call.objects.get().outcome == "voicemail"
    assert FollowUp.objects.filter(kind="fetch_recording").count() == 1


def test_a_voicemail_without_sound_leaves_none(carrier, sent_to_voicemail):
    assert callback(carrier, path_of(sent_to_voicemail), "RE1", RecordingStatus="absent", RecordingDuration="0") == 200
    carrier.status("completed", CallDuration="12")
    assert Recording.objects.get().state == "absent"
    assert not Voicemail.objects.exists()
    assert not FollowUp.objects.filter(kind="fetch_recording").exists()
    assert Call.objects.get().outcome == "voicemail", "where the call ended, though no message was left"


def test_a_recording_callback_finds_its_tenant_without_our_address_too(carrier, sent_to_voicemail):
    assert callback(carrier, "/twilio/recording", "RE1") == 200
    assert Voicemail.objects.get().recording.sid == "RE1"


@pytest.mark.parametrize("state", ["in-progress", "processing", "paused"])
def test_a_recording_that_is_still_running_is_not_fetched(carrier, sent_to_voicemail, state):
    callback(carrier, path_of(sent_to_voicemail), "RE1", RecordingStatus=state)
    assert not Recording.objects.exists()


def test_recordings_of_nobody_are_harmless(carrier, sent_to_voicemail):
    redis_sync().delete(f"call-tenant:{carrier.sid}")
    assert callback(carrier, "/twilio/recording", "RE1") == 200
    assert callback(carrier, "/twilio/recording?tenant=public", "RE1") == 200
    assert callback(carrier, "/twilio/recording?tenant=t_000000000000", "RE1") == 200
    assert not Recording.objects.exists()
    carrier.sid = new_sid("CA")
    assert callback(carrier, path_of(sent_to_voicemail), "RE1") == 200
    assert not Recording.objects.exists()


def test_a_recording_stays_with_its_call(carrier, sent_to_voicemail):
    callback(carrier, path_of(sent_to_voicemail), "RE1")
    other = Carrier()
    other.voice()
    assert callback(other, path_of(sent_to_voicemail), "RE1") == 200
    assert Recording.objects.get().call.sid == carrier.sid


def test_a_recording_never_lands_in_another_tenant(carrier, sent_to_voicemail, other_tenant):
    callback(carrier, f"/twilio/recording?kind=voicemail&tenant={other_tenant.schema}", "RE1")
    assert not Recording.objects.exists()
    assert in_tenant(other_tenant.schema, Recording.objects.count) == 0
