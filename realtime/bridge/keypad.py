"""Keys pressed during the conversation, passed to the engine as one typed message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from realtime.bridge.protocol import openai

if TYPE_CHECKING:
    from realtime.bridge.session import Bridge

_KEYS = frozenset("0123456789*#ABCD")
_MOST = 64


class Keypad:
    """Collects digits until a pause or `#`."""

    def __init__(self, bridge: Bridge) -> None:
        self._b = bridge
        self._digits = ""
        self._since_ms = 0.0

    def pressed(self, digit: str, now_ms: float) -> None:
        """One key. Like speech, it interrupts."""
        b = self._b
        if digit not in _KEYS or b.ending.begun:
            return
        if not self._digits:
            self._since_ms = now_ms
            b.turns.barge_in(now_ms)
        b.turns.last_activity_ms = now_ms
        self._digits = (self._digits + digit)[-_MOST:]
        if digit == "#":
            self._pass_on(now_ms)
        else:
            b.timers.set("keys", now_ms + b.limits.dtmf_ms, self._pass_on)

    def _pass_on(self, now_ms: float) -> None:
        b, digits = self._b, self._digits
        self._digits = ""
        b.timers.clear("keys")
        text = f"[keys] {digits}"
        if b.line.ready:
            b.line.send(openai.message("user", text))
        b.caller_turn("", text, self._since_ms, now_ms)
        b.turns.want_response("", now_ms)
