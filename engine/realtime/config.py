"""The session's settings: defaults, what a client may change, and how a change is merged.

Shapes and defaults: ``RealtimeSessionCreateRequestGA`` of OpenAI's published API description.
"""

from __future__ import annotations

import copy
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.realtime.frames import ClientError, explain

#: Ours, not OpenAI's 500: fourteen windows of 32 ms, what the prototypes were measured with.
SILENCE_MS = 450
DEFAULT_INSTRUCTIONS = "You are a friendly receptionist. Answer briefly."


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Pcmu(_Model):
    """G.711 mu-law, 8 kHz."""

    type: Literal["audio/pcmu"]


class Pcm(_Model):
    """16-bit little-endian PCM; 24 kHz is the only rate."""

    type: Literal["audio/pcm"]
    rate: Literal[24000] = 24000


Format = Annotated[Pcmu | Pcm, Field(discriminator="type")]


class ServerVad(_Model):
    """A turn ends after so much silence."""

    type: Literal["server_vad"]
    threshold: float = Field(default=0.5, ge=0, le=1, strict=False)
    prefix_padding_ms: int = Field(default=300, ge=0, le=5000)
    silence_duration_ms: int = Field(default=SILENCE_MS, ge=100, le=10_000)
    create_response: bool = True
    interrupt_response: bool = True
    idle_timeout_ms: int | None = Field(default=None, ge=1000, le=120_000)


class SemanticVad(_Model):
    """A turn ends when what was said seems finished; the silence waited for depends on `eagerness`."""

    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True


TurnDetection = Annotated[ServerVad | SemanticVad, Field(discriminator="type")]


class Transcription(_Model):
    """Whether the caller's words are sent to the client, and a hint for the recogniser."""

    model: str | None = None
    language: str | None = Field(default=None, max_length=16)
    prompt: str | None = Field(default=None, max_length=2000)
    delay: str | None = None
    languages: list[str] | None = None


class NoiseReduction(_Model):
    """Accepted for compatibility; telephone audio is taken as it is."""

    type: Literal["near_field", "far_field"]


class AudioInput(_Model):
    """How the client sends audio and when a turn ends."""

    format: Format = Pcm(type="audio/pcm")
    transcription: Transcription | None = None
    noise_reduction: NoiseReduction | None = None
    turn_detection: TurnDetection | None = ServerVad(type="server_vad")


class AudioOutput(_Model):
    """How the client wants to hear answers."""

    format: Format = Pcm(type="audio/pcm")
    voice: str | dict[str, Any] = "marin"
    speed: float = Field(default=1.0, ge=0.25, le=1.5, strict=False)


class Audio(_Model):
    """Both directions."""

    input: AudioInput = AudioInput()
    output: AudioOutput = AudioOutput()


class Tool(_Model):
    """A function the model may call."""

    type: Literal["function"]
    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    description: str | None = Field(default=None, max_length=20_000)
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class NamedTool(_Model):
    """The one tool that must be called."""

    type: Literal["function"]
    name: str


ToolChoice = Literal["auto", "none", "required"] | NamedTool
Modalities = list[Literal["audio", "text"]]
MaxTokens = Annotated[int, Field(ge=1, le=4096)] | Literal["inf"]


class SessionConfig(_Model):
    """The session a client talks to; a session of another type is refused."""

    type: Literal["realtime"] = "realtime"
    model: str | None = "deskbell-house"
    output_modalities: Annotated[Modalities, Field(min_length=1, max_length=1)] = ["audio"]
    instructions: str = Field(default=DEFAULT_INSTRUCTIONS, max_length=200_000)
    audio: Audio = Audio()
    tools: list[Tool] = Field(default=[], max_length=128)
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool | None = None
    max_output_tokens: MaxTokens = "inf"
    reasoning: dict[str, Any] | None = None
    truncation: str | dict[str, Any] | None = "auto"
    tracing: str | dict[str, Any] | None = None
    prompt: dict[str, Any] | None = None
    include: list[str] | None = None

    def public(self) -> dict[str, Any]:
        """JSON form without the settings nobody set; ``turn_detection`` alone says null for off."""
        data = self.model_dump(exclude_none=True)
        if self.audio.input.turn_detection is None:
            data["audio"]["input"]["turn_detection"] = None
        return data


class ResponseConfig(_Model):
    """What one ``response.create`` may set for itself."""

    conversation: Literal["auto", "none"] = "auto"
    output_modalities: Annotated[Modalities, Field(min_length=1, max_length=1)] | None = None
    instructions: str | None = Field(default=None, max_length=200_000)
    tools: list[Tool] | None = Field(default=None, max_length=128)
    tool_choice: ToolChoice | None = None
    max_output_tokens: MaxTokens | None = None
    metadata: dict[str, str] | None = Field(default=None, max_length=16)
    input: list[dict[str, Any]] | None = Field(default=None, max_length=256)
    audio: dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    reasoning: dict[str, Any] | None = None
    prompt: dict[str, Any] | None = None


# Replaced whole: half of one kind and half of another would make no sense.
_WHOLE = frozenset({"format", "tool_choice", "truncation", "tracing", "prompt", "voice"})


def _other_kind(key: str, value: dict[str, Any], known: dict[str, Any]) -> bool:
    return key == "turn_detection" and value.get("type", known.get("type")) != known.get("type")


def _merge(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        known = base.get(key)
        if (
            not isinstance(value, dict)
            or not isinstance(known, dict)
            or key in _WHOLE
            or _other_kind(key, value, known)
        ):
            merged[key] = copy.deepcopy(value)
        else:
            merged[key] = _merge(known, value)
    return merged


def update(config: SessionConfig, change: dict[str, Any], event_id: str | None, *, spoken: bool) -> SessionConfig:
    """`config` with `change` merged in. Raises `ClientError`; then nothing has changed.

    `spoken`: audio has been sent to the client already, so the voice may not change any more.
    """
    if change.get("type", "realtime") != "realtime":
        raise ClientError(
            "Only sessions of type 'realtime' are served.",
            code="invalid_value",
            param="session.type",
            event_id=event_id,
        )
    merged = _merge(config.model_dump(), change)
    for key in ("instructions", "tools", "tool_choice", "output_modalities", "max_output_tokens", "audio"):
        # null means "the default" where off makes no sense.
        if merged.get(key, 0) is None:
            del merged[key]
    try:
        new = SessionConfig.model_validate(merged)
    except ValidationError as error:
        raise explain(error, "session", event_id) from None
    if spoken and new.audio.output.voice != config.audio.output.voice:
        raise ClientError(
            "The voice can't change once audio was sent.",
            code="cannot_update_voice",
            param="session.audio.output.voice",
            event_id=event_id,
        )
    return new


def response_config(data: dict[str, Any] | None, event_id: str | None) -> ResponseConfig:
    """The settings of one response. Raises `ClientError`."""
    try:
        return ResponseConfig.model_validate(data or {})
    except ValidationError as error:
        raise explain(error, "response", event_id) from None


def choice_text(choice: ToolChoice) -> str:
    """A tool choice as the house model takes it."""
    return choice if isinstance(choice, str) else choice.name
