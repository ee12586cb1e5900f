"""Streams: what the media process needs is laid in Redis under a random token that works once and for a minute."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from calls import journal
from calls.models import Call
from calls.snapshot import STREAM_TOKEN_SECONDS, SessionSnapshot, active_key, stream_key
from common.clock import now
from common.crypto import random_token
from common.errors import Unavailable
from common.kv import redis_sync
from tenants.context import TenantInfo, require_tenant


@dataclass(slots=True, kw_only=True)
class SessionParts:
    """How the receptionist behaves on one call. Audio is 8 kHz mu-law; the fields mean what `SessionSnapshot`'s do."""

    instructions: str
    tools: list[dict[str, Any]] = field(default_factory=list)
    voice: str = ""
    language: str = "en"
    model: str = ""
    turn_detection: dict[str, Any] = field(default_factory=dict)
    greeting_text: str = ""
    greeting_ulaw: bytes = b""
    resume_text: str = ""
    """Spoken instead of the greeting when a lost stream is replaced; may stay empty."""
    resume_ulaw: bytes = b""
    max_seconds: int = 900
    idle_prompts: list[str] = field(default_factory=list)
    goodbye_text: str = ""
    sorry_ulaw: bytes = b""
    tool_timeout_s: float = 8.0
    fillers: list[str] = field(default_factory=list)


Builder = Callable[[Call, TenantInfo], SessionParts]
_builders: list[Builder] = []


def register_session_builder(fn: Builder) -> None:
    """Set who builds sessions; the last one registered counts."""
    _builders[:] = [fn]


def issue_stream(call: Call, resume: bool = False, *, starts_in_s: float = 0.0) -> str:
    """A fresh token for the next stream of `call`; every earlier token of the call stops working.

    With `resume` the session goes on where the journal ends, and a lost stream's hold on the call is released;
    `starts_in_s` is how long the caller is kept waiting before the stream begins.
    Raises `Unavailable` where no receptionist is installed.
    """
    if not _builders:
        raise Unavailable("no receptionist is installed")
    tenant = require_tenant()
    snapshot = _snapshot(call, tenant, _builders[0](call, tenant), resume, starts_in_s)
    token = random_token()
    redis = redis_sync()
    current = f"stream-token:{call.sid}"
    earlier = redis.getset(current, token)
    with redis.pipeline(transaction=True) as pipe:
        if earlier:
            pipe.delete(stream_key(earlier.decode() if isinstance(earlier, bytes) else str(earlier)))
        if resume:
            pipe.delete(active_key(call.sid))
        pipe.expire(current, STREAM_TOKEN_SECONDS)
        pipe.set(stream_key(token), snapshot.sealed(token), ex=STREAM_TOKEN_SECONDS)
        pipe.execute()
    return token


def _snapshot(call: Call, tenant: TenantInfo, parts: SessionParts, resume: bool, starts_in_s: float) -> SessionSnapshot:
    used_ms = 0
    history: list[dict[str, str]] = []
    if resume:
        begun = call.answered_at or call.started_at
        used_ms = max(0, int(((now() - begun).total_seconds() + starts_in_s) * 1000))
        history = [
            {"role": "user" if turn.role == "caller" else "assistant", "text": turn.text}
            for turn in journal.transcript(call.pk)
        ]
    return SessionSnapshot(
        schema=tenant.schema,
        call_id=str(call.pk),
        call_sid=call.sid,
        generation=call.stream_generation,
        # A repeated webhook opens a second stream of the same generation: each has its own count in the journal.
        source=f"media-{call.stream_generation}-{secrets.token_hex(4)}",
        offset_ms=used_ms,
        instructions=parts.instructions,
        tools=parts.tools,
        voice=parts.voice,
        language=parts.language,
        model=parts.model,
        turn_detection=parts.turn_detection,
        greeting_text=parts.resume_text if resume else parts.greeting_text,
        greeting_ulaw=parts.resume_ulaw if resume else parts.greeting_ulaw,
        history=history,
        max_seconds=parts.max_seconds,
        idle_prompts=parts.idle_prompts,
        goodbye_text=parts.goodbye_text,
        sorry_ulaw=parts.sorry_ulaw,
        tool_timeout_s=parts.tool_timeout_s,
        fillers=parts.fillers,
    )
