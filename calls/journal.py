"""The journal: every fact of a call, written in batches by whoever saw it, and what can be read back from it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from calls.facts import JournalEvent, Turn
from calls.models import Call, CallEvent
from common.clock import now
from common.errors import NotFound
from common.events import publish_on_commit
from tenants.context import require_tenant

__all__ = ["JournalEvent", "Turn", "append", "caller_was_heard", "report", "transcript", "turns_of"]

_SPOKEN = ("greeting", "turn")
#: Kinds that change what an open page shows; telemetry does not.
_SHOWN = frozenset({*_SPOKEN, "stream", "tool", "citation", "engine", "next_step", "error"})


def append(call_id: UUID | str, source: str, events: list[JournalEvent]) -> None:
    """Write `events` of one writer; a batch or an event that was written before is left as it is.

    Raises `NotFound` when there is no such call in this tenant.
    """
    if not Call.objects.filter(pk=call_id).update(active_at=now()):
        raise NotFound("there is no such call")
    CallEvent.objects.bulk_create(
        [
            CallEvent(
                call_id=call_id,
                source=source,
                seq=event.seq,
                kind=event.kind,
                offset_ms=max(0, event.offset_ms),
                data=event.data,
            )
            for event in events
        ],
        ignore_conflicts=True,
    )
    if any(event.kind in _SHOWN for event in events):
        publish_on_commit(require_tenant().schema, "calls", {"type": "journal", "call": str(call_id)})


def transcript(call_id: UUID | str) -> list[Turn]:
    """What was said and heard, in the order of time, over all streams of the call."""
    return turns_of(_events(call_id, *_SPOKEN))


def caller_was_heard(call_id: UUID | str) -> bool:
    """Whether the caller said anything that was understood: a greeting alone is no conversation."""
    return any(turn.role == "caller" for turn in transcript(call_id))


def turns_of(events: list[CallEvent]) -> list[Turn]:
    """The turns among `events` of one call, in the order of time."""
    turns = [_turn(event) for event in _current([event for event in events if event.kind in _SPOKEN])]
    return sorted((turn for turn in turns if turn.text), key=lambda turn: turn.start_ms)


def report(sid: str) -> dict[str, Any]:
    """The call as `manage.py call` prints it. Raises `NotFound`."""
    call = Call.objects.filter(sid=sid).first()
    if call is None:
        raise NotFound("there is no such call")
    tools = _events(call.pk, "tool")
    citations = _events(call.pk, "citation")
    return {
        "call_sid": call.sid,
        "tenant": require_tenant().slug,
        "outcome": call.outcome,
        "seconds": call.seconds,
        "transcript": [
            {"role": turn.role, "text": turn.text, "start_ms": turn.start_ms, "end_ms": turn.end_ms}
            for turn in transcript(call.pk)
        ],
        "tools": [
            {
                "name": event.data.get("name", ""),
                "arguments": arguments_of(event.data),
                "ok": bool(event.data.get("ok")),
            }
            for event in tools
        ],
        "citations": [
            {"source": event.data.get("source", ""), "confidence": event.data.get("confidence", 0.0)}
            for event in citations
        ],
        "credits": call.credits,
    }


def arguments_of(data: dict[str, Any]) -> Any:
    """A tool's arguments as an object: engines write them as JSON text."""
    arguments = data.get("arguments", {})
    if isinstance(arguments, str):
        try:
            return json.loads(arguments)
        except ValueError:
            return arguments
    return arguments


def _events(call_id: UUID | str, *kinds: str) -> list[CallEvent]:
    return list(CallEvent.objects.filter(call_id=call_id, kind__in=kinds).order_by("offset_ms", "id"))


def _current(events: list[CallEvent]) -> list[CallEvent]:
    """A turn that was written again (cut short by the caller, say) counts as it was written last."""
    latest: dict[tuple[str, str], CallEvent] = {}
    for event in events:
        item = str(event.data.get("item_id") or f"#{event.seq}")
        key = (event.source, item)
        if key not in latest or latest[key].seq < event.seq:
            latest[key] = event
    return list(latest.values())


def _turn(event: CallEvent) -> Turn:
    data = event.data
    start = int(data.get("start_ms", event.offset_ms))
    return Turn(
        role="caller" if data.get("role") == "caller" else "receptionist",
        text=str(data.get("text", "")).strip(),
        start_ms=start,
        end_ms=max(start, int(data.get("end_ms", start))),
        interrupted=bool(data.get("interrupted", False)),
    )
