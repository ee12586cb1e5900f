"""Tools beside the audio path: a time limit, a filler while the caller waits, one response for all calls."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.metrics import DROPPED, TOOL_SECONDS, TOOLS
from realtime.bridge.ports import ToolOutcome
from realtime.bridge.protocol import openai
from realtime.bridge.protocol.openai import FunctionCall

if TYPE_CHECKING:
    from realtime.bridge.session import Bridge

_MAX_ARGUMENTS = 16 * 1024
_SLOW = "I'm sorry, I can't look that up just now."


def _failure(code: str) -> ToolOutcome:
    return ToolOutcome(ok=False, output=json.dumps({"error": code, "say": _SLOW}))


@dataclass(slots=True)
class _Running:
    call: FunctionCall
    since_ms: float


class Tools:
    """The calls of one conversation. Answers that come behind their time limit are dropped."""

    def __init__(self, bridge: Bridge) -> None:
        self._b = bridge
        self._running: dict[str, _Running] = {}
        self._seen: set[str] = set()
        self._answers = 0
        """Outputs the engine has been given and not been asked to speak about."""

    @property
    def busy(self) -> bool:
        """Whether a tool runs."""
        return bool(self._running)

    def call(self, call: FunctionCall, now_ms: float) -> None:
        """The engine wants a tool run; the same call is reported up to three times and run once."""
        if call.call_id in self._seen or len(self._seen) > 2 * self._b.limits.tool_calls:
            return
        self._seen.add(call.call_id)
        limits = self._b.limits
        self._running[call.call_id] = _Running(call, now_ms)
        if len(self._seen) > limits.tool_calls or len(call.arguments) > _MAX_ARGUMENTS:
            DROPPED.labels("tool_calls").inc()
            self._answer(call.call_id, _failure("refused"), now_ms)
            return
        self._b.timers.set("filler", now_ms + limits.filler_ms, self._fill)
        self._b.timers.set(
            f"tool {call.call_id}",
            now_ms + self._b.snapshot.tool_timeout_s * 1000.0,
            lambda at: self._answer(call.call_id, _failure("timeout"), at),
        )
        self._b.effects.run_tool(call.call_id, call.name, call.arguments)

    def _fill(self, now_ms: float) -> None:
        if self._running:
            self._b.timers.set("filler", self._b.mouth.filler(now_ms), self._fill)

    def done(self, call_id: str, outcome: ToolOutcome, now_ms: float) -> None:
        """A tool has answered."""
        self._answer(call_id, outcome, now_ms)

    def _answer(self, call_id: str, outcome: ToolOutcome, now_ms: float) -> None:
        running = self._running.pop(call_id, None)
        if running is None:
            return
        b, call = self._b, running.call
        b.timers.clear(f"tool {call_id}")
        took = now_ms - running.since_ms
        name = call.name if any(tool.get("name") == call.name for tool in b.snapshot.tools) else "unknown"
        TOOLS.labels(name, str(outcome.ok).lower()).inc()
        TOOL_SECONDS.labels(name).observe(took / 1000.0)
        b.tool_used(call, outcome, took)
        b.conversation.used(call, outcome.output, running.since_ms)
        if b.line.ready:
            b.line.send(openai.tool_output(call_id, outcome.output))
        self._answers += 1
        if outcome.action == "hangup":
            b.ending.after_answer({"do": "hangup"}, now_ms)
        elif outcome.action == "voicemail":
            b.ending.after_answer({"do": "voicemail", "reason": "receptionist"}, now_ms)
        self.ask(now_ms)

    def ask(self, now_ms: float) -> None:
        """Have the engine speak, once all calls of its answer are answered."""
        if self._answers and not self._running:
            self._answers = 0
            self._b.timers.clear("filler")
            if not self._b.turns.caller_speaking:
                self._b.turns.want_response("", now_ms)
