"""What `/twilio/after-stream` does when the caller is no longer there."""

from __future__ import annotations

import pytest

from calls.models import Call
from common.kv import redis_sync


@pytest.mark.parametrize("status", ["completed", "busy", "failed", "no-answer", "canceled"])
def test_a_caller_who_hung_up_gets_no_second_stream(carrier, status):
    carrier.voice()
    call = Call.objects.get()
    answer = carrier.post("/twilio/after-stream", CallStatus=status)
    assert "<Hangup" in answer.text
    assert "<Stream" not in answer.text
    call.refresh_from_db()
    assert call.stream_generation == 0


def test_a_session_in_redis_can_not_be_read_without_the_platforms_key(carrier, tenant):
    answer = carrier.voice()
    assert "<Stream" in answer.text
    stored = [redis_sync().get(key) for key in redis_sync().scan_iter("stream:*")]
    assert stored
    for raw in stored:
        assert b"instructions" not in raw
        assert b"schema" not in raw
