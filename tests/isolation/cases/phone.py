"""Ways into the test-call panel and the webhook behind it."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings

from calls import journal, testcall
from calls.facts import JournalEvent
from calls.models import Call
from common.kv import redis_sync
from tests.cast import ALICE, ALPHA, BETA, MALLORY
from tests.isolation.registry import Check, Page, World, register

SID = f"CA{'c' * 32}"


def _a_test_call(world: World) -> str:
    def make() -> None:
        call = Call.objects.create(sid=SID, is_test=True)
        turn = {"role": "caller", "text": world.marker, "start_ms": 0, "end_ms": 1}
        journal.append(call.pk, "test", [JournalEvent(seq=1, kind="turn", offset_ms=1, data=turn)])

    world.in_alpha(make)
    return f"/phone/test-call/{SID}"


def _phones(world: World) -> None:
    for name in ("TWILIO_API_KEY_SID", "TWILIO_API_KEY_SECRET", "TWILIO_TWIML_APP_SID"):
        world.monkeypatch.setattr(settings, name, "x" * 34)
    world.monkeypatch.setattr("calls.carriers.twilio.set_up_application", lambda: None)


def _posts(path: str, **data: str) -> Any:
    """Only alpha's own people get an answer on alpha's host."""

    def attack(world: World) -> None:
        _phones(world)
        world.monkeypatch.setattr("common.ai.speech", lambda text, **_: b"\x7f" * 160)
        strangers = [
            world.client(MALLORY, ALPHA),
            world.carried(MALLORY, BETA, ALPHA.host),
            world.carried(ALICE, None, ALPHA.host),
            world.client(None, ALPHA),
        ]
        for client in strangers:
            assert client.post(path, data).status_code in {302, 404}
        assert world.client(ALICE, ALPHA).post(path, data).status_code == 200

    return attack


def _tickets(world: World) -> None:
    """A ticket of mallory's opens nothing of alpha's, nor does alpha's for her."""
    from tests.calls.stage import Carrier

    _phones(world)
    theirs = world.client(ALICE, ALPHA).post("/phone/test-call").json()["ticket"]
    hers = world.client(MALLORY, BETA).post("/phone/test-call").json()["ticket"]
    seat = json.loads(redis_sync().get(f"test-call:{hers}") or b"")
    assert seat["schema"] == world.beta.schema
    alphas = world.in_alpha(lambda: list(Call.objects.values()))
    carrier = Carrier(sid=SID, to=ALPHA.number, caller=f"client:{seat['identity']}")
    assert carrier.post("/twilio/client", ticket=theirs).verbs == ["Hangup"]  # not her identity
    assert carrier.post("/twilio/after-stream").verbs[-1] == "Hangup"  # naming alpha's number tells nothing
    assert testcall.redeem(sid="CAother", caller="client:x", ticket=theirs) is None
    assert world.in_alpha(lambda: list(Call.objects.values())) == alphas


register(
    Page("tenant:phone/test-call/<slug:sid>", _a_test_call),
    Check("tenant:phone/test-call", _posts("/phone/test-call")),
    Check("tenant:phone/test-call/speech", _posts("/phone/test-call/speech", text="Hello")),
    Check("root:twilio/client", _tickets),
)
