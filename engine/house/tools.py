"""Reading tools that were written for any model.

The conventions (``docs/seams.md``): a description's first sentence says what the tool does; ``Callers say: "…" | "…"``
gives examples; one tool says ``Use this for any other question.``; one says ``Offer this when you cannot help.``; a
required parameter's description ends with ``Ask: …?``. A tool without them still works: its name and first sentence
stand in for examples and its parameters' names for questions.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

Kind = Literal["name", "phone", "day", "time", "number", "yes_no", "choice", "text"]

_QUOTED = re.compile(r"[\"“]([^\"“”]+)[\"”]")
_CALLERS = re.compile(r"callers? (?:may |might |can )?says?:\s*((?:[\"“][^\"“”]+[\"”][\s|,;/or]*)+)", re.I)
_ASK = re.compile(r"\bask:\s*(.+?\?)", re.I | re.S)
_OFFER = re.compile(r"\boffer:\s*[\"“]?(.+?\?)", re.I | re.S)
_OTHER = re.compile(r"\bfor (?:any|all|every) other (?:question|request)s?\b", re.I)
_STANDS_IN = re.compile(r"stands in for:\s*((?:[\"“][^\"“”]+[\"”][\s|,;/or]*)+)", re.I)
_FIRST = re.compile(r"\bsay first:\s*[\"“]([^\"“”]+)[\"”]", re.I)
_CORRECTS = re.compile(r"\bagain to correct\b", re.I)
_FALLBACK = re.compile(r"\boffer this when(?:ever)? you (?:can ?not|can't) help\b", re.I)


@dataclass(frozen=True, slots=True)
class Param:
    """A tool's parameter."""

    name: str
    kind: Kind
    required: bool
    ask: str
    choices: tuple[str, ...] = ()
    integer: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as the house model understands it."""

    name: str
    summary: str
    examples: tuple[str, ...]
    other: bool
    fallback: bool
    offer: str
    params: tuple[Param, ...]
    #: Examples of wishes that are not quite what the tool does, and the sentence that owns up to it.
    stands_in: tuple[str, ...] = ()
    say_first: str = ""
    corrects: bool = False

    @property
    def ability(self) -> str:
        """What it does, as in "I can …"."""
        return _offer(self.summary, self.name).removeprefix("Would you like me to ").rstrip("?")

    @property
    def required(self) -> tuple[Param, ...]:
        """Parameters that must have a value."""
        return tuple(param for param in self.params if param.required)


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[_.-]+", " ", name).strip().lower()


def _kind(name: str, schema: dict[str, Any], description: str) -> Kind:
    if schema.get("enum"):
        return "choice"
    declared = schema.get("type")
    if declared == "boolean":
        return "yes_no"
    if declared in ("integer", "number"):
        return "number"
    words = _words(name)
    if (
        re.search(r"\b(phone|telephone|mobile|callback|call back|number)\b", words)
        or "phone number" in description.lower()
    ):
        return "phone"
    if re.search(r"\bname\b", words):
        return "name"
    if re.search(r"\b(day|date|weekday)\b", words):
        return "day"
    if re.search(r"\btime\b", words):
        return "time"
    return "text"


def _param(name: str, schema: dict[str, Any], required: bool) -> Param:
    description = str(schema.get("description") or "")
    asked = _ASK.search(description)
    ask = " ".join(asked.group(1).split()) if asked else f"What is the {_words(name)}?"
    choices = tuple(str(value) for value in schema.get("enum") or ())
    return Param(name, _kind(name, schema, description), required, ask, choices, schema.get("type") == "integer")


_THIRD_PERSON = ((r"(?<=[^aeiou])ies$", "y"), (r"(?<=(?:ch|sh|ss))es$", ""), (r"(?<=[xzo])es$", ""), (r"(?<!s)s$", ""))


def _base_form(verb: str) -> str:
    """The first verb of a description as one offers it: takes → take, passes → pass."""
    for pattern, replacement in _THIRD_PERSON:
        changed = re.sub(pattern, replacement, verb)
        if changed != verb:
            return changed
    return verb


def _offer(summary: str, name: str) -> str:
    sentence = re.split(r"[,;(–—]| and | so that | when | if | which ", summary.rstrip(". "))[0].strip()
    words = sentence.split() or _words(name).split()
    return f"Would you like me to {_base_form(words[0].lower())} {' '.join(words[1:])}".strip() + "?"


def _read(data: dict[str, Any]) -> Tool:
    name, description = str(data["name"]), str(data.get("description") or "")
    said = _CALLERS.search(description)
    examples = tuple(_QUOTED.findall(said.group(1))) if said else ()
    instead = _STANDS_IN.search(description)
    stands_in = tuple(_QUOTED.findall(instead.group(1))) if instead else ()
    first = _FIRST.search(description)
    summary = re.split(r"(?<=[.!?])\s|\n", description.strip())[0] or _words(name)
    offer = _OFFER.search(description)
    schema = data.get("parameters") or {}
    properties = schema.get("properties") or {}
    required = schema.get("required") or []
    params = tuple(
        _param(str(key), value if isinstance(value, dict) else {}, key in required) for key, value in properties.items()
    )
    other, fallback = bool(_OTHER.search(description)), bool(_FALLBACK.search(description))
    if not examples and not other:
        examples = (_words(name), summary)
    spoken_offer = " ".join(offer.group(1).split()) if offer else _offer(summary, name)
    return Tool(
        name,
        summary,
        (*examples, *stands_in),
        other,
        fallback,
        spoken_offer,
        params,
        stands_in,
        first.group(1) if first else "",
        bool(_CORRECTS.search(description)),
    )


@lru_cache(maxsize=256)
def _read_all(text: str) -> tuple[Tool, ...]:
    return tuple(_read(data) for data in json.loads(text))


def read_tools(tools: tuple[dict[str, Any], ...]) -> tuple[Tool, ...]:
    """The session's tools, understood; remembered, since every turn of a call brings the same."""
    return _read_all(json.dumps(tools))
