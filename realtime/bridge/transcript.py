"""The conversation as text: what was heard of an answer, and what a new engine must know."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from realtime.bridge.protocol import openai

#: Items that a new engine session is given; far more than an ordinary call has.
_KEPT = 120
#: Id of the greeting's item in the conversation; ours, so that it can be taken back.
GREETING_ITEM = "deskbell_greeting"


def heard_text(text: str, heard_ms: float, total_ms: float) -> str:
    """The part of `text` that lies within `heard_ms` of `total_ms`, cut back to a whole word."""
    if total_ms <= 0 or heard_ms <= 0:
        return ""
    if heard_ms >= total_ms:
        return text
    cut = int(len(text) * heard_ms / total_ms)
    if cut >= len(text):
        return text
    if not text[cut].isspace():
        cut = max(text.rfind(" ", 0, cut + 1), 0)
    return text[:cut].rstrip()


@dataclass(frozen=True, slots=True)
class Said:
    """One turn of either side."""

    role: str
    text: str
    start_ms: float


@dataclass(frozen=True, slots=True)
class Used:
    """A tool call, and its answer once there is one."""

    call: openai.FunctionCall
    output: str
    start_ms: float


class Conversation:
    """What has been said so far, kept for the next engine."""

    __slots__ = ("_items",)

    def __init__(self) -> None:
        self._items: deque[Said | Used] = deque(maxlen=_KEPT)

    def said(self, role: str, text: str, start_ms: float) -> None:
        """A turn was heard: role `user` or `assistant`."""
        if text:
            self._items.append(Said(role, text, start_ms))

    def used(self, call: openai.FunctionCall, output: str, start_ms: float) -> None:
        """A tool was called and answered."""
        self._items.append(Used(call, output, start_ms))

    def _ordered(self) -> list[Said | Used]:
        # Recognition and playing out end in any order; what counts is when somebody began to speak.
        return sorted(self._items, key=lambda item: item.start_ms)

    def replay(self) -> list[bytes]:
        """Client events that tell a new engine session all of it."""
        events: list[bytes] = []
        for item in self._ordered():
            if isinstance(item, Said):
                events.append(openai.message(item.role, item.text))
            else:
                events.append(openai.called(item.call))
                events.append(openai.tool_output(item.call.call_id, item.output))
        return events
