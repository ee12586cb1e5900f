"""Sounds the carrier makes itself: beep, error tone, busy tone, keypad tones. All 8 kHz mu-law."""

from __future__ import annotations

from functools import cache

import numpy as np

from common.audio import RATE, ULAW_SILENCE, ulaw_encode

SILENT_FRAME = bytes([ULAW_SILENCE]) * 160
SILENT_SECOND = bytes([ULAW_SILENCE]) * RATE

#: ITU-T Q.23: row and column frequency of every key.
_ROWS = {697: "123A", 770: "456B", 852: "789C", 941: "*0#D"}
_COLUMNS = {1209: "147*", 1336: "2580", 1477: "369#", 1633: "ABCD"}


def tone(*hertz: int, ms: int, level: float = 0.25) -> bytes:
    """The given frequencies together; `level` is the sum's peak as a part of full scale."""
    time = np.arange(RATE * ms // 1000) / RATE
    wave = np.mean([np.sin(2 * np.pi * f * time) for f in hertz], axis=0)
    return ulaw_encode((wave * level * 32767).astype(np.int16))


@cache
def beep() -> bytes:
    """What `<Record>` plays before it listens."""
    return tone(1000, ms=400)


@cache
def error_tone() -> bytes:
    """What is heard where speech can't be made: the three rising notes of special information (ITU-T E.180)."""
    return tone(950, ms=330) + tone(1400, ms=330) + tone(1800, ms=330) + SILENT_SECOND[: RATE // 2]


def _hertz(table: dict[int, str], key: str) -> int:
    return next(hertz for hertz, keys in table.items() if key in keys)


@cache
def digit_tones(digits: str) -> bytes:
    """Keys (``0-9A-D*#``) as tones of 120 ms with 80 ms between; ``w`` is half a second of silence."""
    out = b""
    for digit in digits.upper():
        if digit == "W":
            out += SILENT_SECOND[: RATE // 2]
        else:
            out += tone(_hertz(_ROWS, digit), _hertz(_COLUMNS, digit), ms=120) + SILENT_SECOND[: RATE * 80 // 1000]
    return out
