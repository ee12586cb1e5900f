"""Named deadlines of one call on one wake-up of the world outside."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

Action = Callable[[float], None]


class Timers:
    """Each name has at most one deadline; `wake_at` is asked for only when the earliest one moves forward."""

    __slots__ = ("_due", "_wake", "_wake_at")

    def __init__(self, wake_at: Callable[[float], None]) -> None:
        self._wake_at = wake_at
        self._wake = inf
        self._due: dict[str, tuple[float, Action]] = {}

    def set(self, name: str, at_ms: float, action: Action) -> None:
        """Run `action(now)` at `at_ms`, instead of what the name stood for before."""
        self._due[name] = (at_ms, action)
        if at_ms < self._wake:
            self._wake = at_ms
            self._wake_at(at_ms)

    def clear(self, name: str) -> None:
        """Forget a deadline, if there is one."""
        self._due.pop(name, None)

    def running(self, name: str) -> bool:
        """Whether the deadline is pending."""
        return name in self._due

    def clear_all(self) -> None:
        """Forget all deadlines."""
        self._due.clear()

    def run(self, now_ms: float) -> None:
        """Run what is due, earliest first, and ask for the next wake-up."""
        self._wake = inf
        for name, (at_ms, action) in sorted(self._due.items(), key=lambda item: item[1][0]):
            if at_ms <= now_ms and self._due.get(name) == (at_ms, action):
                del self._due[name]
                action(now_ms)
        next_ms = min((at for at, _ in self._due.values()), default=inf)
        if next_ms < self._wake:
            self._wake = next_ms
            self._wake_at(next_ms)
