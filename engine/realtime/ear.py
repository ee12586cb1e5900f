"""Listening: from the audio a client sends to the start, the pauses and the end of what the caller says.

Time is counted in audio, not on a clock: a client that sends faster than real time gets the same turns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from common.audio import Int16, ulaw_decode
from engine.parts.protocols import VoiceActivity
from engine.parts.vad import RATE as VAD_RATE
from engine.parts.vad import WINDOW, WINDOW_MS

#: Silence after which recognition is begun on the chance that the turn is over.
GUESS_MS = 120
MAX_TURN_S = 60
MAX_MANUAL_S = 600
_START_WINDOWS = 2
# Speech goes on down to a somewhat lower likelihood than it takes to begin.
_HYSTERESIS = 0.15
_KEEP_SILENCE_MS = 1000


@dataclass(frozen=True, slots=True)
class Started:
    """Speech began; `ms` is where its audio (with padding) begins in the stream."""

    ms: int


@dataclass(frozen=True, slots=True)
class Paused:
    """A short silence: the turn may be over. `audio` is the turn so far."""

    audio: Int16
    voiced_ms: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """The pause was none."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The turn is over; `ms` is its end in the stream."""

    audio: Int16
    voiced_ms: int
    ms: int


Heard = Started | Paused | Resumed | Stopped


def _windows(ms: int) -> int:
    return max(1, round(ms / WINDOW_MS))


# Low-pass for 24 kHz -> 8 kHz, good enough for voice activity; recognition gets the full rate.
_TAPS = np.hamming(25) * np.sinc((np.arange(25) - 12) / 3.2)
_TAPS = (_TAPS / _TAPS.sum()).astype(np.float32)


class Ear:
    """The caller's audio buffer with its turn detection."""

    def __init__(self, activity: VoiceActivity | None, *, ulaw: bool) -> None:
        self._activity = activity
        self.ulaw = ulaw
        self.rate = 8000 if ulaw else 24000
        self.threshold, self.prefix_ms, self.silence_ms = 0.5, 300, 450
        self.manual = False
        self._audio = bytearray()
        self._origin = 0
        self._windows = np.zeros(0, np.float32)
        self._taps = np.zeros(24, np.float32)
        self._phase = 0
        self._odd = b""
        self._scored = 0
        self._run = self._quiet = self._voiced = 0
        self._paused = False
        self._extra = 0
        self._start: int | None = None

    @property
    def total_ms(self) -> int:
        """Length of everything received so far."""
        return (self._origin + len(self._audio) // 2) * 1000 // self.rate

    @property
    def buffered_ms(self) -> int:
        """Length of what a commit would take."""
        return len(self._audio) // 2 * 1000 // self.rate

    @property
    def speaking(self) -> bool:
        """Whether the caller is in the middle of a turn."""
        return self._start is not None

    @property
    def speech_ms(self) -> int:
        """Length of the turn so far, 0 outside one."""
        return 0 if self._start is None else self.total_ms - self._start * 1000 // self.rate

    @property
    def voiced_ms(self) -> int:
        """Voice in the turn so far, 0 outside one."""
        return 0 if self._start is None else self._voiced * WINDOW_MS

    @property
    def behind(self) -> bool:
        """Whether `listen` has windows left to look at."""
        return not self.manual and self._windows.size >= WINDOW

    def append(self, data: bytes) -> bool:
        """Take bytes in the session's input format; False where a manual buffer is full."""
        if self.manual and self.buffered_ms > MAX_MANUAL_S * 1000:
            return False
        if self.ulaw:
            samples = ulaw_decode(data)
        else:
            data = self._odd + data
            self._odd = data[len(data) & ~1 :]
            samples = np.frombuffer(data[: len(data) & ~1], "<i2").astype(np.int16)
        self._audio += samples.tobytes()
        if not self.manual:
            self._windows = np.concatenate([self._windows, self._narrow(samples)])
        return True

    def _narrow(self, samples: Int16) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        scaled = samples.astype(np.float32) / 32768.0
        if self.ulaw:
            return scaled
        joined = np.concatenate([self._taps, scaled])
        self._taps = joined[-24:]
        if scaled.size == 0:
            return scaled
        filtered = np.convolve(joined, _TAPS, "valid")[self._phase :: 3]
        self._phase = (self._phase - scaled.size) % 3
        return filtered.astype(np.float32)

    def listen(self, limit: int = 64) -> list[Heard]:
        """What happened in the next `limit` windows (2 s) at most."""
        heard: list[Heard] = []
        for _ in range(limit):
            if not self.behind or self._activity is None:
                break
            window = np.ascontiguousarray(self._windows[:WINDOW])
            self._windows = self._windows[WINDOW:]
            self._scored += WINDOW
            self._window(self._activity.score(window), heard)
        self._forget()
        return heard

    def _window(self, likelihood: float, heard: list[Heard]) -> None:
        end = self._scored * self.rate // VAD_RATE
        if self._start is None:
            self._run = self._run + 1 if likelihood >= self.threshold else 0
            if self._run >= _START_WINDOWS:
                padded = end - (self._run * WINDOW_MS + self.prefix_ms) * self.rate // 1000
                self._start = max(self._origin, padded)
                self._quiet, self._voiced, self._paused, self._extra = 0, self._run, False, 0
                heard.append(Started(self._start * 1000 // self.rate))
            return
        if likelihood >= max(0.01, self.threshold - _HYSTERESIS):
            self._voiced += 1
            self._quiet = 0
            if self._paused:
                self._paused, self._extra = False, 0
                heard.append(Resumed())
        else:
            self._quiet += 1
            stop = _windows(self.silence_ms + self._extra)
            if not self._paused and self._quiet >= min(_windows(GUESS_MS), stop):
                self._paused = True
                heard.append(Paused(self._slice(self._start, end), self._voiced * WINDOW_MS))
            if self._quiet >= stop:
                heard.append(self._stop(end))
                return
        if (end - self._start) > MAX_TURN_S * self.rate:
            heard.append(self._stop(end))

    def turn_so_far(self) -> Int16:
        """The audio of the turn that is going on; nothing outside one."""
        end = self._scored * self.rate // VAD_RATE
        return self._slice(end if self._start is None else self._start, end)

    def wait_longer(self, ms: int) -> None:
        """What was said seems unfinished: let this pause last `ms` more."""
        self._extra = max(self._extra, ms)

    def _slice(self, start: int, end: int) -> Int16:
        at = (start - self._origin) * 2
        raw = bytes(self._audio[max(0, at) : (end - self._origin) * 2])
        return np.frombuffer(raw, np.int16)

    def _stop(self, end: int) -> Stopped:
        start = self._start if self._start is not None else self._origin
        stopped = Stopped(self._slice(start, end), self._voiced * WINDOW_MS, end * 1000 // self.rate)
        self._start, self._run, self._quiet, self._paused = None, 0, 0, False
        self._drop(end)
        return stopped

    def _drop(self, position: int) -> None:
        count = max(0, position - self._origin)
        del self._audio[: count * 2]
        self._origin += count

    def _forget(self) -> None:
        if self.manual or self._start is not None:
            return
        # Silence nobody will ask for: only what a coming turn's padding may need is kept.
        scored = self._scored * self.rate // VAD_RATE
        keep = (max(self.prefix_ms, 0) + _KEEP_SILENCE_MS) * self.rate // 1000
        self._drop(min(scored, self._origin + len(self._audio) // 2) - keep)

    def commit(self) -> Stopped:
        """End the turn here, whatever was heard."""
        end = self._origin + len(self._audio) // 2
        self._start = self._start if self._start is not None else self._origin
        voiced = self._voiced * WINDOW_MS if not self.manual else self.buffered_ms
        stopped = self._stop(end)
        self._catch_up(end)
        return Stopped(stopped.audio, voiced, stopped.ms)

    def clear(self) -> None:
        """Forget the buffer and the turn in it."""
        end = self._origin + len(self._audio) // 2
        self._start, self._run, self._quiet, self._paused = None, 0, 0, False
        self._drop(end)
        self._catch_up(end)

    def _catch_up(self, position: int) -> None:
        self._windows = np.zeros(0, np.float32)
        self._scored = position * VAD_RATE // self.rate
        self._run = self._voiced = 0

    def retune(self, *, ulaw: bool, manual: bool) -> None:
        """Take another input format or leave turns to the client; what was buffered is dropped on a new format."""
        if ulaw != self.ulaw:
            ms = self.total_ms
            self.ulaw, self.rate = ulaw, 8000 if ulaw else 24000
            self._audio.clear()
            self._origin, self._odd, self._phase = ms * self.rate // 1000, b"", 0
            self._taps = np.zeros(24, np.float32)
            self._start = None
            self._catch_up(self._origin)
        if manual != self.manual:
            self.manual = manual
            self._start = None
            self._catch_up(self._origin + len(self._audio) // 2)
