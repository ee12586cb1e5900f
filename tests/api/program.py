"""A program with a key, and a business with something of everything."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test import Client

from calls import journal
from calls.facts import JournalEvent
from calls.models import Call, Message, Recording, Voicemail
from calls.recordings import store_recording
from calls.services import take_message
from knowledge import services as knowledge
from receptionist.models import Service
from receptionist.profile import HolidayIn, HoursIn, ServiceIn
from receptionist.services import change_persona, set_holidays, set_hours, set_services
from tenants.context import in_public
from tenants.models import ApiKey, Tenant
from tenants.services.api_keys import issue_api_key
from tests.cast import ALPHA, CALLER, Business

#: What a caller said; found in answers that were meant for alpha, and nowhere else.
SAID = "Are you open on Saturday?"


@dataclass
class Program:
    """A program that knows the API's address and a key."""

    key: str = ""
    host: str = "localhost:8000"

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask; the answer has `.status_code`, `.json()` and headers. Words with ``_`` become header names."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key:
            sent.setdefault("authorization", f"Bearer {self.key}")
        data = body if isinstance(body, bytes | str) else json.dumps(body) if body is not None else ""
        client = Client(headers={"host": self.host})
        before = connection.tenant
        try:
            return client.generic(method, f"/api/v1{path}", data, content_type="application/json", headers=sent)
        finally:
            # A request ends on the public schema; the test goes on where it was.
            connection.set_tenant(before)


def fresh_key(business: Business = ALPHA, scopes: list[str] | None = None) -> str:
    """A key of `business`."""
    return in_public(lambda: issue_api_key(Tenant.objects.get(slug=business.slug), "test", scopes))


def key_row(key: str) -> ApiKey:
    """What is known of a key."""
    return in_public(lambda: ApiKey.objects.get(prefix=key[:9]))


@dataclass
class Filled:
    """Ids of what `fill` made."""

    call: Call
    recording: Recording
    voicemail: Voicemail
    message: Message
    document: Any


def fill(said: str = SAID) -> Filled:
    """Something of everything, in the current tenant; `said` is in all that is text."""
    call = Call.objects.create(sid="CA" + "1" * 32, caller=CALLER, callee=ALPHA.number, outcome="answered", credits=13)
    turn = {"role": "caller", "text": said, "start_ms": 4000, "end_ms": 5600, "interrupted": False, "item_id": "1"}
    tool = {"name": "business_hours", "arguments": '{"day": "saturday"}', "ok": True, "output": {}, "ms": 3}
    cited = {"question": said, "source": "FAQ: Saturday", "confidence": 0.9}
    events = [
        JournalEvent("greeting", {"text": "Alpha Dental, good morning."}, 400, 1),
        JournalEvent("turn", turn, 4000, 2),
        JournalEvent("tool", tool, 5700, 3),
        JournalEvent("citation", cited, 5800, 4),
    ]
    journal.append(call.pk, "media", events)
    recording = Recording.objects.create(call=call, sid="RE1", kind="voicemail", state=Recording.State.KEPT, seconds=2)
    recording.size = store_recording(recording, [b"RIFF" + said.encode() + b"\x01" * 1000])
    recording.save()
    voicemail = Voicemail.objects.create(call=call, recording=recording, transcript=said, transcription="done")
    message = take_message(call.pk, name="Joe Miller", number=CALLER, body=said)
    document = knowledge.add_document(
        title=f"Saturdays {said}", text=f"{said} We are open on Saturdays from nine to one."
    )
    knowledge.add_faq(pairs=[("Is there parking?", f"Yes, behind the house. {said}")])
    set_hours(HoursIn.model_validate({"mon": ["09:00-17:00"], "fri": ["22:00-02:00", "00:00-21:00"]}))
    set_holidays([HolidayIn.model_validate({"date": "12-25", "name": f"Christmas {said}"})])
    set_services([ServiceIn(name="Cleaning", price=95.5, minutes=45), ServiceIn(name=f"Advice {said}")])
    change_persona(greeting=f"Alpha Dental, good morning. {said}", voice="", guidance=["Be brief."])
    assert Service.objects.count() == 2
    return Filled(call, recording, voicemail, message, document)
