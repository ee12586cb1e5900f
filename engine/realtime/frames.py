"""Client events of the Realtime protocol (GA names), checked before anything acts on them.

Source of the shapes: OpenAI's published API description (``RealtimeClientEvent*``) and the `openai` package's types.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

#: A frame may hold 15 MB of audio (the protocol's limit), which base64 makes a third longer.
MAX_FRAME = 21 * 1024 * 1024
MAX_AUDIO = 15 * 1024 * 1024


class ClientError(Exception):
    """What a client did wrong; becomes an ``error`` event, and the session lives on."""

    def __init__(self, message: str, *, code: str, param: str | None = None, event_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.event_id = event_id


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Event(_Model):
    event_id: str | None = Field(default=None, max_length=512)


class InputText(_Model):
    """Typed words of the caller, or of the system."""

    type: Literal["input_text"]
    text: str = Field(max_length=200_000)


class InputAudio(_Model):
    """Spoken words of the caller, whole."""

    type: Literal["input_audio"]
    audio: str | None = None
    transcript: str | None = None


class OutputText(_Model):
    """What the assistant has written."""

    type: Literal["output_text"]
    text: str = Field(max_length=200_000)


class OutputAudio(_Model):
    """What the assistant has said; its sound is not kept."""

    type: Literal["output_audio"]
    audio: str | None = None
    transcript: str | None = None


class _Item(_Model):
    id: str | None = Field(default=None, min_length=1, max_length=64)
    object: Literal["realtime.item"] | None = None
    status: Literal["completed", "incomplete", "in_progress"] | None = None


class UserMessage(_Item):
    """A turn of the caller."""

    type: Literal["message"]
    role: Literal["user"]
    content: list[Annotated[InputText | InputAudio, Field(discriminator="type")]] = Field(min_length=1, max_length=64)


class AssistantMessage(_Item):
    """A turn of the assistant."""

    type: Literal["message"]
    role: Literal["assistant"]
    content: list[Annotated[OutputText | OutputAudio, Field(discriminator="type")]] = Field(min_length=1, max_length=64)
    phase: str | None = None


class SystemMessage(_Item):
    """A word to the model from whoever runs the conversation."""

    type: Literal["message"]
    role: Literal["system"]
    content: list[InputText] = Field(min_length=1, max_length=64)


class FunctionCall(_Item):
    """A tool call of the past."""

    type: Literal["function_call"]
    name: str
    call_id: str | None = None
    arguments: str


class FunctionCallOutput(_Item):
    """What a tool answered."""

    type: Literal["function_call_output"]
    call_id: str
    output: str = Field(max_length=500_000)


Message = Annotated[UserMessage | AssistantMessage | SystemMessage, Field(discriminator="role")]
Item = Annotated[Message | FunctionCall | FunctionCallOutput, Field(discriminator="type")]


class SessionUpdate(_Event):
    """Change the session; only what is named changes."""

    type: Literal["session.update"]
    session: dict[str, Any]


class Append(_Event):
    """More of the caller's audio, base64 in the session's input format."""

    type: Literal["input_audio_buffer.append"]
    audio: str


class Commit(_Event):
    """The audio so far is one turn."""

    type: Literal["input_audio_buffer.commit"]


class Clear(_Event):
    """Forget the audio so far."""

    type: Literal["input_audio_buffer.clear"]


class ItemCreate(_Event):
    """Put an item into the conversation."""

    type: Literal["conversation.item.create"]
    item: Item
    previous_item_id: str | None = None


class ItemDelete(_Event):
    """Take an item out of the conversation."""

    type: Literal["conversation.item.delete"]
    item_id: str


class ItemRetrieve(_Event):
    """Show an item as the server holds it."""

    type: Literal["conversation.item.retrieve"]
    item_id: str


class ItemTruncate(_Event):
    """The caller heard only this much of a spoken answer."""

    type: Literal["conversation.item.truncate"]
    item_id: str
    content_index: int = Field(ge=0)
    audio_end_ms: int = Field(ge=0)


class ResponseCreate(_Event):
    """Answer now."""

    type: Literal["response.create"]
    response: dict[str, Any] | None = None


class ResponseCancel(_Event):
    """Stop answering."""

    type: Literal["response.cancel"]
    response_id: str | None = None


class OutputClear(_Event):
    """WebRTC and SIP only: over a websocket the client holds the sound."""

    type: Literal["output_audio_buffer.clear"]


ClientEvent = (
    SessionUpdate
    | Append
    | Commit
    | Clear
    | ItemCreate
    | ItemDelete
    | ItemRetrieve
    | ItemTruncate
    | ResponseCreate
    | ResponseCancel
    | OutputClear
)
_ADAPTER: TypeAdapter[ClientEvent] = TypeAdapter(Annotated[ClientEvent, Field(discriminator="type")])


def explain(error: ValidationError, prefix: str = "", event_id: str | None = None) -> ClientError:
    """The first thing pydantic found wrong, in the protocol's words."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(part) for part in first["loc"] if not _is_tag(part))
    param = f"{prefix}{'.' if prefix and path else ''}{path}" or None
    kind = first["type"]
    if kind == "extra_forbidden":
        return ClientError(f"Unknown parameter: '{param}'.", code="unknown_parameter", param=param, event_id=event_id)
    if kind == "missing":
        message = f"Missing required parameter: '{param}'."
        return ClientError(message, code="missing_required_parameter", param=param, event_id=event_id)
    return ClientError(f"Invalid value: {first['msg']}.", code="invalid_value", param=param, event_id=event_id)


_TAGS = frozenset({"message", "user", "assistant", "system", "function_call", "function_call_output"})


def _is_tag(part: int | str) -> bool:
    # pydantic puts the chosen member of a union into the path.
    return isinstance(part, str) and (part in _TAGS or "." in part or "_audio_buffer" in part)


def parse(frame: str) -> ClientEvent:
    """One text frame as a client event. Raises `ClientError`."""
    if len(frame) > MAX_FRAME:
        raise ClientError("The event is too large.", code="event_too_large")
    try:
        data = json.loads(frame)
    except (ValueError, RecursionError):
        raise ClientError("The event is not valid JSON.", code="invalid_json") from None
    if not isinstance(data, dict):
        raise ClientError("The event must be a JSON object.", code="invalid_json")
    event_id = data.get("event_id")
    event_id = event_id if isinstance(event_id, str) and len(event_id) <= 512 else None
    kind = data.get("type")
    if not isinstance(kind, str):
        raise ClientError(
            "Missing required parameter: 'type'.", code="missing_required_parameter", param="type", event_id=event_id
        )
    try:
        return _ADAPTER.validate_python(data)
    except ValidationError as error:
        if (
            error.errors(include_url=False, include_input=False)[0]["type"] == "union_tag_invalid"
            and not error.errors(include_url=False, include_input=False)[0]["loc"]
        ):
            raise ClientError(
                f"Unknown event type: '{kind[:64]}'.", code="invalid_value", param="type", event_id=event_id
            ) from None
        raise explain(error, event_id=event_id) from None


def decode_audio(text: str, event_id: str | None, param: str = "audio") -> bytes:
    """Base64 audio of an event. Raises `ClientError`."""
    if len(text) > MAX_AUDIO * 4 // 3 + 4:
        raise ClientError("Audio is limited to 15 MB an event.", code="audio_too_large", param=param, event_id=event_id)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ClientError("Audio is not valid base64.", code="invalid_audio", param=param, event_id=event_id) from None
