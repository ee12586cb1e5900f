"""Whether a process still answers: one that hangs holds its port and its calls, and nobody starts it again."""

from __future__ import annotations

import threading
import time

import httpx

#: Between two questions, in seconds.
EVERY_S = 1.0


class Pulse:
    """Asks `url` again and again; any answer is a sign of life.

    `silent()` turns true when none came for `patience` seconds, but not before the first one: who is starting is not
    hanging. Safe to ask from another thread.
    """

    def __init__(self, url: str, patience: float) -> None:
        self.url = url
        self.patience = patience
        self._last: float | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, name=f"pulse {url}", daemon=True)

    def start(self) -> Pulse:
        """Begin to ask."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ask no more; does not wait."""
        self._over.set()

    def forget(self) -> None:
        """What answered so far is gone, or could not be asked: begin anew."""
        self._last = None

    def silent(self) -> bool:
        """Whether the process has answered before and does no longer."""
        last = self._last
        return last is not None and time.monotonic() - last > self.patience

    def _ask(self) -> None:
        # One client for all questions: making one reads every certificate of the machine.
        with httpx.Client(timeout=self.patience / 2, trust_env=False) as client:
            while not self._over.wait(EVERY_S):
                began = time.monotonic()
                try:
                    client.get(self.url)
                except httpx.HTTPError:
                    continue
                self._last = began
