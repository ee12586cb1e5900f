"""Reading what a tool answered."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

MAX_SPOKEN = 600

_DECLINED = frozenset({"decline", "declined", "not_found", "unknown", "unanswered"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """`say` is fit to be spoken; `declined`: the tool could not help."""

    say: str
    declined: bool


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{str(key).replace('_', ' ')}: {_plain(item)}" for key, item in value.items())
    return "" if value is None else str(value)


def _render(data: Any) -> str:
    """A plain reading of JSON for a tool that has no sentence of its own."""
    if not isinstance(data, dict):
        return _plain(data)
    parts = [f"{str(key).replace('_', ' ')}: {_plain(value)}" for key, value in data.items() if _plain(value)]
    text = ". ".join(part[:1].upper() + part[1:] for part in parts)
    return f"{text}." if text else ""


def _cut(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    if len(text) <= MAX_SPOKEN:
        return text
    return text[:MAX_SPOKEN].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def read_outcome(output: str) -> Outcome:
    """The outcome in a tool's output, JSON or plain text."""
    try:
        data: Any = json.loads(output)
    except (ValueError, RecursionError):
        return Outcome(_cut(output), False)
    if not isinstance(data, dict):
        return Outcome(_cut(_plain(data)), False)
    said = data.get("say")
    failed = data.get("ok") is False or bool(data.get("error"))
    words = {str(data.get(key, "")).lower() for key in ("decision", "status", "outcome", "result")}
    declined = failed or data.get("declined") is True or bool(words & _DECLINED)
    if isinstance(said, str) and said.strip():
        return Outcome(said.strip(), declined)
    if failed:
        return Outcome("I am sorry, that did not work.", True)
    shown = {key: value for key, value in data.items() if key not in ("ok", "say", "declined", "decision", "status")}
    return Outcome(_cut(_render(shown)), declined)
