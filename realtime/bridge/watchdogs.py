"""What must not go on for ever: silence, the call itself, a flood of frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from realtime.bridge.protocol import openai

if TYPE_CHECKING:
    from realtime.bridge.session import Bridge

_EVERY_MS = 1000.0
_BURST_SECONDS = 5


class Watchdogs:
    """One look a second at a live call."""

    def __init__(self, bridge: Bridge) -> None:
        self._b = bridge
        self._prompts = 0
        bridge.budget = bridge.limits.frames_per_second * _BURST_SECONDS

    def start(self, now_ms: float) -> None:
        """The call is live."""
        snapshot = self._b.snapshot
        left = max(1000.0, snapshot.max_seconds * 1000.0 - snapshot.offset_ms)
        self._b.timers.set("longest", now_ms + left, self._too_long)
        self._b.timers.set("second", now_ms + _EVERY_MS, self._second)

    def heard_caller(self) -> None:
        """The caller is there: the ladder of prompts begins anew."""
        self._prompts = 0

    def _too_long(self, now_ms: float) -> None:
        self._b.ending.goodbye({"do": "hangup"}, self._b.snapshot.goodbye_text, now_ms)

    def _second(self, now_ms: float) -> None:
        self._b.timers.set("second", now_ms + _EVERY_MS, self._second)
        b = self._b
        rate = b.limits.frames_per_second
        b.budget = min(max(b.budget, 0) + rate, rate * _BURST_SECONDS)
        self._silence(now_ms)

    def _silence(self, now_ms: float) -> None:
        b = self._b
        if b.ending.begun or b.tools.busy or not b.line.ready or not b.turns.quiet(now_ms):
            return
        prompts, limits = b.snapshot.idle_prompts, b.limits
        since = max(b.turns.last_activity_ms, b.mouth.playout.done_ms(), b.started_ms)
        if now_ms - since < (limits.idle_ms if prompts else limits.mute_idle_ms):
            return
        b.turns.last_activity_ms = now_ms
        if self._prompts < len(prompts):
            b.turns.want_response(openai.say_exactly(prompts[self._prompts]), now_ms)
            self._prompts += 1
        else:
            b.ending.goodbye({"do": "hangup"}, b.snapshot.goodbye_text, now_ms)
