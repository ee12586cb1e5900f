"""Ending the call."""

from __future__ import annotations

from receptionist import selectors
from receptionist.tools.base import Arguments, Context, Tool, ToolResult


class EndCall(Arguments):
    """Nothing to say."""


def _run(context: Context, arguments: EndCall) -> ToolResult:
    return ToolResult(True, {"say": selectors.persona(context.tenant).goodbye}, action="hangup")


TOOL = Tool(
    name="end_call",
    description=(
        "Ends the call after the goodbye.\n"
        'Callers say: "Goodbye" | "That is all, thank you" | "Bye bye" | "No, that was everything" | "Have a nice day"'
    ),
    arguments=EndCall,
    run=_run,
)
