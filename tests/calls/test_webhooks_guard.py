from __future__ import annotations

from io import BytesIO
from urllib.parse import urlencode

import hypothesis
import pytest
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from calls import webhooks_urls
from calls.models import Call
from calls.webhooks import voice
from tests.calls.stage import Carrier, new_sid

BETA = "+14155550122"
PATHS = [f"/{pattern.pattern}" for pattern in webhooks_urls.urlpatterns if pattern.name != "prompt"]


@pytest.mark.parametrize("path", PATHS)
def test_a_webhook_without_a_signature_is_refused(carrier, path):
    assert carrier.post(path, sign=False).status == 403
    assert not Call.objects.exists()


@pytest.mark.parametrize("path", PATHS)
def test_a_webhook_signed_with_another_token_is_refused(carrier, path, monkeypatch):
    ours = settings.TWILIO_AUTH_TOKEN
    params = carrier.fields()
    signature = RequestValidator("0" * 32).compute_signature(settings.PUBLIC_URL + path, params)
    answer = carrier.send(path, urlencode(params), {"x-twilio-signature": signature})
    assert answer.status == 403
    assert ours not in answer.text
    assert not Call.objects.exists()


def test_a_signature_covers_every_field(carrier):
    params = carrier.fields()
    path = "/twilio/voice"
    signature = RequestValidator(settings.TWILIO_AUTH_TOKEN).compute_signature(settings.PUBLIC_URL + path, params)
    answer = carrier.send(path, urlencode({**params, "To": BETA}), {"x-twilio-signature": signature})
    assert answer.status == 403


def test_a_signature_covers_the_query(carrier):
    params = carrier.fields(RecordingSid=new_sid("RE"))
    path = "/twilio/recording"
    signature = RequestValidator(settings.TWILIO_AUTH_TOKEN).compute_signature(settings.PUBLIC_URL + path, params)
    answer = carrier.send(f"{path}?kind=voicemail", urlencode(params), {"x-twilio-signature": signature})
    assert answer.status == 403


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://alpha.localhost:8000", "https://localhost:8000"])
def test_a_signature_for_another_address_is_refused(carrier, url):
    params = carrier.fields()
    signature = RequestValidator(settings.TWILIO_AUTH_TOKEN).compute_signature(f"{url}/twilio/voice", params)
    answer = carrier.send("/twilio/voice", urlencode(params), {"x-twilio-signature": signature})
    assert answer.status == 403


@pytest.mark.parametrize("path", PATHS)
def test_another_account_is_refused_though_the_signature_is_right(carrier, path):
    assert carrier.post(path, AccountSid=new_sid("AC")).status == 403
    assert carrier.post(path, drop=("AccountSid",)).status == 403
    assert not Call.objects.exists()


def test_nothing_passes_while_no_token_is_configured(carrier, settings):
    settings.TWILIO_AUTH_TOKEN = ""
    assert carrier.voice().status == 403


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/twilio/messages"])
@pytest.mark.parametrize("sid", ["", "CA/../x", "x" * 65, "CA 1", "CA\n1"])
def test_a_signed_webhook_without_a_usable_call_is_unparsable(carrier, path, sid):
    carrier.sid = sid
    assert carrier.post(path).status == 400
    assert not Call.objects.exists()


def test_a_call_to_no_number_at_all_is_unparsable(carrier):
    assert carrier.voice(drop=("To",)).status == 400


@pytest.mark.parametrize("path", PATHS)
def test_only_post_is_taken(carrier, path):
    assert carrier.client.get(path).status_code == 405


def test_no_cross_site_token_is_asked_for(carrier):
    carrier.client.handler.enforce_csrf_checks = True
    assert carrier.voice().status == 200


@pytest.mark.parametrize("host", ["localhost:8000", "nobody.localhost:8000", "tunnel.example", "beta.localhost:8000"])
def test_webhooks_answer_under_any_host(tenant, receptionist, host):
    carrier = Carrier()
    carrier.client.defaults["HTTP_HOST"] = host
    assert carrier.voice().verbs == ["Start", "Connect", "Redirect"]


def test_a_text_message_gets_an_empty_answer(carrier):
    answer = carrier.post("/twilio/messages", MessageSid=new_sid("SM"), Body="Hello", drop=("CallSid", "CallStatus"))
    assert answer.status == 200
    assert answer.verbs == []


def test_the_path_counts_as_it_was_sent(carrier):
    """Under ASGI the raw path is at hand; Django's own spelling of it would not match the carrier's."""
    fields = carrier.fields()
    raw = "/twilio/voic%65"
    signature = RequestValidator(settings.TWILIO_AUTH_TOKEN).compute_signature(
        f"{settings.PUBLIC_URL}{raw}?a=%2f", fields
    )
    body = urlencode(fields).encode()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/twilio/voice",
        "raw_path": raw.encode(),
        "query_string": b"a=%2f",
        "headers": [
            (b"content-type", b"application/x-www-form-urlencoded"),
            (b"content-length", str(len(body)).encode()),
            (b"x-twilio-signature", signature.encode()),
        ],
    }
    assert voice.voice(ASGIRequest(scope, BytesIO(body))).status_code == 200
    scope["raw_path"] = b"/twilio/voice"
    assert voice.voice(ASGIRequest(scope, BytesIO(body))).status_code == 403


TEXT = st.text(max_size=40) | st.sampled_from(
    ["+14155550111", "+1", "completed", "-1", "0", "9" * 30, "RE1", "http://[", "x" * 700]
)
NAMES = [
    "To",
    "From",
    "CallStatus",
    "CallDuration",
    "RecordingSid",
    "RecordingUrl",
    "RecordingStatus",
    "RecordingDuration",
]


@pytest.mark.parametrize("path", PATHS)
@hypothesis.settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(st.sampled_from(NAMES), TEXT))
def test_no_signed_field_however_odd_breaks_a_webhook(carrier, path, fields):
    answer = carrier.post(path, **fields)
    assert answer.status in (200, 400)
    if answer.status == 200:
        assert isinstance(answer.verbs, list)
        if path in ("/twilio/voice", "/twilio/after-stream", "/twilio/after-record", "/twilio/voice-fallback"):
            assert answer.verbs, "a caller on the line must not be left without an answer"
