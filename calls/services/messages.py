"""Messages the receptionist takes in words."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from calls.models import Call, Message
from calls.services.lifecycle import outcome_of, tell_pages
from common.errors import Invalid, NotFound

LONGEST = 4000


@transaction.atomic
def take_message(call_id: UUID | str, *, name: str, number: str, body: str, urgency: str = "normal") -> Message:
    """Keep a message, sealed. An empty `number` means the one the caller rang from.

    The same words once more in one call are a correction of who said them, not a second message.
    Raises `NotFound` for an unknown call, `Invalid` for an empty body; an odd urgency counts as normal.
    """
    call = Call.objects.select_for_update().filter(pk=call_id).first()
    if call is None:
        raise NotFound("there is no such call")
    if not body.strip():
        raise Invalid("the message is empty")
    # Sealed: the words can only be compared once they are opened.
    taken = Message.objects.filter(call=call, done_at__isnull=True)
    message = next((row for row in taken if row.body == body.strip()[:LONGEST]), None) or Message(call=call)
    message.name = name.strip()[:200]
    message.number = number.strip()[:64] or call.caller
    message.body = body.strip()[:LONGEST]
    message.urgency = Message.Urgency(urgency) if urgency in Message.Urgency.values else Message.Urgency.NORMAL
    message.save()
    if not call.running:
        call.outcome = outcome_of(call)
        call.save(update_fields=["outcome"])
    tell_pages(call)
    return message
