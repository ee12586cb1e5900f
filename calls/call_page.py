"""Everything the page of one call shows. Runs inside the tenant."""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from calls import inbox
from calls.models import Call, CallEvent, FollowUp, Recording
from calls.outline import kept_outline
from calls.story import Story, tell
from common.errors import NotFound


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording and the outline of its waveform as JSON, once it is here."""

    recording: Recording
    peaks: str

    @property
    def dom_id(self) -> str:
        """The recording's id as text, for names of elements."""
        return str(self.recording.pk)


@dataclass(frozen=True, slots=True)
class CallPage:
    """One call with all that is known of it."""

    call: Call
    name: str
    story: Story
    sounds: list[Sound]
    items: list[inbox.Item]
    credits_per_minute: int

    @property
    def dialable(self) -> str:
        """The caller's number for a ``tel:`` link; empty where it was withheld."""
        return inbox.dialable(self.call.caller)


def call_page(call_id: UUID) -> CallPage:
    """The page's content. Raises `NotFound`."""
    call = Call.objects.filter(pk=call_id).first()
    if call is None:
        raise NotFound("There is no such call.")
    events = list(CallEvent.objects.filter(call=call).order_by("offset_ms", "id"))
    failed = FollowUp.objects.filter(call=call, state=FollowUp.State.FAILED).values_list("kind", flat=True)
    items = inbox.of_call(call)
    recordings = Recording.objects.filter(call=call, kind=Recording.Kind.CALL)
    return CallPage(
        call=call,
        name=next((item.name for item in reversed(items) if item.name), ""),
        story=tell(call, events, failed),
        sounds=[
            Sound(each, json.dumps(kept_outline(each)) if each.state == Recording.State.KEPT else "")
            for each in recordings
        ],
        items=items,
        credits_per_minute=settings.CREDITS_PER_MINUTE,
    )
