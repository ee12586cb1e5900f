"""Messages for the people of the business."""

from __future__ import annotations

import re

from pydantic import Field

from calls import journal
from calls.services import take_message
from common.errors import Invalid
from common.phone import e164, national
from receptionist.tools.base import Arguments, Context, Tool, ToolResult
from receptionist.urgency import is_urgent

_READ_BACK_CHARS = 200
ANYTHING_ELSE = "Is there anything else I can help you with?"


class TakeMessage(Arguments):
    """Who calls, what about, and where they can be reached if not on the number they call from."""

    name: str = Field(
        min_length=1, max_length=200, description="The caller's full name. Ask: May I have your name, please?"
    )
    message: str = Field(
        min_length=1,
        max_length=4000,
        description="What to pass on, in the caller's own words. Ask: What would you like me to tell them?",
    )
    number: str | None = Field(
        default=None,
        max_length=64,
        description="The number to call back, only if it is not the one they are calling from.",
    )


def _run(context: Context, arguments: TakeMessage) -> ToolResult:
    number = _usable(arguments.number) or _usable(context.call.caller)
    take_message(
        context.call.pk,
        name=arguments.name,
        number=number,
        body=arguments.message,
        urgency="urgent" if _urgent(context, arguments.message) else "normal",
    )
    said = arguments.message.rstrip(" .!?")
    parts = [f"Thank you, {arguments.name.rstrip(' .!?')}. I have taken your message"]
    parts[0] += f": {said}." if len(said) <= _READ_BACK_CHARS else "."
    if number:
        parts.append(f"We will call you back at {spoken_number(number)}.")
    else:
        parts.append("Your number was not shown to me, so please call again if you don't hear from us.")
    parts.append(ANYTHING_ELSE)
    return ToolResult(True, {"say": " ".join(parts), "number_known": bool(number)})


def _urgent(context: Context, message: str) -> bool:
    """Whether the message or anything the caller said before it sounds like an emergency."""
    return is_urgent(message) or any(
        turn.role == "caller" and is_urgent(turn.text) for turn in journal.transcript(context.call.pk)
    )


def _usable(number: str | None) -> str:
    """In E.164; empty for none and for what can't be a number, such as a withheld one."""
    try:
        return e164(number) if number else ""
    except Invalid:
        return ""


def spoken_number(number: str) -> str:
    """Digit by digit in the groups people write: "4 1 5, 5 5 5, 0 1 9 9"."""
    groups = re.findall(r"\d+", national(number))
    return ", ".join(" ".join(group) for group in groups)


TOOL = Tool(
    name="take_message",
    description=(
        "Takes a message for the team and has them call back. Offer this when you cannot help.\n"
        "Use it again to correct the name or number of a message just taken.\n"
        "Offer: Would you like to leave a message?\n"
        'Callers say: "I would like to leave a message" | "Can someone call me back?" | "Please tell them I called" | '
        '"Can you take a message for the doctor?" | "Could somebody look at it and call us back?" | "I have a message for the doctor" | '
        '"I am running late for my appointment" | "I am calling about my bill"\n'
        'Stands in for: "I want to speak to a person" | "Can I talk to the doctor?" | "Is the doctor there?" | '
        '"I would like to book an appointment" | "Can I make an appointment for next week?" | '
        '"I want to change my appointment" | "Put me through to somebody"\n'
        'Say first: "I can\'t put you through or book anything myself, but I can have somebody call you back."'
    ),
    arguments=TakeMessage,
    run=_run,
    per_call=5,
)
