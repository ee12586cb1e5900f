"""Reads of the calls room for pages. Every function runs inside the tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator

from calls import journal
from calls.facts import Turn
from calls.models import Call, CallEvent, FollowUp, Message, Recording, Voicemail
from common.errors import NotFound

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool the receptionist used."""

    name: str
    arguments: Any
    ok: bool
    offset_ms: int


@dataclass(frozen=True, slots=True)
class CallPage:
    """Everything the page of one call shows."""

    call: Call
    turns: list[Turn]
    tools: list[Tool]
    events: list[CallEvent]
    recordings: list[Recording]
    messages: list[Message]
    open_work: list[FollowUp]


def list_calls(*, page: int = 1) -> Page[Call]:
    """Calls, newest first."""
    return Paginator(Call.objects.all(), PAGE_SIZE).get_page(page)


def list_voicemails(*, page: int = 1) -> Page[Voicemail]:
    """Voicemails with their calls and recordings, newest first."""
    return Paginator(Voicemail.objects.select_related("call", "recording"), PAGE_SIZE).get_page(page)


def list_messages(*, page: int = 1) -> Page[Message]:
    """Messages with their calls, newest first."""
    return Paginator(Message.objects.select_related("call"), PAGE_SIZE).get_page(page)


def call_page(call_id: UUID) -> CallPage:
    """One call with all that is known of it. Raises `NotFound`."""
    call = Call.objects.filter(pk=call_id).first()
    if call is None:
        raise NotFound("there is no such call")
    events = list(CallEvent.objects.filter(call=call).order_by("offset_ms", "id"))
    return CallPage(
        call=call,
        turns=journal.turns_of(events),
        tools=[
            Tool(e.data.get("name", ""), journal.arguments_of(e.data), bool(e.data.get("ok")), e.offset_ms)
            for e in events
            if e.kind == "tool"
        ],
        events=events,
        recordings=list(Recording.objects.filter(call=call).select_related("voicemail")),
        messages=list(Message.objects.filter(call=call)),
        open_work=list(FollowUp.objects.filter(call=call).exclude(state=FollowUp.State.DONE)),
    )


def kept_recording(recording_id: UUID) -> Recording:
    """A recording whose audio is here. Raises `NotFound`."""
    recording = Recording.objects.filter(pk=recording_id, state=Recording.State.KEPT).first()
    if recording is None:
        raise NotFound("there is no such recording")
    return recording
