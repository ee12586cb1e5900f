"""The carrier's voice and its player: text or a file's URL to 8 kHz mu-law."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections import OrderedDict

import aiohttp
from yarl import URL

from carrier.settings import Settings
from carrier.webhooks import Webhooks, bare
from common.audio import RATE, read_wav, ulaw_encode
from common.errors import Invalid

log = logging.getLogger(__name__)

MAX_FILE_BYTES = 40 * 1024 * 1024
_CACHE_BYTES = 8 * 1024 * 1024
#: Voices of the speech endpoint; `<Say voice>` may name one of these, any other name means the default voice.
_VOICES = frozenset(
    {"alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse"}
)


class AudioError(Exception):
    """No audio could be had; the text says why."""


def _reason(error: Exception) -> str:
    # An `AudioError`'s text is our own; any other may quote a URL.
    return str(error) if isinstance(error, AudioError) else type(error).__name__


def decode_file(data: bytes, content_type: str) -> bytes:
    """A file's audio as mu-law: WAV (PCM or mu-law) or bare mu-law (``audio/basic``). Raises `AudioError`."""
    if data[:4] == b"RIFF":
        ulaw = _ulaw_wav(data)
        if ulaw is not None:
            return ulaw
        try:
            return ulaw_encode(read_wav(data).mono(RATE))
        except Invalid as error:
            raise AudioError(error.message) from None
    if content_type in {"audio/basic", "audio/x-mulaw", "audio/mulaw", "audio/pcmu", "application/octet-stream"}:
        return data
    raise AudioError("only WAV and mu-law files can be played")


def _ulaw_wav(data: bytes) -> bytes | None:
    """Samples of a WAV file in format 7 (mu-law), mono, 8 kHz, which the standard library does not read."""
    at, is_ulaw = 12, False
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if kind == b"fmt " and at + 16 <= len(data):
            is_ulaw = struct.unpack_from("<HHI", data, at + 8) == (7, 1, RATE)
        elif kind == b"data":
            return data[at + 8 : at + 8 + size] if is_ulaw else None
        at += 8 + size + size % 2
    return None


class Speech:
    """Renders `<Say>` and fetches `<Play>`. Sentences are kept, so that a repeated one is spoken at once."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, webhooks: Webhooks) -> None:
        self._settings = settings
        self._session = session
        self._webhooks = webhooks
        self._kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._kept_bytes = 0
        self._under_way: dict[tuple[str, str], asyncio.Task[bytes | None]] = {}

    async def say(self, text: str, voice: str = "") -> bytes | None:
        """`text` as audio; None, and a line in the log, when the speech endpoint fails."""
        key = self._key(text, voice)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        self.begin(text, voice)
        # One caller who hangs up must not take the sentence from another who waits for it.
        return await asyncio.shield(self._under_way[key])

    def begin(self, text: str, voice: str = "") -> None:
        """Start rendering what will be said next, so that there is no gap before it."""
        key = self._key(text, voice)
        if key not in self._kept and key not in self._under_way:
            task = asyncio.create_task(self._render_and_keep(key))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))

    def _key(self, text: str, voice: str) -> tuple[str, str]:
        return text, voice.lower() if voice.lower() in _VOICES else self._settings.speech_voice

    async def _render_and_keep(self, key: tuple[str, str]) -> bytes | None:
        try:
            async with asyncio.timeout(self._settings.speech_timeout):
                audio = await self._render(*key)
        except (AudioError, aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
            log.error("Speech could not be made, a tone is played", extra={"reason": _reason(error)})
            return None
        self._kept[key] = audio
        self._kept_bytes += len(audio)
        while self._kept_bytes > _CACHE_BYTES:
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= len(dropped)
        return audio

    async def _render(self, text: str, voice: str) -> bytes:
        request = {
            "model": self._settings.speech_model,
            "voice": voice,
            "input": text,
            "response_format": self._settings.speech_format,
        }
        headers = {"Authorization": f"Bearer {self._settings.speech_key}"}
        url = f"{self._settings.speech_url}/audio/speech"
        async with self._session.post(url, json=request, headers=headers) as response:
            if response.status != 200:
                raise AudioError(f"HTTP status {response.status}")
            data = await response.read()
        audio = decode_file(data, "audio/basic" if self._settings.speech_format == "pcmu" else "audio/wav")
        if not audio:
            raise AudioError("empty")
        return audio

    async def fetch(self, url: str) -> bytes | None:
        """The file at `url` as audio; None, and a line in the log, when it can't be had."""
        url = bare(url)
        headers = {"X-Twilio-Signature": self._webhooks.signature(url, {}), "User-Agent": "TwilioProxy/1.1"}
        try:
            async with asyncio.timeout(self._settings.webhook_timeout):
                async with self._session.get(URL(url, encoded=True), headers=headers) as response:
                    if response.status != 200:
                        raise AudioError(f"HTTP status {response.status}")
                    data = bytearray()
                    async for chunk in response.content.iter_chunked(1 << 16):
                        data += chunk
                        if len(data) > MAX_FILE_BYTES:
                            raise AudioError("the file is larger than 40 MB")
                    return decode_file(bytes(data), response.content_type)
        except (AudioError, aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
            log.error("A file could not be played, a tone is played", extra={"reason": _reason(error)})
            return None
