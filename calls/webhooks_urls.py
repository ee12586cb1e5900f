"""Addresses of the carrier's webhooks, below `twilio/`; they answer on any Host."""

from __future__ import annotations

from django.urls import path

from calls.webhooks import callbacks, voice

app_name = "twilio"

urlpatterns = [
    path("voice", voice.voice, name="voice"),
    path("voice-fallback", voice.voice_fallback, name="voice-fallback"),
    path("after-stream", voice.after_stream, name="after-stream"),
    path("after-record", voice.after_record, name="after-record"),
    path("status", callbacks.status, name="status"),
    path("recording", callbacks.recording, name="recording"),
    path("messages", callbacks.messages, name="messages"),
]
