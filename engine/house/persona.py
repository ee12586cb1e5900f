"""What the house model takes from free-text instructions: whose phone it answers, and sentences to say as they are."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BUSINESS = (
    re.compile(r"^\s*(?:business|company|practice|shop|name of the business)\s*(?:name)?\s*[:=]\s*[\"“]?([^\n\"”.]{2,80})", re.I | re.M),
    re.compile(r"\b(?:receptionist|assistant|agent|operator|answer(?:ing|s)? the (?:phone|telephone|calls?))\b[^.\n\"“]{0,40}?\b(?:of|for|at)\s+(?:the\s+)?[\"“]([^\"”\n]{2,80})[\"”]", re.I),
    re.compile(r"\b(?:[Rr]eceptionist|[Aa]ssistant|[Aa]gent|[Oo]perator|[Aa]nswer(?:ing|s)? the (?:phone|telephone|calls?))\b[^.\n]{0,40}?\b(?:of|for|at)\s+((?:[Tt]he\s+)?[A-ZÀ-Þ0-9][\w&'’-]*(?:\s+(?:[A-ZÀ-Þ0-9&][\w&'’-]*|of|and|the|de|la))*)"),
)  # fmt: skip
_GREETING = re.compile(r"\b(?:greet(?:ing)?|open)\b[^\"“\n]{0,60}[\"“]([^\"”]{3,300})[\"”]", re.I)
_SAY = re.compile(
    r"\b(?:say|speak|read(?: out)?|repeat|greet|tell the caller|respond with|answer with)\b[^\"“]{0,80}[\"“]([^\"”]{1,1000})[\"”]",
    re.I | re.S,
)


@dataclass(frozen=True, slots=True)
class Persona:
    """Empty strings where the instructions don't say."""

    business: str = ""
    greeting: str = ""

    @property
    def spoken_name(self) -> str:
        """As in "Hello, this is …"."""
        return self.business or "the automatic receptionist"

    @property
    def for_whom(self) -> str:
        """As in "I answer the phone …"."""
        return f"for {self.business}" if self.business else "here"


def read_persona(instructions: str) -> Persona:
    """Persona of a session; robust against any text."""
    text = instructions[:20_000]
    business = ""
    for pattern in _BUSINESS:
        found = pattern.search(text)
        if found:
            business = found.group(1).strip(" ,;:-")
            break
    greeting = _GREETING.search(text)
    return Persona(business, greeting.group(1).strip() if greeting else "")


def told_to_say(text: str) -> str:
    """The sentence that instructions of a single answer put into quotes after "say"; empty where there is none."""
    found = _SAY.search(text)
    return found.group(1).strip() if found else ""
