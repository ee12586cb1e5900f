"""The REST client against the built-in carrier as a process of its own, and against servers that misbehave."""

from __future__ import annotations

import inspect
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
import requests
import twilio.base.exceptions
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException

from calls.carriers import twilio as rest
from calls.models import Call, FollowUp, Recording, Voicemail
from calls.services import numbers, recordings
from common.errors import Invalid, ProviderError
from tests.calls.stage import new_sid
from tests.cast import ALPHA

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(2000)


# The built-in carrier.


@pytest.fixture
def number(carrier_process):
    """A number nobody has set up yet."""
    return f"+1415555{int(new_sid('')[:6], 16) % 10000:04d}"


def test_a_number_is_made_and_pointed_at_our_webhooks_once(number, settings):
    settings.PUBLIC_URL = "https://desk.example"
    rest.set_up_number(number)
    settings.PUBLIC_URL = "https://moved.example"
    rest.set_up_number(number)
    (made,) = rest.client().incoming_phone_numbers.list(phone_number=number)
    assert made.voice_url == "https://moved.example/twilio/voice"
    assert made.voice_fallback_url == "https://moved.example/twilio/voice-fallback"
    assert made.status_callback == "https://moved.example/twilio/status"
    assert made.voice_method == made.voice_fallback_method == made.status_callback_method == "POST"


def test_a_call_the_carrier_does_not_know_is_none_and_hanging_it_up_is_done(carrier_process):
    sid = new_sid("CA")
    assert rest.fetch_call(sid) is None
    rest.hang_up(sid)


def test_a_wrong_password_is_an_authentication_error(carrier_process, settings):
    settings.TWILIO_AUTH_TOKEN = "0" * 32
    with pytest.raises(ProviderError) as caught:
        rest.fetch_call(new_sid("CA"))
    assert caught.value.category == "authentication"
    assert not caught.value.retryable


def test_without_an_account_nothing_is_asked(settings):
    settings.TWILIO_ACCOUNT_SID = ""
    with pytest.raises(ProviderError) as caught:
        rest.set_up_number(ALPHA.number)
    assert caught.value.category == "authentication"


def test_a_carrier_that_is_gone_is_asked_again_later(tenant, settings):
    settings.TWILIO_API_BASE_URL = "http://127.0.0.1:9"
    numbers.announce_number(ALPHA.number)
    row = FollowUp.objects.get()
    assert (row.kind, row.payload, row.state) == ("announce_number", {"number": ALPHA.number}, "waiting")


def test_a_number_that_could_not_be_announced_is_announced_later(tenant, carrier_process, number):
    numbers.announce_again("", {"number": number})
    assert rest.client().incoming_phone_numbers.list(phone_number=number)


@pytest.mark.parametrize(
    "page", [b"", b"[]", b'{"incoming_phone_numbers": [{}]}', b'{"incoming_phone_numbers": [{"sid": "../x"}]}']
)
def test_an_unreadable_list_of_numbers_buys_nothing(page, misbehaving):
    got = misbehaving(200, page, "application/json")
    with pytest.raises(ProviderError) as caught:
        rest.set_up_number(ALPHA.number)
    assert caught.value.category == "unknown"
    assert len(got) == 1


# Errors.


def _every_subclass(base):
    found = {base}
    for _, member in inspect.getmembers(twilio.base.exceptions, inspect.isclass):
        if issubclass(member, base) and member.__module__ == twilio.base.exceptions.__name__:
            found.add(member)
    return sorted(found, key=lambda each: each.__name__)


@pytest.mark.parametrize("kind", _every_subclass(TwilioException))
def test_every_exception_of_the_sdk_becomes_a_provider_error(kind):
    made = {
        TwilioRestException: lambda: TwilioRestException(429, "/uri?To=+14155550199", "+14155550199 was called"),
        TwilioServiceException: lambda: TwilioServiceException("about:blank", "+14155550199", 503, 20001),
        TwilioException: lambda: TwilioException("+14155550199"),
    }
    assert kind in made, "map this exception and add it here"
    with pytest.raises(ProviderError) as caught, rest._translated():
        raise made[kind]()
    expected = {TwilioRestException: "rate_limit", TwilioServiceException: "server", TwilioException: "unknown"}
    assert caught.value.category == expected[kind]
    assert "4155550199" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (requests.ConnectTimeout(), "timeout"),
        (requests.ReadTimeout(), "timeout"),
        (requests.ConnectionError(), "connectivity"),
        (requests.exceptions.SSLError(), "connectivity"),
        (requests.TooManyRedirects(), "unknown"),
        (httpx.ReadTimeout(""), "timeout"),
        (httpx.ConnectError(""), "connectivity"),
        (httpx.RemoteProtocolError(""), "connectivity"),
        (httpx.DecodingError(""), "unknown"),
        *[(TwilioRestException(status, ""), kind) for status, kind in [
            (400, "invalid_request"), (401, "authentication"), (403, "authorization"), (404, "not_found"),
            (408, "timeout"), (429, "rate_limit"), (500, "server"), (503, "server"),
        ]],
    ],
)  # fmt: skip
def test_errors_have_a_category(error, category):
    assert rest.category_of(error) == category


@pytest.mark.parametrize(("status", "code"), [(404, 20404), (400, 21220)])
def test_hanging_up_what_has_ended_is_done(status, code, misbehaving):
    misbehaving(status, b'{"code": %d, "message": "x", "status": %d}' % (code, status), "application/json")
    rest.hang_up(new_sid("CA"))


def test_a_hang_up_that_failed_is_not_passed_off_as_done(misbehaving):
    misbehaving(500, b'{"code": 20500, "message": "x", "status": 500}', "application/json")
    with pytest.raises(ProviderError):
        rest.hang_up(new_sid("CA"))


# Recordings.


@pytest.fixture
def misbehaving(settings):
    """``misbehaving(status, body, …)``: a carrier that answers everything with that; gives the requests it got."""
    servers: list[ThreadingHTTPServer] = []

    def start(status: int, body: bytes, kind: str = "audio/wav", headers: dict[str, str] | None = None):
        got: list[tuple[str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                got.append((self.path, self.headers.get("Authorization", "")))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.do_GET()

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        settings.TWILIO_API_BASE_URL = f"http://127.0.0.1:{server.server_port}"
        return got

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def recording(tenant, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    call = Call.objects.create(sid="CA1", decision="voicemail")
    url = "https://evil.example/2010-04-01/Accounts/AC1/Recordings/RE1"
    return recordings.note_recording(call=call, sid="RE1", url=url, seconds=3, absent=False, voicemail=True)


def fetch(recording):
    recordings.fetch_recording(str(recording.call_id), {"recording": str(recording.pk)})


def test_a_recording_is_fetched_from_the_configured_carrier_whatever_host_the_callback_named(recording, misbehaving):
    got = misbehaving(200, WAV)
    fetch(recording)
    ((path, auth),) = got
    assert path == "/2010-04-01/Accounts/AC1/Recordings/RE1.wav"
    assert auth.startswith("Basic ")
    recording.refresh_from_db()
    assert (recording.state, recording.size) == ("kept", len(WAV))
    assert FollowUp.objects.filter(kind="transcribe_voicemail").count() == 1
    fetch(recording)
    assert len(got) == 1, "what is kept is not fetched again"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://169.254.169.254/latest/meta-data/",
        "http://x/2010-04-01/Accounts/AC1/Recordings/../../../admin",
        "http://x/2010-04-01/Accounts/AC1/Recordings/RE1/../../x",
        "http://x//evil.example/2010-04-01/Accounts/AC1/Recordings/RE1",
        "http://x/2010-04-01/Accounts/AC1/Recordings/RE1%2f..%2fx",
        "file:///etc/passwd",
    ],
)
def test_an_address_that_is_no_recording_is_never_asked(url, misbehaving):
    got = misbehaving(200, WAV)
    with pytest.raises(Invalid):
        list(rest.recording_media(url))
    assert got == []


@pytest.mark.parametrize(
    "url",
    [
        "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1",
        "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1.wav",
        "/2010-04-01/Accounts/AC1/Recordings/RE1.json?x=1#y",
    ],
)
def test_a_recordings_address_is_always_the_configured_carriers(url, settings):
    settings.TWILIO_API_BASE_URL = "http://carrier.example:8003/"
    assert rest.media_url(url) == "http://carrier.example:8003/2010-04-01/Accounts/AC1/Recordings/RE1.wav"
    settings.TWILIO_API_BASE_URL = ""
    assert rest.media_url(url).startswith("https://api.twilio.com/")


def test_a_redirect_is_not_followed(recording, misbehaving):
    got = misbehaving(302, b"", headers={"Location": "http://169.254.169.254/"})
    with pytest.raises(ProviderError):
        fetch(recording)
    assert len(got) == 1


def test_a_recording_that_is_not_there_yet_is_tried_again(recording, misbehaving):
    from calls.followups import TryAgain

    misbehaving(404, b"")
    with pytest.raises(TryAgain):
        fetch(recording)


@pytest.mark.parametrize(("status", "retryable"), [(500, True), (503, True), (401, False)])
def test_a_carrier_that_fails_is_told_apart_from_one_that_refuses(recording, misbehaving, status, retryable):
    misbehaving(status, b"")
    with pytest.raises(ProviderError) as caught:
        fetch(recording)
    assert caught.value.retryable is retryable
    recording.refresh_from_db()
    assert recording.state == "pending"


@pytest.mark.parametrize(
    "body", [b"", b"<?xml version='1.0'?><TwilioResponse/>", b"RIFF", b"RIFF\x00\x00\x00\x00AVI fmt"]
)
def test_what_is_not_a_wav_file_is_not_kept(recording, misbehaving, body):
    misbehaving(200, body)
    with pytest.raises(Invalid):
        fetch(recording)
    recording.refresh_from_db()
    assert recording.state == "pending"


def test_a_recording_beyond_the_limit_is_not_kept(recording, misbehaving, monkeypatch, tmp_path):
    monkeypatch.setattr(rest, "MEDIA_LIMIT", 1000)
    misbehaving(200, WAV)
    with pytest.raises(Invalid):
        fetch(recording)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_giving_up_is_shown_on_recording_and_voicemail(recording):
    payload = {"recording": str(recording.pk)}
    recordings.give_up_fetching("", payload)
    recording.refresh_from_db()
    assert recording.state == "failed"
    assert Voicemail.objects.get().transcription == "failed"
    assert Recording.objects.count() == 1
