from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.conf import settings as real_settings
from django.db import OperationalError

from calls import journal, routing
from calls.facts import JournalEvent
from calls.models import Call, CallLeg
from calls.services import lifecycle, set_next_step
from common.clock import now
from tenants.context import in_tenant
from tenants.models import Tenant
from tests.calls.stage import Carrier, snapshot_of
from tests.cast import ALPHA, BETA, CALLER


def tenant_row(**changes):
    Tenant.objects.filter(slug=ALPHA.slug).update(**changes)


def test_a_call_is_answered_by_the_receptionist_and_recorded(carrier, tenant):
    answer = carrier.voice()
    assert answer.status == 200
    assert answer.verbs == ["Start", "Connect", "Redirect"]
    recording = answer.find("Start/Recording").attrib
    assert recording["recordingStatusCallback"].startswith(f"{real_settings.PUBLIC_URL}/twilio/recording?")
    assert recording["recordingStatusCallbackEvent"] == "completed absent"
    assert answer.find("Connect").attrib["action"] == "/twilio/after-stream"
    stream = answer.find("Connect/Stream")
    assert stream.attrib["url"] == f"{real_settings.MEDIA_STREAM_URL}/media/twilio"
    assert "?" not in stream.attrib["url"]
    snapshot = snapshot_of(answer.token)
    call = Call.objects.get(sid=carrier.sid)
    assert (snapshot.schema, snapshot.call_id, snapshot.call_sid) == (tenant.schema, str(call.pk), carrier.sid)
    assert (snapshot.generation, snapshot.offset_ms, snapshot.history) == (0, 0, [])
    assert snapshot.greeting_ulaw == b"\x7f" * 160
    assert (call.decision, call.decision_reason, call.status) == ("answer", "receptionist_first", "in-progress")
    assert (call.caller, call.callee) == (CALLER, ALPHA.number)
    assert CallLeg.objects.get(call=call).sid == carrier.sid


def test_the_called_number_alone_picks_the_tenant(carrier, tenant, other_tenant):
    carrier.to = BETA.number
    token = carrier.voice().token
    assert snapshot_of(token).schema == other_tenant.schema
    assert not Call.objects.exists()
    assert in_tenant(other_tenant.schema, Call.objects.filter(sid=carrier.sid).count) == 1


def test_a_repeated_webhook_keeps_the_call_and_gets_a_fresh_token(carrier, receptionist):
    first, second = carrier.voice(), carrier.voice()
    assert Call.objects.count() == CallLeg.objects.count() == 1
    assert first.token != second.token
    assert snapshot_of(first.token) is None, "the earlier token must not open a second stream"
    assert snapshot_of(second.token).generation == 0


def test_the_decision_of_a_call_is_never_taken_twice(carrier):
    carrier.voice()
    tenant_row(credits_ok=False)
    assert carrier.voice().verbs == ["Start", "Connect", "Redirect"]


def test_an_unknown_number_hears_a_sentence_and_is_hung_up(carrier):
    carrier.to = "+14155559999"
    answer = carrier.voice()
    assert answer.status == 200
    assert answer.verbs == ["Say", "Hangup"]
    assert "not in service" in answer.find("Say").text
    assert not Call.objects.exists()


@pytest.mark.parametrize("to", ["client:bob", "sip:a@b.example", "+", "hello"])
def test_a_called_party_that_is_no_number_is_unknown(carrier, to):
    carrier.to = to
    assert carrier.voice().verbs == ["Say", "Hangup"]


@pytest.mark.parametrize("caller", ["", "anonymous", "+266696687", "sip:a@b.example", "x" * 500, "a\0b"])
def test_an_odd_or_withheld_caller_is_answered_all_the_same(carrier, caller):
    carrier.caller = caller
    assert carrier.voice().verbs == ["Start", "Connect", "Redirect"]
    assert Call.objects.get().caller == caller.replace("\0", "")[:64]


def test_without_credits_a_message_is_taken_and_no_session_is_built(carrier, receptionist):
    tenant_row(credits_ok=False)
    answer = carrier.voice()
    assert answer.verbs == ["Say", "Record", "Say", "Hangup"]
    record = answer.find("Record").attrib
    assert record["maxLength"] == "180"
    assert record["playBeep"] == "true"
    assert record["finishOnKey"] == "#"
    assert record["action"] == "/twilio/after-record"
    assert "kind=voicemail" in record["recordingStatusCallback"]
    call = Call.objects.get()
    assert (call.decision, call.decision_reason) == ("voicemail", "no_credits")
    assert receptionist == []


def test_a_suspended_business_takes_messages(carrier, receptionist):
    tenant_row(status="suspended")
    assert "Record" in carrier.voice().verbs
    assert receptionist == []


def test_a_call_too_many_is_told_that_lines_are_busy_and_takes_a_message(carrier):
    tenant_row(max_concurrent_calls=1)
    assert Carrier().voice().verbs == ["Start", "Connect", "Redirect"]
    answer = carrier.voice()
    assert answer.verbs == ["Say", "Record", "Say", "Hangup"]
    assert "busy" in answer.find("Say").text
    assert Call.objects.get(sid=carrier.sid).decision_reason == "too_many_calls"


def test_finished_quiet_and_voicemail_calls_take_up_no_line(carrier):
    tenant_row(max_concurrent_calls=1)
    finished, quiet, voicemail = Carrier(), Carrier(), Carrier()
    finished.voice()
    finished.status("completed")
    quiet.voice()
    Call.objects.filter(sid=quiet.sid).update(active_at=now() - timedelta(minutes=11))
    tenant_row(credits_ok=False)
    voicemail.voice()
    tenant_row(credits_ok=True)
    assert carrier.voice().verbs == ["Start", "Connect", "Redirect"]


@pytest.mark.parametrize("front_door", ["staff_first", "menu", "after_hours", "ai_first"])
def test_every_front_door_ends_at_somebody_while_there_is_no_staff(carrier, front_door):
    tenant_row(front_door=front_door)
    assert carrier.voice().verbs == ["Start", "Connect", "Redirect"]


def test_a_rejected_caller_is_not_answered(carrier, monkeypatch):
    monkeypatch.setattr(routing, "decide", lambda given: routing.Reject("blocked"))
    answer = carrier.voice()
    assert answer.verbs == ["Reject"]
    carrier.status("busy")
    call = Call.objects.get()
    assert (call.outcome, call.answered_at, call.seconds) == ("rejected", None, 0)


def test_a_crash_in_the_decision_ends_at_voicemail_and_on_record(carrier, monkeypatch, caplog):
    def crash(given):
        raise ZeroDivisionError(CALLER)

    monkeypatch.setattr(routing, "decide", crash)
    with caplog.at_level(logging.ERROR):
        answer = carrier.voice()
    assert answer.status == 200
    assert answer.verbs == ["Say", "Record", "Say", "Hangup"]
    call = Call.objects.get()
    assert (call.decision, call.decision_reason) == ("voicemail", "error")
    assert "webhook failed" in caplog.text


def test_a_session_that_can_not_be_built_ends_at_voicemail(carrier, monkeypatch):
    from calls import sessions

    monkeypatch.setattr(sessions, "_builders", [])
    assert carrier.voice().verbs == ["Say", "Record", "Say", "Hangup"]
    assert Call.objects.get().decision == "voicemail"


def test_a_database_that_is_gone_still_ends_at_voicemail(carrier, monkeypatch):
    from calls.webhooks import voice

    def gone(hook):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(voice, "of_called_number", gone)
    answer = carrier.voice()
    assert answer.status == 200
    assert answer.verbs == ["Say", "Record", "Say", "Hangup"]


def test_the_fallback_address_takes_a_message(carrier):
    answer = carrier.post("/twilio/voice-fallback", ErrorCode="11200", ErrorUrl="http://localhost:8000/twilio/voice")
    assert answer.verbs == ["Say", "Record", "Say", "Hangup"]
    assert Call.objects.get().decision == "voicemail"
    carrier.to = "+14155559999"
    assert carrier.post("/twilio/voice-fallback").verbs == ["Say", "Hangup"]


# After the stream.


@pytest.fixture
def answered(carrier):
    carrier.voice()
    return Call.objects.get()


@pytest.mark.parametrize(
    ("step", "verbs"),
    [
        ({"do": "hangup"}, ["Hangup"]),
        ({"do": "voicemail", "reason": "engine"}, ["Say", "Record", "Say", "Hangup"]),
    ],
)
def test_the_next_step_is_done_and_a_repeated_webhook_does_it_again(carrier, answered, step, verbs):
    assert set_next_step(answered.pk, step)
    assert carrier.post("/twilio/after-stream").verbs == verbs
    assert carrier.post("/twilio/after-stream").verbs == verbs
    answered.refresh_from_db()
    assert answered.stream_generation == 0


def test_a_stream_that_was_lost_is_replaced_by_one_that_knows_the_conversation(carrier, answered):
    Call.objects.update(answered_at=now() - timedelta(seconds=30))
    journal.append(
        answered.pk,
        "media-0-x",
        [
            JournalEvent("greeting", {"text": "Hello."}, 100, 1),
            JournalEvent(
                "turn", {"role": "caller", "text": "Open on Friday?", "start_ms": 2000, "end_ms": 3000}, 3000, 2
            ),
        ],
    )
    answer = carrier.post("/twilio/after-stream")
    assert answer.verbs == ["Say", "Pause", "Connect", "Redirect"], "the recording goes on, it is not started again"
    snapshot = snapshot_of(answer.token)
    assert snapshot.generation == 1
    assert 30_000 <= snapshot.offset_ms < 40_000
    assert snapshot.history == [
        {"role": "assistant", "text": "Hello."},
        {"role": "user", "text": "Open on Friday?"},
    ]
    assert snapshot.greeting_text == "I am back."
    assert snapshot.source.startswith("media-1-")


def test_a_lost_stream_no_longer_holds_the_call(carrier, answered):
    from calls.snapshot import active_key
    from common.kv import redis_sync

    redis_sync().set(active_key(carrier.sid), "a process that is gone")
    carrier.post("/twilio/after-stream")
    assert redis_sync().get(active_key(carrier.sid)) is None


def test_streams_are_replaced_three_times_then_a_message_is_taken(carrier, answered):
    answers = [carrier.post("/twilio/after-stream") for _ in range(3)]
    assert all(answer.verbs[-2:] == ["Connect", "Redirect"] for answer in answers)
    assert snapshot_of(answers[-1].token).generation == 3
    assert snapshot_of(answers[0].token) is None
    waits = [int(answer.find("Pause").attrib["length"]) for answer in answers]
    assert waits == sorted(waits)
    assert sum(waits) >= 5, "a media process that restarts on the same machine is back within that time"
    assert carrier.post("/twilio/after-stream").verbs == ["Say", "Record", "Say", "Hangup"]
    assert carrier.post("/twilio/after-stream").verbs == ["Say", "Record", "Say", "Hangup"]


def test_after_the_end_of_the_call_there_is_no_next_stream(carrier, answered):
    carrier.status("completed", CallDuration="3")
    assert carrier.post("/twilio/after-stream").verbs == ["Hangup"]
    assert carrier.voice().verbs == ["Hangup"]
    assert not set_next_step(answered.pk, {"do": "hangup"})


def test_a_crash_after_the_stream_ends_at_voicemail(carrier, answered, monkeypatch):
    def crash(call_id):
        raise ZeroDivisionError

    monkeypatch.setattr(lifecycle, "step_after_stream", crash)
    answer = carrier.post("/twilio/after-stream")
    assert answer.status == 200
    assert answer.verbs == ["Say", "Record", "Say", "Hangup"]
    answered.refresh_from_db()
    assert answered.decision == "answer"


def test_after_stream_of_a_call_nobody_knows_takes_a_message(carrier):
    assert carrier.post("/twilio/after-stream").verbs == ["Say", "Record", "Say", "Hangup"]


def test_a_next_step_must_be_one_of_ours(answered):
    from common.errors import Invalid

    with pytest.raises(Invalid):
        set_next_step(answered.pk, {"do": "explode"})
