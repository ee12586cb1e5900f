"""Writes what is heard on a line to a 16-bit 8 kHz WAV file, as Twilio hands recordings out."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from carrier.loudness import LOUD_RMS
from common.audio import FRAME_BYTES, RATE, Int16, ulaw_decode

#: Decoded and written together once a second: 50 frames.
_BATCH = 50
#: Silence left at both ends of a trimmed recording, in samples.
_MARGIN = RATE // 5


class Recorder:
    """A line's listener. `track` is ``inbound`` (the phone), ``outbound`` (the line) or ``both``.

    Both in two channels: left the phone, right the line; in one channel: mixed. Raises `OSError` when `path` can't be
    written.
    """

    def __init__(self, path: Path, channels: int, track: str) -> None:
        self._disk = path.open("wb")
        self._file = wave.open(self._disk, "wb")  # noqa: SIM115 - open as long as the recording lasts
        self._file.setnchannels(channels)
        self._file.setsampwidth(2)
        self._file.setframerate(RATE)
        self._channels, self._track = channels, track
        self._caller: list[bytes] = []
        self._played: list[bytes] = []
        self._frames = 0
        self._closed = False

    @property
    def seconds(self) -> float:
        """Length so far."""
        return self._frames * FRAME_BYTES / RATE

    def frame(self, caller: bytes, played: bytes) -> None:
        """Take in 20 ms of both directions."""
        if self._closed:
            return
        self._frames += 1
        self._caller.append(caller)
        self._played.append(played)
        if len(self._caller) >= _BATCH:
            self._write()

    def _write(self) -> None:
        caller, played = ulaw_decode(b"".join(self._caller)), ulaw_decode(b"".join(self._played))
        self._caller.clear()
        self._played.clear()
        if self._channels == 2:
            silent = np.zeros_like(caller)
            left = silent if self._track == "outbound" else caller
            right = silent if self._track == "inbound" else played
            samples = np.stack((left, right), axis=1)
        elif self._track == "both":
            samples = np.clip(caller.astype(np.int32) + played, -32768, 32767)
        else:
            samples = caller if self._track == "inbound" else played
        self._file.writeframesraw(np.ascontiguousarray(samples, dtype="<i2").tobytes())

    def close(self) -> None:
        """Finish the file; again is harmless."""
        if not self._closed:
            self._closed = True
            self._write()
            self._file.close()
            self._disk.close()


def trim_silence(path: Path) -> float:
    """Cut silence at both ends of a finished file; returns the seconds that are left. Blocking."""
    with wave.open(str(path)) as file:
        channels = file.getnchannels()
        samples: Int16 = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, channels)
    frames = len(samples) // FRAME_BYTES
    blocks = samples[: frames * FRAME_BYTES].reshape(frames, -1).astype(np.float32)
    loud = np.flatnonzero((blocks**2).mean(axis=1) > LOUD_RMS**2)
    if loud.size:
        start = max(0, int(loud[0]) * FRAME_BYTES - _MARGIN)
        end = (int(loud[-1]) + 1) * FRAME_BYTES + _MARGIN
        samples = samples[start:end]
        with wave.open(str(path), "wb") as out:
            out.setnchannels(channels)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes(np.ascontiguousarray(samples, dtype="<i2").tobytes())
    return len(samples) / RATE
