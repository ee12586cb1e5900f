"""What the receptionist can do on a call, in plain words for the people of the business."""

from __future__ import annotations

import re
from dataclasses import dataclass

from receptionist.tools.runner import TOOLS

_NAMES = {
    "business_hours": ("clock", "Opening hours"),
    "answer_question": ("book-open", "Questions about the business"),
    "take_message": ("message-square", "Messages and call-backs"),
    "end_call": ("phone-off", "Saying goodbye"),
}
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Ability:
    """One tool: its icon and name, what it does, and what callers say to get it."""

    icon: str
    title: str
    text: str
    examples: list[str]


def abilities() -> list[Ability]:
    """Every tool of a call, in the order the receptionist knows them."""
    found = []
    for tool in TOOLS.values():
        icon, title = _NAMES.get(tool.name, ("wrench", tool.name.replace("_", " ").capitalize()))
        text = tool.description.partition("\n")[0].partition(". ")[0].rstrip(".") + "."
        examples = re.findall(r'"([^"]+)"', tool.description.partition("Callers say:")[2])[:_EXAMPLES]
        found.append(Ability(icon, title, text, examples))
    return found
