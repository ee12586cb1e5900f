"""A usable body for each operation of the API that takes one, and what the parts of an address name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.api.program import Filled

TEXT = {"title": "Dogs", "text": "Dogs may wait in the garden.", "kind": "text", "language": "en"}
BODIES: dict[str, Callable[[Filled], Any]] = {
    "POST /messages": lambda filled: {
        "call_id": str(filled.call.pk),
        "name": "Joe",
        "number": "+14155550123",
        "body": "Please call.",
        "urgency": "normal",
    },
    "PATCH /messages/{message_id}": lambda filled: {"done": True},
    "PATCH /voicemails/{voicemail_id}": lambda filled: {"heard": True},
    "POST /knowledge/documents": lambda filled: TEXT,
    "PUT /knowledge/documents/{document_id}": lambda filled: TEXT,
    "PUT /knowledge/faq": lambda filled: {"items": [{"q": "May dogs come?", "a": "Into the garden."}]},
    "POST /knowledge/ask": lambda filled: {"question": "What about Saturdays?"},
    "PATCH /receptionist": lambda filled: {
        "greeting": "Hello.",
        "goodbye": "Goodbye.",
        "idle_prompts": ["Hello?"],
        "voice": "marin",
        "guidance": ["Be kind."],
    },
    "PUT /receptionist/hours": lambda filled: {"mon": ["09:00-10:00"], "tue": ["09:00-10:00"]},
    "PUT /receptionist/holidays": lambda filled: {"items": [{"date": "01-02", "name": "x", "open": ["09:00-10:00"]}]},
    "PUT /receptionist/services": lambda filled: {"items": [{"name": "Advice", "price": 10.5, "minutes": 30}]},
}
#: Operations that read or only work with what is kept.
CHANGES_NOTHING = {"POST /knowledge/ask", "POST /knowledge/documents/{document_id}/reindex"}
IDS: dict[str, Callable[[Filled], Any]] = {
    "call_id": lambda filled: filled.call.pk,
    "recording_id": lambda filled: filled.recording.pk,
    "message_id": lambda filled: filled.message.pk,
    "voicemail_id": lambda filled: filled.voicemail.pk,
    "document_id": lambda filled: filled.document.pk,
}
