"""Collecting a tool's values over several turns of a conversation."""

from __future__ import annotations

from typing import Any

from engine.house import phrases as say
from engine.house.breath import is_about, message_left, only_introduces
from engine.house.dialogue import Called, Said, Turn
from engine.house.history import asked
from engine.house.tools import Param, Tool
from engine.house.values import answer, find, is_message, is_question

#: How often a question is asked before its answer is taken as it comes, or the matter is left.
PATIENCE = 2
LONGEST_GUESS = 80


def values_in(tool: Tool, text: str) -> dict[str, Any]:
    """Values of `tool` that a caller gives unasked."""
    values: dict[str, Any] = {}
    for param in tool.params:
        found = find(param, text)
        if is_message(param):
            # The message may come in one breath with the wish to leave it.
            found = message_left(text) if text else None
        if found is not None:
            values[param.name] = found
    return values


def collected(turns: tuple[Turn, ...], tool: Tool) -> dict[str, Any]:
    """Values of `tool` from the turn that asked for it up to the latest."""
    values: dict[str, Any] = {}
    question: Param | None = None
    times: dict[str, int] = {}
    for turn in turns[_chain_start(turns, tool) :]:
        if isinstance(turn, Said) and turn.role == "assistant":
            found = asked(turn.text, (tool,))
            if found:
                times[found[1].name] = times.get(found[1].name, 0) + 1
            question = found[1] if found else question if turn.text in (say.TAKE_TIME, say.STILL_THERE) else None
        elif isinstance(turn, Said) and turn.role == "user" and turn.text:
            patient = question is None or times.get(question.name, 0) < PATIENCE
            _take(tool, question, turn.text, values, patient=patient)
            question = None
    return values


def _take(tool: Tool, question: Param | None, text: str, values: dict[str, Any], *, patient: bool) -> None:
    aside = question is not None and question.kind != "text" and is_question(text)
    talk = say.small_talk(text)
    spoken_to_us = talk is not None and not (talk in ("language", "rude") and question and question.kind == "text")
    if aside or (spoken_to_us and (question is None or question.kind not in ("yes_no", "choice"))):
        return
    if question is None:
        values.update(values_in(tool, text))
        return
    if question.kind == "text" and only_introduces(text):
        # "No, my name is Meier": not the message but a correction of what was said before.
        values.update(values_in(tool, text))
        return
    message = next((param for param in tool.params if is_message(param)), None)
    if question.kind == "name" and message is not None and is_about(text):
        values[message.name] = message_left(text) or text
        return
    value = answer(question, text)
    if value is None and not patient and question.kind in ("name", "text"):
        value = text.strip()[:LONGEST_GUESS]  # not asked a third time: what was said will have to do
    if value is not None:
        values[question.name] = value
    for param in tool.params:
        if param is question or param.name in values:
            continue
        # The answer to "what is your message?" may name people: it is no longer about the caller's own name.
        if question.kind == "text" and param.kind != "phone":
            continue
        found = find(param, text)
        if found is not None:
            values[param.name] = found


def _chain_start(turns: tuple[Turn, ...], tool: Tool) -> int:
    """Where the collecting of `tool`'s values began: the caller's turn before its first question."""
    start = 0
    for index, turn in enumerate(turns):
        ended = isinstance(turn, Called) and turn.name == tool.name
        dropped = isinstance(turn, Said) and turn.role == "assistant" and turn.text.endswith(say.ANYTHING_ELSE)
        if ended or dropped:
            start = index + 1
    for index in range(start, len(turns)):
        turn = turns[index]
        if isinstance(turn, Said) and turn.role == "assistant" and asked(turn.text, (tool,)):
            return max(start, index - 1)
    return start
