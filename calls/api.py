"""The API of the calls room: calls, their sound, messages and voicemails."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router
from ninja.responses import Status

from calls import schemas, selectors
from calls.audio import wav_response
from calls.models import Call, CallEvent, Message, Recording, Voicemail
from calls.services import take_message
from calls.services.inbox import set_done
from common.errors import NotFound
from common.rest import page_of
from tenants.rest import ApiRequest, key, once

router = Router()

_BINARY = {"type": "string", "format": "binary"}
#: Sound is answered as it is, and in parts: ninja knows neither.
AUDIO: dict[str, Any] = {
    "parameters": [
        {
            "in": "header",
            "name": "Range",
            "required": False,
            "schema": {"type": "string"},
            "description": "A part of the file, such as `bytes=0-65535`",
        }
    ],
    "responses": {
        200: {"description": "The WAV file", "content": {"audio/wav": {"schema": _BINARY}}},
        206: {"description": "The part that was asked for", "content": {"audio/wav": {"schema": _BINARY}}},
        410: {"description": "The sound is not here any more"},
        416: {"description": "The file has no such part"},
    },
}


@router.get("/calls", response=schemas.CallPage, auth=key("calls:read"), tags=["Calls"], summary="List calls")
def list_calls(request: ApiRequest, filters: Query[schemas.CallFilters]) -> schemas.CallPage:
    """Calls, newest first, running ones included."""
    wanted = {
        "outcome": filters.outcome,
        "direction": filters.direction,
        "caller": filters.caller,
        "started_at__gt": filters.started_after,
        "started_at__lt": filters.started_before,
    }
    rows = Call.objects.filter(**{name: value for name, value in wanted.items() if value})
    if filters.running is not None:
        rows = rows.filter(ended_at__isnull=filters.running)
    if filters.is_test is not None:
        rows = rows.filter(is_test=filters.is_test)
    found, following = page_of(rows, filters, by="started_at")
    return schemas.CallPage(items=[schemas.CallOut.of(call) for call in found], next=following)


@router.get(
    "/calls/{call_id}", response=schemas.CallDetail, auth=key("calls:read"), tags=["Calls"], summary="Read a call"
)
def read_call(request: ApiRequest, call_id: UUID) -> schemas.CallDetail:
    """What was said and done, where answers came from, what is kept, and what it cost. Grows while the call runs."""
    call = Call.objects.filter(pk=call_id).first()
    if call is None:
        raise NotFound("there is no such call")
    return schemas.CallDetail.about(
        call,
        list(CallEvent.objects.filter(call=call).order_by("offset_ms", "id")),
        list(Recording.objects.filter(call=call)),
        list(Message.objects.filter(call=call)),
    )


@router.get(
    "/recordings/{recording_id}/audio",
    auth=key("calls:read"),
    tags=["Calls"],
    summary="Download a recording",
    openapi_extra=AUDIO,
)
def read_recording_audio(request: ApiRequest, recording_id: UUID) -> HttpResponse:
    """The WAV file, whole or in parts."""
    return wav_response(request, selectors.kept_recording(recording_id))


@router.get(
    "/messages", response=schemas.MessagePage, auth=key("messages:read"), tags=["Inbox"], summary="List messages"
)
def list_messages(request: ApiRequest, filters: Query[schemas.MessageFilters]) -> schemas.MessagePage:
    """Messages the receptionist took, newest first."""
    rows = Message.objects.all()
    if filters.done is not None:
        rows = rows.filter(done_at__isnull=not filters.done)
    found, following = page_of(rows, filters, by="created_at")
    return schemas.MessagePage(items=[schemas.MessageOut.of(message) for message in found], next=following)


@router.post(
    "/messages",
    response={201: schemas.MessageOut},
    auth=key("messages:write"),
    tags=["Inbox"],
    summary="Keep a message",
    openapi_extra={"responses": {404: {"description": "There is no such call in this business"}}},
)
@once
def create_message(request: ApiRequest, body: schemas.MessageIn) -> Status[schemas.MessageOut]:
    """Keep a message with a call, as the receptionist does."""
    message = take_message(body.call_id, name=body.name, number=body.number, body=body.body, urgency=body.urgency)
    return Status(201, schemas.MessageOut.of(message))


@router.get(
    "/messages/{message_id}",
    response=schemas.MessageOut,
    auth=key("messages:read"),
    tags=["Inbox"],
    summary="Read a message",
)
def read_message(request: ApiRequest, message_id: UUID) -> schemas.MessageOut:
    """One message."""
    return schemas.MessageOut.of(_message(message_id))


@router.patch(
    "/messages/{message_id}",
    response=schemas.MessageOut,
    auth=key("messages:write"),
    tags=["Inbox"],
    summary="Mark a message",
)
def change_message(request: ApiRequest, message_id: UUID, body: schemas.MessageChange) -> schemas.MessageOut:
    """Mark it as done, or as open again."""
    set_done("message", message_id, body.done)
    return schemas.MessageOut.of(_message(message_id))


def _message(message_id: UUID) -> Message:
    message = Message.objects.filter(pk=message_id).first()
    if message is None:
        raise NotFound("there is no such message")
    return message


@router.get(
    "/voicemails", response=schemas.VoicemailPage, auth=key("messages:read"), tags=["Inbox"], summary="List voicemails"
)
def list_voicemails(request: ApiRequest, filters: Query[schemas.VoicemailFilters]) -> schemas.VoicemailPage:
    """Messages that were spoken, newest first, with their text once it is written down."""
    rows = Voicemail.objects.select_related("recording")
    if filters.heard is not None:
        rows = rows.filter(heard_at__isnull=not filters.heard)
    found, following = page_of(rows, filters, by="created_at")
    return schemas.VoicemailPage(items=[schemas.VoicemailOut.of(row) for row in found], next=following)


@router.get(
    "/voicemails/{voicemail_id}",
    response=schemas.VoicemailOut,
    auth=key("messages:read"),
    tags=["Inbox"],
    summary="Read a voicemail",
)
def read_voicemail(request: ApiRequest, voicemail_id: UUID) -> schemas.VoicemailOut:
    """One voicemail."""
    return schemas.VoicemailOut.of(_voicemail(voicemail_id))


@router.get(
    "/voicemails/{voicemail_id}/audio",
    auth=key("messages:read"),
    tags=["Inbox"],
    summary="Download a voicemail",
    openapi_extra=AUDIO,
)
def read_voicemail_audio(request: ApiRequest, voicemail_id: UUID) -> HttpResponse:
    """The WAV file, whole or in parts."""
    return wav_response(request, selectors.kept_recording(_voicemail(voicemail_id).recording_id))


@router.patch(
    "/voicemails/{voicemail_id}",
    response=schemas.VoicemailOut,
    auth=key("messages:write"),
    tags=["Inbox"],
    summary="Mark a voicemail",
)
def change_voicemail(request: ApiRequest, voicemail_id: UUID, body: schemas.VoicemailChange) -> schemas.VoicemailOut:
    """Mark it as heard, or as new again."""
    set_done("voicemail", voicemail_id, body.heard)
    return schemas.VoicemailOut.of(_voicemail(voicemail_id))


def _voicemail(voicemail_id: UUID) -> Voicemail:
    voicemail = Voicemail.objects.select_related("recording").filter(pk=voicemail_id).first()
    if voicemail is None:
        raise NotFound("there is no such voicemail")
    return voicemail
