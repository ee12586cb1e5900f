"""Webhooks of the carrier."""

from __future__ import annotations

from tests.hostile.registry import Hook, register

_RECORDED = {"RecordingSid": "RE" + "b" * 32, "RecordingUrl": "http://carrier.example/r", "RecordingDuration": "9"}

register(
    Hook("root:twilio/voice"),
    Hook("root:twilio/voice-fallback", {"ErrorCode": "11200"}),
    Hook("root:twilio/client", {"ticket": "x", "From": "client:x"}),
    Hook("root:twilio/after-stream"),
    Hook("root:twilio/after-record", _RECORDED),
    Hook("root:twilio/status", {"CallStatus": "completed", "CallDuration": "9"}),
    Hook("root:twilio/recording", _RECORDED),
    Hook("root:twilio/messages", {"Body": "hello", "MessageSid": "SM" + "1" * 32}),
)
