"""Addresses of the carrier's webhooks; they answer on any Host."""

from __future__ import annotations

from django.urls import path

from calls.webhooks import callbacks, prompts, voice

app_name = "twilio"

urlpatterns = [
    path("twilio/voice", voice.voice, name="voice"),
    path("twilio/voice-fallback", voice.voice_fallback, name="voice-fallback"),
    path("twilio/client", voice.client, name="client"),
    path("twilio/after-stream", voice.after_stream, name="after-stream"),
    path("twilio/after-record", voice.after_record, name="after-record"),
    path("twilio/status", callbacks.status, name="status"),
    path("twilio/recording", callbacks.recording, name="recording"),
    path("twilio/messages", callbacks.messages, name="messages"),
    path("twilio/prompts/<slug:name>.wav", prompts.prompt, name="prompt"),
]
