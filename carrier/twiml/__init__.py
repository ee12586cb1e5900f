"""TwiML: `parse` turns a document into verbs; `model` says what they are."""

from __future__ import annotations

from carrier.twiml.model import (
    Connect,
    Gather,
    Hangup,
    Pause,
    Play,
    Record,
    Recording,
    Redirect,
    Reject,
    Say,
    Start,
    Stop,
    Stream,
    TwimlError,
    Verb,
)
from carrier.twiml.parser import MAX_BYTES, parse

__all__ = [
    "MAX_BYTES",
    "Connect",
    "Gather",
    "Hangup",
    "Pause",
    "Play",
    "Record",
    "Recording",
    "Redirect",
    "Reject",
    "Say",
    "Start",
    "Stop",
    "Stream",
    "TwimlError",
    "Verb",
    "parse",
]
