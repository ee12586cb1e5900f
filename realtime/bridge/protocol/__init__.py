"""Frames of the two protocols the bridge speaks: Twilio Media Streams and OpenAI Realtime. Pure functions on bytes."""

from __future__ import annotations
