"""A caller who hangs up in the middle of leaving a message has still left it: what they said goes to the inbox."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from calls import journal
from calls.facts import Turn
from calls.followups import TryAgain
from calls.models import Call, CallEvent
from calls.services import take_message
from common.clock import now

#: The media process writes its last lines within this time of the call's end.
LATE = timedelta(seconds=30)
NOTE = "The caller hung up before the message was finished. They said:"

_NAME_ASKED = re.compile(r"\bname\b[^.?]*\?\s*$", re.I)
_MESSAGE_ASKED = re.compile(r"\b(?:message|pass on|tell them|let them know|calling about)\b[^.?]*\?\s*$", re.I)
_OFFERED = re.compile(
    r"\b(?:would you like to|do you want|shall i|should i|can i)\b[^.?]*\bmessage\b[^.?]*\?\s*$", re.I
)
_CLOSED = re.compile(r"\banything else\b[^.?]*\?\s*$", re.I)
_INTRODUCED = re.compile(r"^(?:(?:yes|sure|it's|this is|my name is|i'm|i am)\b[\s,]*)+", re.I)
_EMPTY = re.compile(
    r"^(?:\W|\b(?:yes|yeah|ok(?:ay)?|sure|please|thanks?|thank you|hello|hi|uh+|um+|no|never ?mind|forget it|"
    r"good ?bye|bye|one moment|hold on|wait|a second|"
    r"(?:i(?:'d| would)? (?:like|want|need) to|can i|could i|may i|can you|could you|would you) (?:please )?"
    r"(?:leave|take) a message|(?:can|could|may) i (?:speak|talk) (?:to|with) (?:a|the|your) \w+)\b)*$",
    re.I,
)


def keep(call_id: str, payload: dict[str, Any]) -> None:
    """Follow-up of every finished call; idempotent. Raises `TryAgain` while the journal may still be written."""
    call = Call.objects.filter(pk=call_id, ended_at__isnull=False).first()
    if call is None or call.ended_at is None:
        return
    stream = CallEvent.objects.filter(call=call, kind="stream").order_by("id").last()
    if stream is None:
        return
    if stream.data.get("state") != "ended" and now() - call.ended_at < LATE:
        raise TryAgain("journal is open")
    tools = CallEvent.objects.filter(call=call, kind="tool")
    taken = [event.offset_ms for event in tools if event.data.get("name") == "take_message" and event.data.get("ok")]
    found = unfinished(journal.transcript(call_id), max(taken, default=-1))
    if found is None:
        return
    name, said = found
    body = " ".join([NOTE, *(f"“{text}”" for text in said)])
    # The same words in one call are kept once, so running this again adds nothing.
    take_message(call_id, name=name, number="", body=body)


def unfinished(turns: list[Turn], taken_ms: int = -1) -> tuple[str, list[str]] | None:
    """Name and words of a message begun after `taken_ms` and never taken; None where nothing was left unsaid."""
    begun, name, before, asked = False, "", "", ""
    said: list[str] = []
    for turn in turns:
        if turn.start_ms < taken_ms:
            continue
        if turn.role == "receptionist":
            asked = turn.text
            if _CLOSED.search(asked):
                begun, name, said = False, "", []
            elif not _OFFERED.search(asked) and (_NAME_ASKED.search(asked) or _MESSAGE_ASKED.search(asked)):
                said = said if begun else [before]
                begun = True
            continue
        before = turn.text
        if begun and _NAME_ASKED.search(asked) and len(turn.text.split()) <= 6:
            name = _INTRODUCED.sub("", turn.text).strip(" .")
        elif begun:
            said.append(turn.text)
    said = [text for text in said if not _EMPTY.match(text.strip())]
    return (name, said) if begun and said else None
