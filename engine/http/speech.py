"""``POST /v1/audio/speech`` and ``POST /v1/audio/transcriptions``."""

from __future__ import annotations

import asyncio
import io
import zlib
from functools import partial
from typing import Any, Literal

import numpy as np
from aiohttp import BodyPartReader, web
from faster_whisper.audio import decode_audio
from pydantic import BaseModel, ConfigDict, Field

from common.audio import Int16, read_wav, resample, ulaw_encode, write_wav
from common.errors import Invalid
from engine import clauses
from engine.http.errors import ApiProblem, hub_of, read_json
from engine.parts.hub import Hub
from engine.parts.protocols import Segment
from engine.parts.whisper import LANGUAGES, RATE, chunks
from engine.parts.workers import Priority

PCM_RATE = 24000
MAX_FILE = 25 * 1024 * 1024
MAX_AUDIO_S = 2 * 3600
#: Shorter pieces than a live turn's, so that segments have useful times and live turns need not wait long.
PIECE_S = 15.0

_CONTENT_TYPES = {"wav": "audio/wav", "pcm": "audio/pcm", "pcmu": "audio/basic"}


class SpeechRequest(BaseModel):
    """Body of ``/v1/audio/speech``. Any model and voice name is taken: there is one voice."""

    model_config = ConfigDict(extra="ignore")

    input: str = Field(min_length=1, max_length=4096)
    model: str = ""
    voice: Any = None
    response_format: str = "wav"
    speed: float = Field(default=1.0, ge=0.25, le=4.0)
    stream_format: Literal["audio"] = "audio"


async def speech(request: web.Request) -> web.Response:
    """Text spoken: WAV or raw PCM at 24 kHz, or (ours) raw mu-law at 8 kHz as ``pcmu``."""
    hub = hub_of(request)
    wanted = await read_json(request, SpeechRequest)
    if wanted.response_format not in _CONTENT_TYPES:
        supported = ", ".join(_CONTENT_TYPES)
        message = f"response_format '{wanted.response_format[:16]}' is not served; use one of {supported}."
        raise ApiProblem(400, message, code="unsupported_value", param="response_format")
    rate = 8000 if wanted.response_format == "pcmu" else PCM_RATE
    parts: list[Int16] = []
    pieces = clauses.split(wanted.input)
    for index, piece in enumerate(pieces):
        samples = await hub.speaking.run(partial(_spoken, hub, piece, wanted.speed, rate))
        parts.append(samples)
        if index + 1 < len(pieces):
            parts.append(np.zeros(clauses.gap_ms(piece) * rate // 1000, np.int16))
    audio = np.concatenate(parts) if parts else np.zeros(0, np.int16)
    if wanted.response_format == "pcmu":
        body = ulaw_encode(audio)
    else:
        body = write_wav(audio, rate) if wanted.response_format == "wav" else audio.astype("<i2").tobytes()
    return web.Response(body=body, content_type=_CONTENT_TYPES[wanted.response_format])


def _spoken(hub: Hub, text: str, speed: float, rate: int) -> Int16:
    clip = hub.synthesizer.synthesise(text, speed=min(speed, 1.5))
    return resample(clip.samples, clip.rate, rate)


def _samples(data: bytes) -> Int16:
    try:
        return read_wav(data).mono(RATE)
    except Invalid:
        pass
    try:
        decoded = decode_audio(io.BytesIO(data), sampling_rate=RATE)
    except Exception:  # PyAV raises a class of its own for every way a file can be broken
        message = "The audio file could not be decoded or its format is not supported."
        raise ApiProblem(400, message, code="invalid_file", param="file") from None
    return np.asarray(np.clip(decoded, -1.0, 1.0) * 32767.0, dtype=np.int16)


async def _fields(request: web.Request) -> tuple[bytes, dict[str, str]]:
    if not request.content_type.startswith("multipart/"):
        raise ApiProblem(400, "The request must be multipart/form-data.", code="invalid_request")
    file: bytes | None = None
    fields: dict[str, str] = {}
    try:
        reader = await request.multipart()
        async for part in reader:
            if not isinstance(part, BodyPartReader) or part.name is None:
                continue
            data = bytearray()
            while chunk := await part.read_chunk(1 << 16):
                data += chunk
                if len(data) > MAX_FILE:
                    raise ApiProblem(413, "Maximum content size limit exceeded (25 MB).", param="file")
            if part.name == "file":
                file = bytes(data)
            else:
                fields[part.name] = data.decode("utf-8", "replace")[:4096]
    except (ValueError, AssertionError):
        raise ApiProblem(400, "The multipart body is malformed.", code="invalid_request") from None
    if file is None:
        raise ApiProblem(400, "Missing required parameter: 'file'.", code="missing_required_parameter", param="file")
    return file, fields


async def transcriptions(request: web.Request) -> web.Response:
    """An audio file's words as ``json``, ``verbose_json`` (with segments) or ``text``."""
    hub = hub_of(request)
    file, fields = await _fields(request)
    shape = fields.get("response_format", "json")
    if shape not in ("json", "verbose_json", "text"):
        message = f"response_format '{shape[:16]}' is not served; use json, verbose_json or text."
        raise ApiProblem(400, message, code="unsupported_value", param="response_format")
    language = fields.get("language") or None
    if language is not None and language not in LANGUAGES:
        raise ApiProblem(400, "Unknown language; use an ISO-639-1 code.", code="invalid_language", param="language")
    prompt = fields.get("prompt", "")
    samples = await asyncio.to_thread(_samples, file)
    seconds = samples.size / RATE
    if seconds > MAX_AUDIO_S:
        raise ApiProblem(400, "Audio is limited to two hours.", code="audio_too_long", param="file")
    found: list[Segment] = []
    for start, piece in chunks(samples, PIECE_S):
        heard = await hub.hearing.run(
            partial(hub.recognizer.recognise, piece, RATE, language=language, prompt=prompt),
            Priority.REQUEST,
        )
        if heard.text:
            language = heard.language
        found += [
            Segment(start + s.start, start + s.end, s.text, s.tokens, s.logprob, s.no_speech) for s in heard.segments
        ]
    text = " ".join(segment.text for segment in found)
    if shape == "text":
        return web.Response(text=text + "\n")
    usage = {"type": "duration", "seconds": round(seconds)}
    if shape == "json":
        return web.json_response({"text": text, "usage": usage})
    body = {
        "task": "transcribe",
        "language": language or "en",
        "duration": round(seconds, 2),
        "text": text,
        "segments": [_segment(index, segment) for index, segment in enumerate(found)],
        "usage": usage,
    }
    return web.json_response(body)


def _segment(index: int, segment: Segment) -> dict[str, Any]:
    raw = segment.text.encode() or b" "
    return {
        "id": index,
        "seek": round(segment.start * 100),
        "start": round(segment.start, 2),
        "end": round(segment.end, 2),
        "text": segment.text,
        "tokens": list(segment.tokens),
        "temperature": 0.0,
        "avg_logprob": round(segment.logprob, 4),
        "compression_ratio": round(len(raw) / len(zlib.compress(raw)), 3),
        "no_speech_prob": round(segment.no_speech, 4),
    }
