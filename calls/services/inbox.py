"""What a person does with the inbox."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce

from calls import story
from calls.models import CallEvent, DismissedQuestion, Message, Voicemail
from calls.services.lifecycle import tell_pages
from common.clock import now
from common.errors import NotFound

ItemKind = Literal["message", "voicemail"]


@transaction.atomic
def set_done(kind: ItemKind, item_id: UUID, done: bool) -> None:
    """Put a message or voicemail away, or back among the new; repeated it changes nothing. Raises `NotFound`."""
    moment = now()
    if kind == "message":
        changed = Message.objects.filter(pk=item_id).update(
            done_at=Coalesce(F("done_at"), Value(moment)) if done else None
        )
        call = Message.objects.select_related("call").get(pk=item_id).call if changed else None
    else:
        changed = Voicemail.objects.filter(pk=item_id).update(
            heard_at=Coalesce(F("heard_at"), Value(moment)) if done else None
        )
        call = Voicemail.objects.select_related("call").get(pk=item_id).call if changed else None
    if call is None:
        raise NotFound("This is not in your inbox any more.")
    tell_pages(call)


@transaction.atomic
def dismiss_question(event_id: int, dismissed: bool) -> None:
    """Take a question without an answer off Home, or put it back; repeated it changes nothing. Raises `NotFound`."""
    event = CallEvent.objects.select_related("call").filter(pk=event_id, kind="tool").first()
    if event is None or not story.unanswered(event):
        raise NotFound("This question is not here any more.")
    if dismissed:
        DismissedQuestion.objects.get_or_create(event=event)
    else:
        DismissedQuestion.objects.filter(event=event).delete()
    tell_pages(event.call)
