"""The inbox: messages and voicemails in one list, newest first. Every function runs inside the tenant."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import CharField, F, QuerySet, Value

from calls.models import Call, Message, Recording, Voicemail
from calls.outline import kept_outline
from calls.services.inbox import ItemKind
from common.errors import NotFound

PAGE_SIZE = 25
#: Names and words are sealed: a search opens this many of the newest entries and looks into them.
SEARCHED = 500
STATES = (("new", "New"), ("done", "Done"), ("all", "All"))
KINDS = (("message", "Messages"), ("voicemail", "Voicemails"))


def dialable(number: str) -> str:
    """`number` if it can stand in a ``tel:`` link, else nothing."""
    return number if re.fullmatch(r"\+?[0-9]{3,20}", number, re.ASCII) else ""


@dataclass(frozen=True)
class Item:
    """One entry, whichever kind it is."""

    kind: ItemKind
    pk: UUID
    at: datetime
    done_at: datetime | None
    call: Call
    name: str
    number: str
    text: str
    urgent: bool = False
    recording: Recording | None = None
    transcription: str = ""

    @property
    def done(self) -> bool:
        """Whether somebody has dealt with it."""
        return self.done_at is not None

    @property
    def dialable(self) -> str:
        """The number for a ``tel:`` link; empty where there is none."""
        return dialable(self.number)

    @property
    def dom_id(self) -> str:
        """Its id as text, for names of elements."""
        return str(self.pk)

    @cached_property
    def peaks(self) -> str:
        """The waveform of its sound for the player, as JSON; empty while the sound is not here."""
        recording = self.recording
        return json.dumps(kept_outline(recording)) if recording and recording.state == Recording.State.KEPT else ""


def _message(row: Message) -> Item:
    return Item(
        kind="message",
        pk=row.pk,
        at=row.created_at,
        done_at=row.done_at,
        call=row.call,
        name=row.name,
        number=row.number or row.call.caller,
        text=row.body,
        urgent=row.urgency == Message.Urgency.URGENT,
    )


def _voicemail(row: Voicemail) -> Item:
    return Item(
        kind="voicemail",
        pk=row.pk,
        at=row.created_at,
        done_at=row.heard_at,
        call=row.call,
        name="",
        number=row.call.caller,
        text=row.transcript,
        recording=row.recording,
        transcription=row.transcription,
    )


def _messages() -> QuerySet[Message]:
    return Message.objects.select_related("call")


def _voicemails() -> QuerySet[Voicemail]:
    return Voicemail.objects.select_related("call", "recording")


def _entries(state: str, kind: str) -> QuerySet[Any, Any]:
    """Kind, id and time of the entries, newest first: a union, so that the database pages over both tables."""
    messages = Message.objects.order_by().annotate(kind=Value("message", CharField()), done=F("done_at"))
    voicemails = Voicemail.objects.order_by().annotate(kind=Value("voicemail", CharField()), done=F("heard_at"))
    parts: list[QuerySet[Any, Any]] = []
    for name, rows in (("message", messages), ("voicemail", voicemails)):
        if kind not in ("", name):
            continue
        if state in ("new", "done"):
            rows = rows.filter(done__isnull=state == "new")
        parts.append(rows.values_list("kind", "pk", "created_at"))
    whole = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    return whole.order_by("-created_at")


def _items(entries: list[tuple[str, UUID, datetime]]) -> list[Item]:
    """The entries with all they show: one query a kind."""
    wanted = {name: [pk for kind, pk, _ in entries if kind == name] for name, _ in KINDS}
    items = {("message", row.pk): _message(row) for row in _messages().filter(pk__in=wanted["message"])}
    items |= {("voicemail", row.pk): _voicemail(row) for row in _voicemails().filter(pk__in=wanted["voicemail"])}
    return [items[kind, pk] for kind, pk, _ in entries if (kind, pk) in items]


def items(*, state: str = "new", kind: str = "", text: str = "", page: int = 1) -> Page[Any]:
    """One page of `Item`s. With `text`, of the newest `SEARCHED` entries those that hold it."""
    entries = _entries(state, kind)
    if not text:
        found = Paginator(entries, PAGE_SIZE).get_page(page)
        found.object_list = _items(list(found.object_list))
        return found
    return Paginator([item for item in _items(list(entries[:SEARCHED])) if holds(item, text)], PAGE_SIZE).get_page(page)


def holds(item: Item, text: str) -> bool:
    """Whether `text` is in the item's name, words or number."""
    digits = re.sub(r"\D", "", text, flags=re.ASCII)
    if len(digits) >= 3 and digits in re.sub(r"\D", "", item.number, flags=re.ASCII):
        return True
    return text.casefold() in f"{item.name}\n{item.text}".casefold()


def one(kind: ItemKind, item_id: UUID) -> Item:
    """A single entry. Raises `NotFound`."""
    if kind == "message":
        message = _messages().filter(pk=item_id).first()
        if message is not None:
            return _message(message)
    else:
        voicemail = _voicemails().filter(pk=item_id).first()
        if voicemail is not None:
            return _voicemail(voicemail)
    raise NotFound("This is not in your inbox any more.")


def of_call(call: Call) -> list[Item]:
    """What a call left in the inbox, oldest first."""
    found = [_message(row) for row in _messages().filter(call=call)]
    found += [_voicemail(row) for row in _voicemails().filter(call=call)]
    return sorted(found, key=lambda item: item.at)


def new_count() -> int:
    """How many entries nobody has dealt with."""
    return (
        Message.objects.filter(done_at__isnull=True).count() + Voicemail.objects.filter(heard_at__isnull=True).count()
    )
