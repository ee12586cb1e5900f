"""Which part of the bridge an engine's event concerns. Kinds that are not listed are of no use here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from common.errors import ProtocolError
from common.metrics import PROVIDER_ERRORS
from realtime.bridge.protocol import openai
from realtime.bridge.protocol.base64text import is_base64

if TYPE_CHECKING:
    from realtime.bridge.session import Bridge

Event = dict[str, Any]

#: Consequences of two sides talking at once; nothing is wrong.
_BENIGN = frozenset({"response_cancel_not_active", "input_audio_buffer_commit_empty", "item_truncate_invalid"})
#: This engine will not serve this session any more.
_FATAL = frozenset(
    {"session_expired", "invalid_api_key", "insufficient_quota", "model_not_found", "account_deactivated"}
)


def _odd_delta(b: Bridge, event: Event, data: bytes, now_ms: float) -> None:
    audio = openai.text(event, "delta").encode("ascii", "replace")
    if not is_base64(audio):
        raise ProtocolError("delta without base64")
    item = openai.text(event, "item_id").encode()
    b.mouth.audio(item, audio, data, now_ms)


def _transcript_delta(b: Bridge, event: Event, _data: bytes, now_ms: float) -> None:
    b.mouth.transcript(openai.text(event, "item_id"), openai.text(event, "delta"), final=False, now_ms=now_ms)


def _transcript_done(b: Bridge, event: Event, _data: bytes, now_ms: float) -> None:
    b.mouth.transcript(openai.text(event, "item_id"), openai.text(event, "transcript"), final=True, now_ms=now_ms)


def _arguments_done(b: Bridge, event: Event, _data: bytes, now_ms: float) -> None:
    call = openai.function_call(event)
    if call is not None and not b.turns.refused(openai.text(event, "response_id")):
        b.tools.call(call, now_ms)


def _item_done(b: Bridge, event: Event, _data: bytes, now_ms: float) -> None:
    item = openai.obj(event, "item")
    if item.get("type") == "function_call":
        call = openai.function_call(item)
        if call is not None and not b.turns.refused(openai.text(event, "response_id")):
            b.tools.call(call, now_ms)


def _transcription_failed(b: Bridge, event: Event, _data: bytes, now_ms: float) -> None:
    b.turns.recognition_failed(event)


def _error(b: Bridge, event: Event, _data: bytes, now_ms: float) -> None:
    error = openai.obj(event, "error")
    code = openai.text(error, "code") or openai.text(error, "type") or "unknown"
    if code in _BENIGN:
        return
    if code == "conversation_already_has_active_response":
        b.turns.has_active_response()
        return
    PROVIDER_ERRORS.labels("realtime", "server" if code in _FATAL else "invalid_request").inc()
    b.engine_error(code[:64])
    if code in _FATAL:
        b.line.lost("failed", now_ms)
    else:
        b.line.refused_event(openai.text(error, "event_id"), now_ms)


_Handler = Callable[["Bridge", Event, bytes, float], None]

_HANDLERS: dict[str, _Handler] = {
    "response.output_audio.delta": _odd_delta,
    "response.output_audio.done": lambda b, e, _, now: b.turns.audio_done(e, now),
    "response.output_audio_transcript.delta": _transcript_delta,
    "response.output_audio_transcript.done": _transcript_done,
    "response.created": lambda b, e, _, now: b.turns.response_created(e, now),
    "response.done": lambda b, e, _, now: b.turns.response_done(e, now),
    "response.function_call_arguments.done": _arguments_done,
    "response.output_item.done": _item_done,
    "input_audio_buffer.speech_started": lambda b, e, _, now: b.turns.speech_started(e, now),
    "input_audio_buffer.speech_stopped": lambda b, e, _, now: b.turns.speech_stopped(e, now),
    "input_audio_buffer.committed": lambda b, e, _, now: b.turns.committed(e, now),
    "conversation.item.input_audio_transcription.completed": lambda b, e, _, now: b.turns.recognised(e, now),
    "conversation.item.input_audio_transcription.failed": _transcription_failed,
    "error": _error,
}


def dispatch(bridge: Bridge, event: Event, data: bytes, now_ms: float) -> None:
    """Hand one parsed event to the part it concerns."""
    handler = _HANDLERS.get(event["type"])
    if handler is not None:
        handler(bridge, event, data, now_ms)
