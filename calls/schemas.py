"""The API's types of the calls room."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from calls import journal
from calls.facts import Turn
from calls.models import Call, CallEvent, Message, Recording, Voicemail
from common.names import Name
from common.rest import Input, Moment, Paging, Text

OutcomeName = Literal["answered", "message_taken", "voicemail", "abandoned", "rejected", "failed", ""]
StatusName = Literal["queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"]
Urgency = Literal["low", "normal", "urgent"]


class CallFilters(Paging):
    """Which calls."""

    outcome: OutcomeName = Field(default="", description="How it ended; empty for every call")
    direction: Literal["inbound", "outbound", ""] = ""
    caller: Text = Field(default="", max_length=64, description="The caller's number, as it is written in a call")
    running: bool | None = Field(default=None, description="true: only calls with an open line; false: only ended ones")
    is_test: bool | None = Field(default=None, description="true: only test calls; false: only calls of real callers")
    started_after: Moment | None = Field(default=None, description="With time zone, such as 2026-11-20T09:00:00Z")
    started_before: Moment | None = None


class CallOut(Schema):
    """A call."""

    id: UUID
    sid: str = Field(description="The carrier's name of the call")
    direction: Literal["inbound", "outbound"]
    is_test: bool = Field(description="Whether the business placed it itself, to try its receptionist")
    caller: str = Field(description="Number of the caller; empty when withheld")
    callee: str
    status: StatusName
    outcome: OutcomeName = Field(description="How it ended; empty while nobody knows")
    decision: str = Field(description="Who the call was given to, such as `answer` or `voicemail`")
    decision_reason: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    seconds: int = Field(description="From the answer to the end, as the carrier counts it")
    credits: int = Field(description="What it cost")

    @classmethod
    def of(cls, call: Call) -> CallOut:
        """From the row."""
        return cls.model_validate(call)


class CallPage(Schema):
    """Calls, newest first."""

    items: list[CallOut]
    next: str | None = Field(description="Cursor of the next page; null at the end")


class TurnOut(Schema):
    """Something that was said and heard."""

    role: Literal["caller", "receptionist"]
    text: str
    start_ms: int = Field(description="Milliseconds of the call")
    end_ms: int
    interrupted: bool = Field(description="Whether the caller spoke into it")

    @classmethod
    def of(cls, turn: Turn) -> TurnOut:
        """From the journal's turn."""
        return cls.model_validate(turn)


class ToolOut(Schema):
    """Something the receptionist did."""

    name: str
    arguments: Any
    ok: bool
    at_ms: int


class CitationOut(Schema):
    """Where an answer came from."""

    question: str
    source: str
    confidence: float = Field(description="0 to 1")
    at_ms: int


class EventOut(Schema):
    """One fact of the journal: turns, tools and citations included."""

    kind: str = Field(examples=["turn"])
    at_ms: int
    data: dict[str, Any] = Field(description="Depends on the kind")


class RecordingOut(Schema):
    """A sound file; fetch it at `/recordings/{id}/audio` once it is `kept`."""

    id: UUID
    kind: Literal["call", "voicemail"]
    state: Literal["pending", "kept", "absent", "failed"]
    seconds: int
    size: int = Field(description="Bytes of the WAV file")
    created_at: datetime


class CallDetail(CallOut):
    """A call and all that is known of it."""

    transcript: list[TurnOut]
    tools: list[ToolOut]
    citations: list[CitationOut]
    timeline: list[EventOut]
    recordings: list[RecordingOut]
    messages: list[UUID] = Field(description="Messages that were taken")

    @classmethod
    def about(
        cls, call: Call, events: list[CallEvent], recordings: list[Recording], messages: list[Message]
    ) -> CallDetail:
        """From the rows."""
        return cls(
            **CallOut.of(call).model_dump(),
            transcript=[TurnOut.of(turn) for turn in journal.turns_of(events)],
            tools=[_tool(event) for event in events if event.kind == "tool"],
            citations=[_citation(event) for event in events if event.kind == "citation"],
            timeline=[EventOut(kind=event.kind, at_ms=event.offset_ms, data=event.data) for event in events],
            recordings=[RecordingOut.model_validate(recording) for recording in recordings],
            messages=[message.pk for message in messages],
        )


def _tool(event: CallEvent) -> ToolOut:
    return ToolOut(
        name=str(event.data.get("name", "")),
        arguments=journal.arguments_of(event.data),
        ok=bool(event.data.get("ok")),
        at_ms=event.offset_ms,
    )


def _citation(event: CallEvent) -> CitationOut:
    return CitationOut(
        question=str(event.data.get("question", "")),
        source=str(event.data.get("source", "")),
        confidence=float(event.data.get("confidence", 0.0)),
        at_ms=event.offset_ms,
    )


class MessageFilters(Paging):
    """Which messages."""

    done: bool | None = Field(default=None, description="true: only those that are done; false: only open ones")


class MessageIn(Input):
    """A message to keep with a call."""

    call_id: UUID = Field(description="The call it belongs to")
    name: Name = Field(default="", max_length=200, description="Who left it")
    number: Text = Field(default="", max_length=64, description="Where to ring back; empty for the caller's number")
    body: Text = Field(min_length=1, max_length=4000)
    urgency: Urgency = "normal"


class MessageChange(Input):
    """What can be changed of a message."""

    done: bool = Field(description="Whether somebody has seen to it")


class MessageOut(Schema):
    """A message the receptionist took."""

    id: UUID
    call_id: UUID
    name: str
    number: str
    body: str
    urgency: Urgency
    created_at: datetime
    done_at: datetime | None = Field(description="When somebody had seen to it")

    @classmethod
    def of(cls, message: Message) -> MessageOut:
        """From the row."""
        return cls.model_validate(message)


class MessagePage(Schema):
    """Messages, newest first."""

    items: list[MessageOut]
    next: str | None = Field(description="Cursor of the next page; null at the end")


class VoicemailFilters(Paging):
    """Which voicemails."""

    heard: bool | None = Field(default=None, description="true: only those somebody listened to; false: only new ones")


class VoicemailChange(Input):
    """What can be changed of a voicemail."""

    heard: bool = Field(description="Whether somebody listened to it")


class VoicemailOut(Schema):
    """A message somebody spoke; its sound is at `/voicemails/{id}/audio`."""

    id: UUID
    call_id: UUID
    transcript: str
    transcription: Literal["pending", "done", "failed"]
    recording: RecordingOut
    created_at: datetime
    heard_at: datetime | None

    @classmethod
    def of(cls, voicemail: Voicemail) -> VoicemailOut:
        """From the row."""
        return cls.model_validate(voicemail)


class VoicemailPage(Schema):
    """Voicemails, newest first."""

    items: list[VoicemailOut]
    next: str | None = Field(description="Cursor of the next page; null at the end")
