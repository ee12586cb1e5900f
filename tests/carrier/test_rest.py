"""The REST subset, with Twilio's own client; every answer is checked against Twilio's published description."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from tests.carrier.specs import check_rest_answer, check_rest_request
from tests.carrier.stage import CALLER, NUMBER, SID, TOKEN, App, Carrier, eventually, wav_turn


class LocalHttp(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's transport, with scheme and host swapped; remembers and checks every exchange."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.base = url
        self.checks = True

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        parts = urlsplit(url)
        local = self.base + parts.path + (f"?{parts.query}" if parts.query else "")
        answer = super().request(method, local, *args, **kwargs)
        if self.checks:
            form = kwargs.get("data") or (args[1] if len(args) > 1 else None) or {}
            if method == "POST":
                check_rest_request(method, parts.path, form)
            if answer.status_code < 300:
                check_rest_answer(
                    method, parts.path, answer.status_code, json.loads(answer.text) if answer.text else None
                )
        return answer


@pytest.fixture
def client(carrier: Carrier) -> Client:
    return Client(SID, TOKEN, http_client=LocalHttp(carrier.url))


async def ask(fn: Callable[[], Any]) -> Any:
    """The client is synchronous: let it wait in a thread."""
    return await asyncio.to_thread(fn)


async def test_numbers_are_found_taken_set_and_given_back(client: Client) -> None:
    found = await ask(lambda: client.available_phone_numbers("US").local.list(area_code=555, limit=3))
    assert len(found) == 3 and found[0].phone_number.startswith("+1555")
    taken = await ask(
        lambda: client.incoming_phone_numbers.create(
            phone_number=found[0].phone_number, voice_url="https://a.example/voice", friendly_name="Dental"
        )
    )
    assert taken.phone_number == found[0].phone_number and taken.sid.startswith("PN")
    again = await ask(lambda: client.available_phone_numbers("US").local.list(limit=1))
    assert again[0].phone_number != taken.phone_number
    await ask(
        lambda: client.incoming_phone_numbers(taken.sid).update(
            voice_url="https://a.example/v2",
            voice_method="POST",
            voice_fallback_url="https://a.example/fallback",
            status_callback="https://a.example/status",
        )
    )
    fetched = await ask(lambda: client.incoming_phone_numbers(taken.sid).fetch())
    assert (fetched.voice_url, fetched.voice_fallback_url) == ("https://a.example/v2", "https://a.example/fallback")
    assert fetched.status_callback == "https://a.example/status" and fetched.friendly_name == "Dental"
    [listed] = await ask(lambda: client.incoming_phone_numbers.list(phone_number=taken.phone_number))
    assert listed.sid == taken.sid
    assert await ask(lambda: client.incoming_phone_numbers(taken.sid).delete())
    assert await ask(lambda: client.incoming_phone_numbers.list(phone_number=taken.phone_number)) == []


async def test_a_number_of_an_area_code_is_picked(client: Client) -> None:
    one = await ask(lambda: client.incoming_phone_numbers.create(area_code="212"))
    other = await ask(lambda: client.incoming_phone_numbers.create(area_code="212"))
    assert one.phone_number.startswith("+1212") and one.phone_number != other.phone_number


async def test_numbers_survive_a_restart(carrier: Carrier, client: Client) -> None:
    from tests.carrier.stage import running

    taken = await ask(lambda: client.incoming_phone_numbers.create(phone_number=NUMBER, voice_url="https://a.example/"))
    async with running(carrier.exchange.settings) as again:
        second = Client(SID, TOKEN, http_client=LocalHttp(again.url))
        [found] = await ask(lambda: second.incoming_phone_numbers.list())
        assert (found.sid, found.voice_url) == (taken.sid, "https://a.example/")


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"phone_number": "5551234"}, 21421),
        ({"phone_number": NUMBER}, 21422),
        ({"area_code": "99"}, 21451),
        ({}, 21402),
        ({"phone_number": "+15552000009", "voice_url": "ftp://a"}, 21502),
        ({"phone_number": "+15552000009", "voice_method": "PUT"}, 21403),
    ],
)
async def test_a_bad_number_is_refused_in_twilios_form(
    carrier: Carrier, client: Client, form: dict[str, str], code: int
) -> None:
    carrier.number()
    with pytest.raises(TwilioRestException) as caught:
        await ask(lambda: client.incoming_phone_numbers.create(**form))
    assert (caught.value.status, caught.value.code) == (400, code)


async def test_lists_come_in_pages(carrier: Carrier, client: Client) -> None:
    for n in range(7):
        carrier.number(f"+1555200000{n}")
    listed = await ask(lambda: client.incoming_phone_numbers.list(page_size=3))
    assert len({number.sid for number in listed}) == 7
    page = await ask(lambda: client.incoming_phone_numbers.page(page_size=3))
    assert len(list(page)) == 3


async def test_credentials_are_checked_everywhere(carrier: Carrier) -> None:
    paths = [f"/2010-04-01/Accounts/{SID}/Calls.json", "/phones/calls/CA1", f"/2010-04-01/Accounts/{SID}/Nothing.json"]
    wrong = [{}, {"Authorization": aiohttp.encode_basic_auth(SID, "wrong")}, {"Authorization": "Basic !!"}]
    async with httpx.AsyncClient(base_url=carrier.url) as http:
        for path in paths:
            for headers in wrong:
                answer = await http.get(path, headers=headers)
                assert answer.status_code == 401 and answer.json()["code"] == 20003
                assert answer.json()["status"] == 401 and "WWW-Authenticate" in answer.headers
        headers = {"Authorization": aiohttp.encode_basic_auth(SID, TOKEN)}
        other = await http.get("/2010-04-01/Accounts/AC" + "9" * 32 + "/Calls.json", headers=headers)
        assert other.status_code == 403
        missing = await http.get(paths[2], headers=headers)
        assert missing.status_code == 404 and missing.json()["code"] == 20404
        wrong_method = await http.put(paths[0], headers=headers)
        assert wrong_method.status_code == 405 and wrong_method.json()["code"] == 20004
        assert (await http.get("/healthz")).json()["status"] == "ok"


async def test_calls_are_listed_fetched_and_ended(carrier: Carrier, client: Client, app: App) -> None:
    carrier.number(voice_url=app.answer("/voice", '<Pause length="60"/>'), status_callback=app.url + "/status")
    sid = await carrier.phone.place()
    await eventually(lambda: carrier.exchange.calls[sid].record.status == "in-progress")
    [live] = await ask(lambda: client.calls.list(status="in-progress", to=NUMBER))
    assert (live.sid, live._from, live.direction, live.end_time) == (sid, CALLER, "inbound", None)
    ended = await ask(lambda: client.calls(sid).update(status="completed"))
    assert ended.sid == sid
    result = await carrier.phone.result(sid)
    assert result["ended_by"] == "line"
    fetched = await ask(lambda: client.calls(sid).fetch())
    assert fetched.status == "completed" and fetched.duration == str(round(result["seconds"]))
    assert (await app.wait_for("/status"))[0].params["CallSid"] == sid


async def test_a_call_that_is_over_cannot_be_ended_or_redirected(carrier: Carrier, client: Client, app: App) -> None:
    carrier.number(voice_url=app.answer("/voice", "<Hangup/>"))
    sid = (await carrier.phone.call())["call_sid"]
    with pytest.raises(TwilioRestException) as caught:
        await ask(lambda: client.calls(sid).update(status="completed"))
    assert (caught.value.status, caught.value.code) == (404, 20404)
    with pytest.raises(TwilioRestException) as caught:
        await ask(lambda: client.calls(sid).update(twiml="<Response><Say>x</Say></Response>"))
    assert (caught.value.status, caught.value.code) == (400, 21220)
    with pytest.raises(TwilioRestException) as caught:
        await ask(lambda: client.calls("CA" + "0" * 32).fetch())
    assert (caught.value.status, caught.value.code) == (404, 20404)


@pytest.mark.parametrize("how", ["twiml", "url"])
async def test_a_live_call_is_redirected(carrier: Carrier, client: Client, app: App, how: str, speech: Any) -> None:
    app.answers["/new"] = "<Say>Redirected</Say>"
    carrier.number(voice_url=app.answer("/voice", '<Say>Old</Say><Pause length="60"/>'))
    sid = await carrier.phone.place()
    await eventually(lambda: len(speech.asked) == 1)
    update = {"url": app.url + "/new"} if how == "url" else {"twiml": "<Response><Say>Redirected</Say></Response>"}
    await ask(lambda: client.calls(sid).update(**update))
    result = await carrier.phone.result(sid)
    assert result["seconds"] < 5 and [one["input"] for one in speech.asked] == ["Old", "Redirected"]
    assert [one.ok for one in app.of("/new")] == ([True] if how == "url" else [])


async def test_bad_twiml_is_refused_before_the_call_is_touched(carrier: Carrier, client: Client, app: App) -> None:
    carrier.number(voice_url=app.answer("/voice", '<Pause length="60"/>'))
    sid = await carrier.phone.place()
    await eventually(lambda: carrier.exchange.calls[sid].record.status == "in-progress")
    with pytest.raises(TwilioRestException) as caught:
        await ask(lambda: client.calls(sid).update(twiml="<Response><Sing/></Response>"))
    assert caught.value.code == 12200
    assert carrier.exchange.calls[sid].record.status == "in-progress"


async def test_recordings_are_listed_fetched_heard_and_deleted(carrier: Carrier, client: Client, app: App) -> None:
    app.answers["/done"] = "<Hangup/>"
    carrier.number(voice_url=app.answer("/voice", '<Say>Hi</Say><Record action="/done" timeout="1"/>'))
    await carrier.phone.call([wav_turn(0.5)])
    [recording] = await ask(lambda: client.recordings.list())
    assert (recording.status, recording.source, recording.channels) == ("completed", "RecordVerb", 1)
    [same] = await ask(lambda: client.calls(recording.call_sid).recordings.list())
    assert same.sid == recording.sid
    fetched = await ask(lambda: client.recordings(recording.sid).fetch())
    assert fetched.duration == recording.duration
    base = f"{carrier.url}/2010-04-01/Accounts/{SID}/Recordings/{recording.sid}"
    async with httpx.AsyncClient(auth=(SID, TOKEN)) as http:
        for suffix in ("", ".wav"):
            answer = await http.get(base + suffix)
            assert answer.status_code == 200 and answer.content[:4] == b"RIFF"
            assert answer.headers["content-type"] == "audio/x-wav"
        assert (await http.get(base + ".mp3")).status_code == 404
        assert (await http.get(base + "/../../../../carrier.sqlite3")).status_code == 404
    assert await ask(lambda: client.recordings(recording.sid).delete())
    assert not carrier.exchange.store.audio_path(recording.sid).exists()
    with pytest.raises(TwilioRestException) as caught:
        await ask(lambda: client.recordings(recording.sid).fetch())
    assert caught.value.status == 404


async def test_a_live_call_is_recorded_on_request(carrier: Carrier, client: Client, app: App) -> None:
    carrier.number(voice_url=app.answer("/voice", '<Pause length="60"/>'))
    sid = await carrier.phone.place()
    await eventually(lambda: carrier.exchange.calls[sid].record.status == "in-progress")
    started = await ask(
        lambda: client.calls(sid).recordings.create(
            recording_channels="dual", recording_status_callback=app.url + "/rec"
        )
    )
    assert started.status == "in-progress"
    [active] = carrier.exchange.calls[sid].recordings
    await eventually(lambda: active.recorder.seconds > 0.1)
    await ask(lambda: client.calls(sid).update(status="completed"))
    [told] = await app.wait_for("/rec")
    assert told.ok and told.params["RecordingSid"] == started.sid


# --- outgoing calls


async def test_an_outgoing_call_reaches_a_number_of_ours_and_is_heard_there(
    carrier: Carrier, client: Client, app: App
) -> None:
    carrier.number("+15552000001")
    app.answers["/done"] = "<Hangup/>"
    carrier.number(voice_url=app.answer("/voice", '<Record action="/done" timeout="2" playBeep="false"/>'))
    placed = await ask(
        lambda: client.calls.create(
            to=NUMBER,
            from_="+15552000001",
            twiml='<Response><Say>Hello there</Say><Pause length="5"/></Response>',
            status_callback=app.url + "/status",
            status_callback_event=["initiated", "ringing", "answered", "completed"],
        )
    )
    assert placed.direction == "outbound-api"
    [done] = await app.wait_for("/done")
    assert done.params["From"] == "+15552000001" and done.params["Direction"] == "inbound"
    told = await app.wait_for("/status", 4)
    assert {one.params["CallStatus"] for one in told} == {"queued", "ringing", "in-progress", "completed"}
    assert all(one.ok and one.params["CallSid"] == placed.sid for one in told)
    assert sorted(one.params["SequenceNumber"] for one in told) == ["0", "1", "2", "3"]


async def test_an_outgoing_call_that_is_rejected_is_busy(carrier: Carrier, client: Client, app: App) -> None:
    carrier.number("+15552000001")
    carrier.number(voice_url=app.answer("/voice", '<Reject reason="busy"/>'))
    placed = await ask(
        lambda: client.calls.create(
            to=NUMBER,
            from_="+15552000001",
            url=app.url + "/never",
            status_callback=app.url + "/status",
        )
    )
    [told] = await app.wait_for("/status")
    assert told.params["CallStatus"] == "busy" and told.params["CallSid"] == placed.sid
    assert not app.of("/never")


async def test_an_outgoing_call_to_the_outside_fails_and_says_so(carrier: Carrier, client: Client, app: App) -> None:
    carrier.number()
    placed = await ask(
        lambda: client.calls.create(
            to="+442071838750", from_=NUMBER, url=app.url + "/x", status_callback=app.url + "/status"
        )
    )
    assert placed.status == "failed"
    assert (await app.wait_for("/status"))[0].params["CallStatus"] == "failed"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"to": "nobody", "from_": NUMBER, "url": "https://a.example"}, 21211),
        ({"to": CALLER, "from_": CALLER, "url": "https://a.example"}, 21210),
        ({"to": CALLER, "from_": NUMBER}, 21205),
        ({"to": CALLER, "from_": NUMBER, "twiml": "<Response><Sing/></Response>"}, 12200),
        (
            {"to": CALLER, "from_": NUMBER, "url": "https://a.example", "status_callback_event": ["finished"]},
            21626,
        ),
    ],
)
async def test_a_bad_outgoing_call_is_refused(
    carrier: Carrier, client: Client, form: dict[str, Any], code: int
) -> None:
    carrier.number()
    with pytest.raises(TwilioRestException) as caught:
        await ask(lambda: client.calls.create(**form))
    assert (caught.value.status, caught.value.code) == (400, code)
