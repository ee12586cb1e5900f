"""Test calls: who may place them, what a ticket is good for, and what the call becomes."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from django.conf import settings
from django.db import connection

from calls import testcall
from calls.models import Call
from common.audio import read_wav
from common.errors import ProviderError
from common.kv import redis_sync
from tenants.models import Tenant
from tests.calls.stage import Carrier
from tests.cast import ALICE, ALPHA

SECRET = "s" * 32


@pytest.fixture(autouse=True)
def phones(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A platform with browser phones; the list counts how often its application was pointed at us."""
    redis = redis_sync()
    for key in redis.scan_iter("test-call-rate:*"):
        redis.delete(key)
    pointed: list[str] = []
    monkeypatch.setattr(settings, "TWILIO_API_KEY_SID", "SK1")
    monkeypatch.setattr(settings, "TWILIO_API_KEY_SECRET", SECRET)
    monkeypatch.setattr(settings, "TWILIO_TWIML_APP_SID", f"AP{id(pointed)}")
    monkeypatch.setattr("calls.carriers.twilio.set_up_application", lambda: pointed.append("here"))
    return pointed


def started(client_of: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """What alice's page got, and her token's grants."""
    schema = connection.tenant
    answer = client_of(ALICE).post("/phone/test-call")
    connection.set_tenant(schema)  # which the request left
    assert answer.status_code == 200, answer.content
    body = answer.json()
    claims = jwt.decode(body["token"], SECRET, algorithms=["HS256"], issuer="SK1")
    return body, claims["grants"]


def call_of(grants: dict[str, Any]) -> Carrier:
    return Carrier(to="", caller=f"client:{grants['identity']}")


def test_a_test_call_goes_the_way_of_every_call(client_of: Any, tenant: Any, receptionist: Any) -> None:
    body, grants = started(client_of)
    assert grants["voice"] == {"outgoing": {"application_sid": settings.TWILIO_TWIML_APP_SID}}
    carrier = call_of(grants)
    answer = carrier.post("/twilio/client", ticket=body["ticket"])
    assert answer.verbs == ["Start", "Connect", "Redirect"]
    call = Call.objects.get(sid=carrier.sid)
    assert (call.is_test, call.decision, call.callee, call.caller) == (True, "answer", ALPHA.number, "")
    assert carrier.post("/twilio/after-stream").verbs[-2:] == ["Connect", "Redirect"]  # its tenant is found again
    carrier.post("/twilio/status", CallStatus="completed", CallDuration="7")
    call.refresh_from_db()
    assert (call.running, call.seconds) == (False, 7)


@pytest.mark.parametrize(("waiting", "left"), [("call", ""), ("hours", "hours")])
def test_the_first_call_is_the_end_of_the_set_up(
    client_of: Any, tenant: Any, receptionist: Any, waiting: str, left: str
) -> None:
    Tenant.objects.filter(pk=tenant.id).update(setup_step=waiting)
    body, grants = started(client_of)
    call_of(grants).post("/twilio/client", ticket=body["ticket"])
    assert Tenant.objects.get(pk=tenant.id).setup_step == left


def test_a_repeated_webhook_finds_its_ticket_and_another_call_does_not(
    client_of: Any, tenant: Any, receptionist: Any
) -> None:
    body, grants = started(client_of)
    carrier = call_of(grants)
    assert carrier.post("/twilio/client", ticket=body["ticket"]).token
    assert carrier.post("/twilio/client", ticket=body["ticket"]).token
    assert call_of(grants).post("/twilio/client", ticket=body["ticket"]).verbs == ["Hangup"]
    assert Call.objects.count() == 1


@pytest.mark.parametrize("ticket", ["", "made-up", "x" * 5000, "<script>"])
def test_without_a_ticket_the_line_is_closed(client_of: Any, tenant: Any, receptionist: Any, ticket: str) -> None:
    _, grants = started(client_of)
    carrier = Carrier(to=ALPHA.number, caller=f"client:{grants['identity']}")
    assert carrier.post("/twilio/client", ticket=ticket).verbs == ["Hangup"]
    assert not Call.objects.exists()


def test_the_application_is_pointed_at_us_once(client_of: Any, tenant: Any, phones: list[str]) -> None:
    started(client_of)
    started(client_of)
    assert phones == ["here"]


def test_a_platform_without_phones_says_so(client_of: Any, tenant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "TWILIO_API_KEY_SECRET", "")
    answer = client_of(ALICE).post("/phone/test-call")
    assert answer.status_code == 503
    assert "not set up" in answer.json()["error"]


def test_a_carrier_that_is_away_is_told_in_words(client_of: Any, tenant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise ProviderError("carrier", "connectivity")

    monkeypatch.setattr("calls.carriers.twilio.set_up_application", away)
    answer = client_of(ALICE).post("/phone/test-call")
    assert answer.status_code == 503
    assert "try again" in answer.json()["error"]


def test_nobody_calls_without_end(client_of: Any, tenant: Any) -> None:
    for _ in range(testcall.CALLS_A_MINUTE):
        started(client_of)
    assert client_of(ALICE).post("/phone/test-call").status_code == 429


@pytest.mark.parametrize(
    ("text", "status"), [("", 422), (" \0 ", 422), ("x" * 301, 422), ("<script>alert(1)</script>", 200), ("Hi", 200)]
)
def test_a_typed_sentence_becomes_sound(
    client_of: Any, tenant: Any, monkeypatch: pytest.MonkeyPatch, text: str, status: int
) -> None:
    monkeypatch.setattr("common.ai.speech", lambda words, **_: b"\x7f" * 800)
    answer = client_of(ALICE).post("/phone/test-call/speech", {"text": text})
    assert answer.status_code == status
    if status == 200:
        assert read_wav(answer.content).seconds == pytest.approx(0.1)
    else:
        assert answer.json()["error"]


def test_forms_of_other_sites_start_nothing(tenant: Any, client_of: Any) -> None:
    client = client_of(ALICE)
    client.handler.enforce_csrf_checks = True
    assert client.post("/phone/test-call").status_code == 403
    assert client.post("/phone/test-call/speech", {"text": "Hi"}).status_code == 403


def test_only_test_calls_are_followed(client_of: Any, tenant: Any) -> None:
    Call.objects.create(sid="CAreal")
    assert client_of(ALICE).get("/phone/test-call/CAreal").status_code == 404
    assert client_of(ALICE).get("/phone/test-call/CAnone").status_code == 404


def test_without_scripts_the_number_is_there(client_of: Any, tenant: Any) -> None:
    assert "(415) 555-0111" in client_of(ALICE).get("/phone/test-call").content.decode()


@pytest.mark.parametrize(("carrier", "words"), [("", "from any telephone"), ("http://localhost:9", "only, until")])
def test_only_a_telephone_company_s_number_rings_everywhere(
    client_of: Any, tenant: Any, monkeypatch: pytest.MonkeyPatch, carrier: str, words: str
) -> None:
    monkeypatch.setattr(settings, "TWILIO_API_BASE_URL", carrier)
    assert words in client_of(ALICE).get("/phone/test-call").content.decode()
