"""What the media process needs to hold one call, as plain data (docs/seams.md, "calls").

`calls.sessions.issue_stream` lays a snapshot in Redis under the stream token; the media process takes it once
(GETDEL) and never asks the database before the caller hears the greeting. No Django in here.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from common.crypto import Unreadable, open_for_platform, seal_for_platform

STREAM_TOKEN_SECONDS = 60
"""How long an unused stream token lives."""

_BYTES = ("greeting_ulaw", "sorry_ulaw")


def stream_key(token: str) -> str:
    """The Redis key that holds the snapshot behind `token`."""
    return f"stream:{token}"


def active_key(call_sid: str) -> str:
    """The Redis key that is held while a call has a live stream (one active stream a call)."""
    return f"stream-active:{call_sid}"


@dataclass(slots=True)
class SessionSnapshot:
    """One stream of one call. Audio is 8 kHz mu-law; times are whole milliseconds unless the name says seconds."""

    schema: str
    """Schema of the tenant; the gateway enters it, nothing else does."""
    call_id: str
    """Call.id (uuid as text)."""
    call_sid: str
    """The carrier's CallSid; the token is bound to it."""
    generation: int = 0
    """0 for the first stream of a call, one more for each stream after a lost media process."""
    source: str = "media"
    """Journal source, another one for each stream, so that (call, source, seq) stays unique."""
    offset_ms: int = 0
    """Milliseconds of the call that earlier generations have used; added to every journal offset."""
    instructions: str = ""
    tools: list[dict[str, Any]] = field(default_factory=list)
    """Realtime function tools: {type: "function", name, description, parameters}."""
    voice: str = ""
    language: str = "en"
    model: str = ""
    """Realtime model; empty leaves it to the engine of the ladder."""
    turn_detection: dict[str, Any] = field(default_factory=dict)
    """`session.audio.input.turn_detection`; empty = {"type": "server_vad"}."""
    greeting_text: str = ""
    greeting_ulaw: bytes = b""
    history: list[dict[str, str]] = field(default_factory=list)
    """Turns of earlier generations: {role: "user" | "assistant", text}."""
    max_seconds: int = 900
    """Longest call, earlier generations included (`offset_ms` counts)."""
    idle_prompts: list[str] = field(default_factory=list)
    """What to say into a silent line, one after the other; after the last one the call ends."""
    goodbye_text: str = ""
    sorry_ulaw: bytes = b""
    """Spoken when no engine is left; then the call goes to voicemail."""
    tool_timeout_s: float = 8.0
    fillers: list[str] = field(default_factory=list)
    """Base64 mu-law, played while a tool takes longer than a moment."""

    def to_json(self) -> str:
        """JSON text for Redis; bytes travel as base64."""
        data = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        for name in _BYTES:
            data[name] = base64.b64encode(data[name]).decode("ascii")
        return json.dumps(data, separators=(",", ":"))

    def sealed(self, token: str) -> bytes:
        """What lies in Redis under `token`: encrypted, since Redis writes to disk and this may hold a transcript."""
        return seal_for_platform(self.to_json().encode(), stream_key(token))

    @classmethod
    def unseal(cls, stored: bytes, token: str) -> SessionSnapshot:
        """The snapshot `sealed` made for this token. Raises ValueError for anything else."""
        try:
            return cls.from_json(open_for_platform(stored, stream_key(token)))
        except Unreadable as error:
            raise ValueError("not a sealed snapshot") from error

    @classmethod
    def from_json(cls, text: str | bytes) -> SessionSnapshot:
        """The snapshot in `text`; names it does not know are left out, so that an older process can read a newer one.

        Raises ValueError when it is not a snapshot.
        """
        data = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError("a snapshot is a JSON object")
        known = {f.name for f in dataclasses.fields(cls)}
        values = {name: value for name, value in data.items() if name in known}
        try:
            for name in _BYTES:
                if name in values:
                    values[name] = base64.b64decode(values[name], validate=True)
            return cls(**values)
        except (TypeError, binascii.Error) as error:
            raise ValueError(f"not a snapshot: {error}") from error
