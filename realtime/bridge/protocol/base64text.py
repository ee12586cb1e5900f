"""Base64 audio as it travels in JSON: checked and measured without decoding it."""

from __future__ import annotations

import base64

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
PADS = (b"", b"=", b"==")
#: Mu-law bytes in a millisecond at 8 kHz.
BYTES_PER_MS = 8
#: Mu-law bytes in one frame that the bridge sends of audio it holds itself: half a second.
CHUNK_BYTES = 4000


def is_base64(text: bytes) -> bool:
    """Whether `text` is non-empty canonical base64: alphabet, padding at the end alone, whole groups of four."""
    rest = text.translate(None, ALPHABET)
    return bool(text) and not len(text) & 3 and rest in PADS and text.endswith(rest)


def audio_ms(text: bytes) -> float:
    """Milliseconds of 8 kHz mu-law in `text`, which must be valid base64."""
    return ((len(text) >> 2) * 3 - text.count(b"=", -2)) / BYTES_PER_MS


def chunks(ulaw: bytes) -> list[bytes]:
    """`ulaw` as base64 pieces of half a second."""
    return [base64.b64encode(ulaw[i : i + CHUNK_BYTES]) for i in range(0, len(ulaw), CHUNK_BYTES)]
