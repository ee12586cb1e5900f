"""Tool sets for the house model: Deskbell's own in its own words, and one of a quite different business."""

from __future__ import annotations

from typing import Any


def tool(
    name: str, description: str, required: list[str] | None = None, /, **properties: dict[str, Any]
) -> dict[str, Any]:
    """A function tool."""
    parameters = {"type": "object", "properties": properties, "required": required or []}
    return {"type": "function", "name": name, "description": description, "parameters": parameters}


DENTAL: tuple[dict[str, Any], ...] = (
    tool(
        "business_hours",
        "Tells when the business is open.\n"
        'Callers say: "What are your opening hours?" | "Are you open on Saturday?" | "When do you close today?" | '
        '"How late are you open?"',
        day={"type": "string", "description": "Day the caller asks about, if they name one."},
    ),
    tool(
        "answer_question",
        "Answers a question about the business from its own documents. Use this for any other question.",
        ["question"],
        question={"type": "string", "description": "The caller's question. Ask: What would you like to know?"},
    ),
    tool(
        "take_message",
        "Takes a message for the team. Offer this when you cannot help.\n"
        'Callers say: "I would like to leave a message" | "Can you tell them I called?" | '
        '"Please have someone call me back"',
        ["name", "message"],
        name={"type": "string", "description": "The caller's name. Ask: May I have your name?"},
        number={"type": "string", "description": "Number to call back, if given."},
        message={"type": "string", "description": "What to pass on. Ask: What is your message?"},
    ),
    tool(
        "end_call",
        'Ends the call. Callers say: "Goodbye" | "That is all, thank you" | "You can hang up now"',
    ),
)

RESTAURANT: tuple[dict[str, Any], ...] = (
    tool(
        "book_table",
        'Books a table. Callers say: "I would like to book a table" | "Can I make a reservation for four people?" | '
        '"Do you have a table free tonight?"',
        ["day", "time", "people", "name"],
        day={"type": "string", "description": "The day. Ask: For which day?"},
        time={"type": "string", "description": "The time. Ask: At what time?"},
        people={"type": "integer", "description": "How many. Ask: For how many people?"},
        name={"type": "string", "description": "Name of the booking. Ask: Under what name?"},
    ),
    tool(
        "order_status",
        'Looks an order up. Callers say: "Where is my order?" | "Has my delivery left yet?"',
        ["order_number"],
        order_number={"type": "integer", "description": "The order. Ask: What is your order number?"},
    ),
    tool(
        "transfer_to_staff",
        "Connects the caller with a colleague. "
        'Callers say: "Can I talk to a person?" | "Put me through to the kitchen"',
    ),
    tool("hang_up", 'Hangs up. Callers say: "Bye" | "That\'s everything"'),
)
