"""Incoming calls over real sockets: webhooks, signatures, the ladder of fallbacks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from carrier.settings import Settings
from tests.carrier.stage import (
    CALLER,
    NUMBER,
    SID,
    App,
    Carrier,
    Request,
    Responder,
    SpeechServer,
    eventually,
    heard,
    loud_seconds,
    running,
)


async def test_a_call_asks_the_voice_url_and_speaks_its_answer(carrier: Carrier, app: App) -> None:
    url = app.answer("/voice", "<Say>Hello</Say>") + "?tenant=a%2Fb"
    carrier.number(voice_url=url, status_callback=app.url + "/status")
    result = await carrier.phone.call()
    [request] = app.of("/voice")
    assert request.ok and request.method == "POST"
    assert request.headers["I-Twilio-Idempotency-Token"]
    expected = {"From": CALLER, "To": NUMBER, "AccountSid": SID, "Direction": "inbound", "ApiVersion": "2010-04-01"}
    assert expected.items() <= request.params.items()
    assert request.params["CallStatus"] == "ringing"
    assert request.params["CallSid"].startswith("CA")
    assert result["status"] == "completed" and result["ended_by"] == "line"
    _, line = heard(result)
    assert 0.16 <= loud_seconds(line) <= 0.24
    [status] = await app.wait_for("/status")
    assert status.ok and status.params["CallStatus"] == "completed"
    assert status.params["CallbackSource"] == "call-progress-events"
    assert int(status.params["CallDuration"]) == round(result["seconds"])


async def test_an_unknown_number_is_not_in_service(carrier: Carrier) -> None:
    async with aiohttp.ClientSession(headers=carrier.phone.headers) as http:
        body = {"from": CALLER, "to": "+15559999999", "turns": []}
        async with http.post(f"{carrier.url}/phones/calls", json=body) as response:
            assert response.status == 404
            assert "not in service" in (await response.json())["message"]


async def test_a_failing_application_is_asked_once_more_and_then_its_fallback(carrier: Carrier, app: App) -> None:
    carrier.number(
        voice_url=app.answer("/voice", lambda request: web.Response(status=500)),
        voice_fallback_url=app.answer("/fallback", "<Say>Sorry</Say>"),
    )
    await carrier.phone.call()
    first, second = app.of("/voice")
    assert first.headers["I-Twilio-Idempotency-Token"] == second.headers["I-Twilio-Idempotency-Token"]
    assert first.ok and second.ok
    [fallback] = app.of("/fallback")
    assert fallback.ok
    assert fallback.params["ErrorCode"] == "11200" and fallback.params["ErrorUrl"] == app.url + "/voice"


@pytest.mark.parametrize(
    ("answer", "tries", "code"),
    [
        (lambda r: web.Response(status=403), 1, "11200"),
        (lambda r: web.Response(text="<Response><Say>", content_type="text/xml"), 2, "12100"),
        (lambda r: web.Response(text="<Response><Sing/></Response>", content_type="text/xml"), 2, "12200"),
        (lambda r: web.Response(text="{}", content_type="application/json"), 2, "12300"),
        (lambda r: web.Response(body=b"x" * 70_000, content_type="text/xml"), 2, "11750"),
    ],
    ids=["refused", "broken", "unknown verb", "not xml", "too large"],
)
async def test_an_unusable_answer_leads_to_the_fallback(
    carrier: Carrier, app: App, answer: Responder, tries: int, code: str
) -> None:
    carrier.number(
        voice_url=app.answer("/voice", answer), voice_fallback_url=app.answer("/fallback", "<Say>Sorry</Say>")
    )
    result = await carrier.phone.call()
    assert len(app.of("/voice")) == tries
    assert app.of("/fallback")[0].params["ErrorCode"] == code
    assert loud_seconds(heard(result)[1]) > 0.1


async def test_a_silent_application_is_given_up_after_its_time(carrier: Carrier, app: App) -> None:
    async def never(request: Request) -> str:
        await asyncio.sleep(30)
        return ""

    carrier.number(
        voice_url=app.answer("/voice", never), voice_fallback_url=app.answer("/fallback", "<Say>Sorry</Say>")
    )
    await carrier.phone.call()
    # Not asked again: the caller has waited long enough.
    assert len(app.of("/voice")) == 1 and len(app.of("/fallback")) == 1


@pytest.mark.parametrize("speech_works", [True, False])
async def test_a_caller_hears_an_apology_when_nothing_can_be_reached(
    carrier: Carrier, app: App, speech: SpeechServer, speech_works: bool
) -> None:
    speech.fails = not speech_works
    carrier.number(voice_url="http://127.0.0.1:9/voice", status_callback=app.url + "/status")
    result = await carrier.phone.call()
    assert result["status"] == "completed" and result["ended_by"] == "line"
    assert "application error" in speech.asked[0]["input"]
    # Speech, or a tone in its place: never silence.
    assert loud_seconds(heard(result)[1]) > 0.15
    assert (await app.wait_for("/status"))[0].params["CallStatus"] == "completed"


async def test_a_number_without_a_voice_url_says_so_instead_of_nothing(carrier: Carrier, speech: SpeechServer) -> None:
    carrier.number()
    result = await carrier.phone.call()
    assert loud_seconds(heard(result)[1]) > 0.15


@pytest.mark.parametrize(("reason", "status"), [("rejected", "no-answer"), ("busy", "busy")])
async def test_a_rejected_call_is_never_answered(carrier: Carrier, app: App, reason: str, status: str) -> None:
    url = app.answer("/voice", f'<Reject reason="{reason}"/>')
    carrier.number(voice_url=url, status_callback=app.url + "/status")
    result = await carrier.phone.call()
    assert result["status"] == status and result["seconds"] == 0
    [told] = await app.wait_for("/status")
    assert told.params["CallStatus"] == status and told.params["CallDuration"] == "0"


async def test_a_get_webhook_carries_signed_parameters_in_its_query(carrier: Carrier, app: App) -> None:
    carrier.number(voice_url=app.answer("/voice", "<Say>Hello</Say>") + "?a=1", voice_method="GET")
    await carrier.phone.call()
    [request] = app.of("/voice")
    assert request.method == "GET" and request.ok
    assert request.params["a"] == "1" and request.params["To"] == NUMBER


async def test_connection_overrides_in_a_url_are_neither_sent_nor_signed(carrier: Carrier, app: App) -> None:
    carrier.number(voice_url=app.answer("/voice", "<Say>Hello</Say>") + "#rc=3&rp=ct")
    await carrier.phone.call()
    assert app.of("/voice")[0].ok


async def test_redirects_are_followed_relative_to_the_document(carrier: Carrier, app: App) -> None:
    app.answers["/ivr/next"] = "<Say>Next</Say>"
    carrier.number(voice_url=app.answer("/ivr/voice", "<Redirect>next?x=1</Redirect>"))
    await carrier.phone.call()
    [following] = app.of("/ivr/next")
    assert following.ok and following.params["CallStatus"] == "in-progress"


async def test_a_redirect_loop_ends_in_the_apology(carrier: Carrier, app: App, speech: SpeechServer) -> None:
    carrier.number(voice_url=app.answer("/voice", "<Redirect>/voice</Redirect>"))
    result = await carrier.phone.call()
    assert result["ended_by"] == "line" and loud_seconds(heard(result)[1]) > 0.1
    assert len(app.of("/voice")) < 50


async def test_a_status_callback_is_sent_again_until_it_is_taken(carrier: Carrier, app: App) -> None:
    def grumpy(request: Request) -> web.Response:
        return web.Response(status=503 if len(app.of("/status")) < 3 else 204)

    carrier.number(voice_url=app.answer("/voice", "<Hangup/>"), status_callback=app.answer("/status", grumpy))
    await carrier.phone.call()
    first, *again = await app.wait_for("/status", 3)
    token = first.headers["I-Twilio-Idempotency-Token"]
    assert all(one.params == first.params and one.headers["I-Twilio-Idempotency-Token"] == token for one in again)


async def test_an_answer_without_verbs_ends_the_call(carrier: Carrier, app: App) -> None:
    carrier.number(voice_url=app.answer("/voice", ""))
    result = await carrier.phone.call()
    assert result["status"] == "completed" and result["ended_by"] == "line"


async def test_a_caller_who_gives_up_while_it_rings_was_not_answered(carrier: Carrier, app: App) -> None:
    gone = asyncio.Event()

    async def slow(request: Request) -> str:
        await gone.wait()
        return "<Say>Hello</Say>"

    carrier.number(voice_url=app.answer("/voice", slow), status_callback=app.url + "/status")
    sid = await carrier.phone.place()
    await app.wait_for("/voice")
    carrier.exchange.calls[sid].line.hang_up("caller")
    gone.set()
    [told] = await app.wait_for("/status")
    assert told.params["CallStatus"] == "no-answer"
    assert (await carrier.phone.result(sid))["seconds"] == 0


async def test_calls_that_a_killed_process_left_open_are_closed_at_the_next_start(settings: Settings, app: App) -> None:
    async with running(settings) as carrier:
        carrier.number(voice_url=app.answer("/voice", '<Pause length="20"/>'), status_callback=app.url + "/status")
        sid = await carrier.phone.place()
        await app.wait_for("/voice")
        await eventually(lambda: carrier.exchange.calls[sid].record.status == "in-progress")
        # What the disk holds at this moment is what a killed process leaves behind.
        left = carrier.exchange.store.calls.get(sid)
        assert left is not None
    app.requests.clear()
    async with running(settings) as carrier:
        carrier.exchange.store.calls.put(left)
        carrier.exchange.end_stale_calls()
        [told] = await app.wait_for("/status")
        assert told.params["CallSid"] == sid and told.params["CallStatus"] == "completed"
        closed = carrier.exchange.store.calls.get(sid)
        assert closed is not None and closed.status == "completed"


async def test_stopping_the_carrier_hangs_up_and_tells(settings: Settings, app: App) -> None:
    async with running(settings) as carrier:
        carrier.number(voice_url=app.answer("/voice", '<Pause length="20"/>'), status_callback=app.url + "/status")
        await carrier.phone.place()
        await app.wait_for("/voice")
    [told] = app.of("/status")
    assert told.ok and told.params["CallStatus"] in {"completed", "no-answer"}


async def test_a_fault_inside_the_carrier_is_heard_as_the_apology(
    carrier: Carrier, app: App, speech: SpeechServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A disk that can't be written any more.
    monkeypatch.setattr(carrier.exchange.store, "audio_path", lambda sid: Path("/proc/nowhere.wav"))
    carrier.number(voice_url=app.answer("/voice", '<Record playBeep="false"/>'), status_callback=app.url + "/status")
    result = await carrier.phone.call()
    assert result["status"] == "completed" and loud_seconds(heard(result)[1]) > 0.1
    assert "application error" in speech.asked[0]["input"]
    await app.wait_for("/status")
