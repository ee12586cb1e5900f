"""Reading the conversation so far."""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.house import phrases as say
from engine.house.dialogue import Called, Returned, Said, Turn
from engine.house.tools import Param, Tool

#: Said in between; what was asked before them is still open.
_ASIDE = frozenset({say.TAKE_TIME, say.MOMENT, say.STILL_THERE})


def last_said(turns: tuple[Turn, ...], role: str, *, asides: bool = True) -> str:
    """The latest words of `role`; without `asides` such as "take your time" are passed over."""
    for turn in reversed(turns):
        if isinstance(turn, Said) and turn.role == role and turn.text and (asides or turn.text not in _ASIDE):
            return turn.text
    return ""


def ends_with(text: str, question: str) -> bool:
    """Whether `text` ends with `question`."""
    return bool(question) and text.rstrip(" \"'").lower().endswith(question.rstrip(" \"'").lower())


def last_sentence(text: str) -> str:
    """The last sentence."""
    return re.split(r"(?<=[.!?])\s+", text.strip())[-1]


def asked(text: str, tools: tuple[Tool, ...]) -> tuple[Tool, Param] | None:
    """The parameter a spoken question asks for."""
    for tool in tools:
        for param in tool.required:
            if ends_with(text, param.ask):
                return tool, param
    return None


def in_a_row(turns: tuple[Turn, ...], fits: Callable[[str], bool]) -> int:
    """How many of our latest answers, one after the other, fit."""
    count = 0
    for turn in reversed(turns):
        if isinstance(turn, Said) and turn.role == "assistant" and turn.text:
            if not fits(turn.text):
                break
            count += 1
    return count


def since_last_words(turns: tuple[Turn, ...]) -> tuple[list[Called], list[Returned]]:
    """Tool calls and what they answered since anybody spoke."""
    called: list[Called] = []
    returned: list[Returned] = []
    for turn in reversed(turns):
        if isinstance(turn, Said):
            break
        if isinstance(turn, Called):
            called.insert(0, turn)
        else:
            returned.insert(0, turn)
    return called, returned
