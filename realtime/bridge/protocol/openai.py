"""OpenAI Realtime events, current names (`audio/pcmu`, `response.output_audio.*`).

`audio_delta` finds the audio of the common event by slicing; `parse` reads everything else. Builders return bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from common.errors import ProtocolError
from realtime.bridge.protocol.base64text import is_base64

#: A whole answer in one delta: two minutes of audio are 1.3 MB of base64.
MAX_EVENT_BYTES = 4 * 1024 * 1024

APPEND_HEAD = b'{"type":"input_audio_buffer.append","audio":"'
APPEND_TAIL = b'"}'

#: Beginning of an audio delta in the usual spelling.
DELTA_HEAD = b'{"type":"response.output_audio.delta"'
_DELTA = b'"type":"response.output_audio.delta"'
_DELTA_SPACED = b'"type": "response.output_audio.delta"'


def _value(data: bytes, compact: bytes, spaced: bytes) -> bytes | None:
    start = data.find(compact)
    if start >= 0:
        start += len(compact)
    else:
        start = data.find(spaced)
        if start < 0:
            return None
        start += len(spaced)
    end = data.find(b'"', start)
    return data[start:end] if end >= 0 else None


def audio_delta(data: bytes) -> tuple[bytes, bytes] | None:
    """(item id, base64 audio) of a `response.output_audio.delta`; None sends the event to `parse`."""
    if data.find(_DELTA, 0, 160) < 0 and data.find(_DELTA_SPACED, 0, 160) < 0:
        return None
    if len(data) > MAX_EVENT_BYTES or not data.endswith(b"}"):
        return None
    audio = _value(data, b'"delta":"', b'"delta": "')
    if audio is None or not is_base64(audio):
        return None
    return _value(data, b'"item_id":"', b'"item_id": "') or b"", audio


def response_id(data: bytes) -> str:
    """The response an audio delta belongs to; empty when it names none."""
    return (_value(data, b'"response_id":"', b'"response_id": "') or b"").decode("utf-8", "replace")


def parse(data: bytes) -> dict[str, Any]:
    """Any event of the engine. Raises ProtocolError when it is oversized, not JSON or has no type."""
    if len(data) > MAX_EVENT_BYTES:
        raise ProtocolError("oversized event")
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        raise ProtocolError("not JSON") from None
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise ProtocolError("no type")
    return event


def text(event: dict[str, Any], name: str) -> str:
    """The text field `name`, empty when absent or of another type."""
    value = event.get(name)
    return value if isinstance(value, str) else ""


def number(event: dict[str, Any], name: str) -> float | None:
    """The number field `name`, None when absent or of another type."""
    value = event.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def obj(event: dict[str, Any], name: str) -> dict[str, Any]:
    """The object field `name`, empty when absent or of another type."""
    value = event.get(name)
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A finished call of a tool, as the model wrote it."""

    call_id: str
    name: str
    arguments: str


def function_call(item: dict[str, Any]) -> FunctionCall | None:
    """The call in a `function_call` item or `…arguments.done` event; None when it isn't one, or not usable."""
    call_id, name = text(item, "call_id"), text(item, "name")
    return FunctionCall(call_id, name, text(item, "arguments") or "{}") if call_id and name else None


def function_calls(event: dict[str, Any]) -> list[FunctionCall]:
    """All finished calls in a `response.done`."""
    output = obj(event, "response").get("output")
    items = [i for i in output if isinstance(i, dict)] if isinstance(output, list) else []
    found = [function_call(i) for i in items if i.get("type") == "function_call"]
    return [call for call in found if call is not None]


def _event(**fields: Any) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """What `session.update` says."""

    instructions: str
    tools: list[dict[str, Any]]
    turn_detection: dict[str, Any]
    transcription_model: str = ""
    language: str = ""
    voice: str = ""


def session_update(config: SessionConfig, event_id: str) -> bytes:
    """Configure the session for telephone audio both ways; the formats are named each time (peers' item 31)."""
    transcription: dict[str, Any] = {}
    if config.transcription_model:
        transcription["model"] = config.transcription_model
    if config.language:
        transcription["language"] = config.language.split("-")[0]
    output: dict[str, Any] = {"format": {"type": "audio/pcmu"}}
    if config.voice:
        output["voice"] = config.voice
    session = {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": config.instructions,
        "audio": {
            "input": {
                "format": {"type": "audio/pcmu"},
                "transcription": transcription,
                "turn_detection": config.turn_detection or {"type": "server_vad"},
            },
            "output": output,
        },
        "tools": config.tools,
        "tool_choice": "auto",
    }
    return _event(type="session.update", event_id=event_id, session=session)


def message(role: str, content: str, item_id: str = "", after: str = "") -> bytes:
    """A turn for the conversation: role `user` or `assistant`; `after` is the item before it, "root" for the first."""
    kind = "input_text" if role == "user" else "output_text"
    item: dict[str, Any] = {"type": "message", "role": role, "content": [{"type": kind, "text": content}]}
    if item_id:
        item["id"] = item_id
    place = {"previous_item_id": after} if after else {}
    return _event(type="conversation.item.create", item=item, **place)


def called(call: FunctionCall) -> bytes:
    """A function call of an earlier session, for a new one."""
    item = {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}
    return _event(type="conversation.item.create", item=item)


def tool_output(call_id: str, output: str) -> bytes:
    """What a tool answered."""
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    return _event(type="conversation.item.create", item=item)


def delete_item(item_id: str) -> bytes:
    """Take an item out of the conversation."""
    return _event(type="conversation.item.delete", item_id=item_id)


def truncate(item_id: str, audio_end_ms: int) -> bytes:
    """Cut an answer to what was heard; an end beyond the audio that exists is an error at the engine."""
    return _event(type="conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=audio_end_ms)


def response_create(instructions: str = "") -> bytes:
    """Ask for an answer, with instructions for this one alone if given."""
    if not instructions:
        return b'{"type":"response.create"}'
    return _event(type="response.create", response={"instructions": instructions})


def say_exactly(sentence: str) -> str:
    """Instructions for an answer that consists of one given sentence."""
    return f'Say exactly: "{sentence}"'


RESPONSE_CANCEL = b'{"type":"response.cancel"}'
