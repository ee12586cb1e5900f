"""The phone in a browser, with a scripted browser: its frames by hand, its media by aiortc."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import jwt
import numpy as np
import pytest
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import VoiceGrant

from carrier.phones import browser
from carrier.phones.browser_media import Peer
from carrier.settings import Settings
from carrier.tones import SILENT_FRAME, tone
from common.audio import FRAME_BYTES, ulaw_decode
from tests.carrier.stage import NUMBER, SID, TOKEN, App, Carrier, Socket, eventually, running

KEY, SECRET, APPLICATION = "SK" + "1" * 32, "s" * 32, "AP" + "2" * 32
TONE = tone(440, ms=20)


def token(identity: str = "alice", *, incoming: bool = True, secret: str = SECRET, ttl: int = 60, **more: Any) -> str:
    """An access token made by Twilio's own class."""
    made = AccessToken(SID, KEY, secret, identity=identity, ttl=ttl)
    grant = VoiceGrant(incoming_allow=incoming, outgoing_application_sid=more.pop("application", APPLICATION), **more)
    made.add_grant(grant)
    return str(made.to_jwt())


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, api_key_sid=KEY, api_key_secret=SECRET, application_sid=APPLICATION)


@pytest.fixture
async def carrier(settings: Settings, app: App) -> AsyncIterator[Carrier]:
    async with running(settings) as one:
        application = one.exchange.store.applications.get(APPLICATION)
        assert application is not None  # adopted
        application.voice_url, application.status_callback = app.url + "/client", app.url + "/status"
        one.exchange.store.applications.put(application)
        one.number(voice_url=app.url + "/voice")
        yield one


class Browser:
    """What the SDK does, one step at a time."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.peer = Peer()
        self.sid = ""
        self.heard: list[bytes] = []
        self.speaks = SILENT_FRAME
        self._clock: asyncio.Task[None] | None = None

    async def send(self, kind: str, **payload: Any) -> None:
        await self.ws.send_str(json.dumps({"type": kind, "version": "1.6", "payload": payload}))

    async def receive(self, kind: str) -> dict[str, Any]:
        """The next frame, which must be of this kind."""
        async with asyncio.timeout(5):
            while (text := await self.ws.receive_str()) == "\n":
                pass
        frame = json.loads(text)
        assert frame["type"] == kind, frame
        payload: dict[str, Any] = frame["payload"]
        return payload

    async def listen(self, access: str | None = None) -> dict[str, Any]:
        await self.send("listen", token=access or token(), browserinfo={}, reconnectTimeout=0)
        return await self.receive("connected")

    async def dial(self, params: str = "") -> None:
        """Call the application, up to its answer."""
        await self.send("invite", callsid="TJS1", sdp=await self.peer.offer(), twilio={"params": params})
        ringing = await self.receive("ringing")
        await self.peer.accept(ringing["sdp"])
        self.talk()

    async def answered(self) -> dict[str, Any]:
        answer = await self.receive("answer")
        self.sid = answer["callsid"]
        return answer

    def talk(self) -> None:
        """One frame each way every 20 ms from now on."""
        self._clock = asyncio.create_task(self._talk())

    async def _talk(self) -> None:
        while True:
            self.peer.write(self.speaks)
            self.heard.append(self.peer.read())
            await asyncio.sleep(0.02)

    def level(self, last: int = 25) -> float:
        """Loudness (RMS) of what was heard last."""
        return rms(b"".join(self.heard[-last:]))

    async def close(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
        await self.peer.close()
        await self.ws.close()


def rms(ulaw: bytes) -> float:
    return float(np.sqrt((ulaw_decode(ulaw).astype(float) ** 2).mean())) if ulaw else 0.0


@asynccontextmanager
async def a_browser(carrier: Carrier) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession() as http, http.ws_connect(carrier.url + "/signal") as ws:
        one = Browser(ws)
        try:
            yield one
        finally:
            await one.close()


class Rest:
    """The account's REST interface."""

    def __init__(self, carrier: Carrier) -> None:
        self._calls = f"{carrier.url}/2010-04-01/Accounts/{SID}/Calls"

    async def post(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        headers = {"Authorization": aiohttp.encode_basic_auth(SID, TOKEN)}
        async with aiohttp.ClientSession(headers=headers) as http, http.post(self._calls + path, data=form) as answer:
            body: dict[str, Any] = await answer.json()
            assert answer.status < 300, body
            return body

    async def create_call(self, to: str, url: str, told: str) -> str:
        form = {"To": to, "From": NUMBER, "Url": url, "StatusCallback": told}
        return str((await self.post(".json", form))["sid"])

    async def end_call(self, sid: str, status: str) -> None:
        await self.post(f"/{sid}.json", {"Status": status})


def stream(app: App) -> str:
    return f"<Connect><Stream url='{app.url.replace('http', 'ws')}/media'/></Connect>"


async def test_a_browser_calls_the_application_and_both_sides_hear_each_other(carrier: Carrier, app: App) -> None:
    caught: list[bytes] = []

    async def echo_a_tone(socket: Socket) -> None:
        await socket.receive("start")
        await socket.say(tone(440, ms=4000))
        while frame := await socket.receive("media", "dtmf"):
            if frame["event"] == "dtmf":
                caught.append(frame["dtmf"]["digit"].encode())
            else:
                caught.append(base64.b64decode(frame["media"]["payload"]))

    app.answer("/client", stream(app))
    app.stream = echo_a_tone
    async with a_browser(carrier) as one:
        await one.listen()
        one.speaks = TONE
        await one.dial("ticket=abc&name=J%C3%B6")
        await one.answered()
        [request] = await app.wait_for("/client")
        assert request.ok
        assert request.params["From"] == "client:alice" and request.params["CallSid"] == one.sid
        assert (request.params["ticket"], request.params["name"]) == ("abc", "Jö")
        await eventually(lambda: one.level() > 0.9 * rms(TONE))
        await eventually(lambda: rms(b"".join(c for c in caught[-20:] if len(c) == FRAME_BYTES)) > 0.9 * rms(TONE))
        await one.send("dtmf", callsid=one.sid, dtmf="5#")
        await eventually(lambda: b"5" in caught and b"#" in caught)
        await one.send("hangup", callsid=one.sid)
        [status] = await app.wait_for("/status")
        assert status.params["CallStatus"] == "completed"
    assert not carrier.exchange.browser_phones


async def test_the_line_hangs_up_on_the_browser(carrier: Carrier, app: App) -> None:
    app.answer("/client", "<Pause length='1'/><Hangup/>")
    async with a_browser(carrier) as one:
        await one.listen()
        await one.dial()
        await one.answered()
        assert (await one.receive("hangup"))["callsid"] == one.sid


async def test_parameters_of_the_browser_never_replace_those_of_the_call(carrier: Carrier, app: App) -> None:
    app.answer("/client", "<Reject/>")
    async with a_browser(carrier) as one:
        await one.listen(token(outgoing_application_params={"seat": "7"}))
        await one.dial("From=%2B15550001111&CallSid=CAother&AccountSid=ACother&seat=1")
        [request] = await app.wait_for("/client")
    assert request.params["From"] == "client:alice"
    assert request.params["AccountSid"] == SID
    assert request.params["CallSid"] != "CAother"
    assert request.params["seat"] == "7"  # what the token says was signed by the application


@pytest.mark.parametrize(
    ("access", "code"),
    [
        ("not a token", 31204),
        (token(secret="another secret of this length ..."), 31204),
        (token(ttl=-60), 31205),
        (
            jwt.encode({"iss": KEY, "sub": SID, "exp": time.time() + 86400, "grants": {"identity": "eve"}}, SECRET),
            31204,
        ),
        (7, 31204),
    ],
)
async def test_a_token_that_is_not_genuine_opens_nothing(carrier: Carrier, access: Any, code: int) -> None:
    async with a_browser(carrier) as one:
        await one.send("listen", token=access)
        assert (await one.receive("error"))["error"]["code"] == code
        await one.send("register", media={"audio": True})
        assert (await one.receive("error"))["error"]["code"] == 31204
    assert not carrier.exchange.clients


async def test_grants_are_honoured(carrier: Carrier) -> None:
    async with a_browser(carrier) as one:
        await one.listen(token(incoming=False, application="AP" + "9" * 32))
        await one.send("register", media={"audio": True})
        assert (await one.receive("error"))["error"]["code"] == 31201
        await one.send("invite", callsid="TJS1", sdp=await one.peer.offer(), twilio={"params": ""})
        assert "application" in (await one.receive("hangup"))["error"]["message"]
    assert not carrier.exchange.calls


@pytest.mark.parametrize(
    "frame", ["{", "7", "[]", '{"type": "invite"}', '{"type": "invite", "payload": 3}', '{"payload": {}}']
)
async def test_frames_that_make_no_sense_change_nothing(carrier: Carrier, frame: str) -> None:
    async with a_browser(carrier) as one:
        await one.listen()
        await one.ws.send_str(frame)
        assert (await one.receive("error"))["error"]["code"] in {31100, 31486}
        await one.send("register", media={})
        await one.receive("ready")


@pytest.mark.parametrize("sdp", ["", "v=0", "m=audio nonsense", 5, None, "m=audio" + "x" * 40_000])
async def test_an_unusable_description_ends_the_attempt_with_words(carrier: Carrier, sdp: Any) -> None:
    async with a_browser(carrier) as one:
        await one.listen()
        await one.send("invite", callsid="TJS1", sdp=sdp, twilio={})
        assert (await one.receive("hangup"))["error"]["message"]
    assert not carrier.exchange.calls


async def test_a_browser_that_goes_away_before_the_answer_leaves_no_call(carrier: Carrier) -> None:
    async with a_browser(carrier) as one:
        await one.listen()
        await one.send("invite", callsid="TJS1", sdp=await one.peer.offer(), twilio={})
        await one.receive("ringing")  # and never says where its audio comes from
        await one.send("hangup", callsid="TJS1")
        await one.listen()
    assert not carrier.exchange.calls


async def test_signalling_that_breaks_and_returns_keeps_the_call(carrier: Carrier, app: App) -> None:
    app.answer("/client", "<Pause length='20'/>")
    async with a_browser(carrier) as one:
        await one.listen()
        await one.dial()
        reconnect = (await one.answered())["reconnect"]
        await one.ws.close()
        async with a_browser(carrier) as again:
            await again.listen(token("mallory"))
            await again.send("invite", callsid=one.sid, sdp="", reconnect=reconnect)
            assert (await again.receive("hangup"))["callsid"] == one.sid  # not hers
        async with a_browser(carrier) as again:
            await again.listen()
            await again.send("invite", callsid=one.sid, sdp="", reconnect=reconnect)
            assert (await again.receive("answer"))["callsid"] == one.sid
            assert carrier.exchange.calls[one.sid].record.status == "in-progress"
            heard = len(one.heard)
            await eventually(lambda: len(one.heard) > heard + 10)
            carrier.exchange.calls[one.sid].line.hang_up("line")
            assert (await again.receive("hangup"))["callsid"] == one.sid


async def test_a_browser_that_does_not_come_back_has_hung_up(
    carrier: Carrier, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "RETURN_SECONDS", 0.05)
    app.answer("/client", "<Pause length='20'/>")
    async with a_browser(carrier) as one:
        await one.listen()
        await one.dial()
        await one.answered()
        await one.ws.close()
        await app.wait_for("/status")


@asynccontextmanager
async def rung(carrier: Carrier, app: App) -> AsyncIterator[tuple[Browser, dict[str, Any], str]]:
    """A registered browser that rings, its invite, and the call's SID."""
    rest = Rest(carrier)
    async with a_browser(carrier) as one:
        await one.listen()
        await one.send("register", media={"audio": True})
        await one.receive("ready")
        call = await rest.create_call("client:alice", app.url + "/out", app.url + "/told")
        invite = await one.receive("invite")
        assert invite["parameters"]["From"] == NUMBER
        assert invite["callsid"] == call
        yield one, invite, call


async def test_rest_rings_a_browser_which_takes_the_call(carrier: Carrier, app: App) -> None:
    app.answer("/out", "<Play digits='1'/><Pause length='5'/>")
    async with rung(carrier, app) as (one, invite, call):
        await one.send("answer", callsid=call, sdp=await one.peer.answer(invite["sdp"]))
        one.talk()
        await app.wait_for("/out")
        await eventually(lambda: any(rms(frame) > 1000 for frame in one.heard))
        await one.send("hangup", callsid=call)
        [told] = await app.wait_for("/told")
        assert told.params["CallStatus"] == "completed"


async def test_a_browser_refuses_a_call(carrier: Carrier, app: App) -> None:
    async with rung(carrier, app) as (one, _, call):
        await one.send("reject", callsid=call)
        [told] = await app.wait_for("/told")
        assert told.params["CallStatus"] == "busy"
    assert not app.of("/out")


async def test_a_call_withdrawn_stops_ringing(carrier: Carrier, app: App) -> None:
    async with rung(carrier, app) as (one, _, call):
        await Rest(carrier).end_call(call, "canceled")
        assert (await one.receive("cancel"))["callsid"] == call
        [told] = await app.wait_for("/told")
        assert told.params["CallStatus"] == "canceled"


async def test_nobody_registered_is_no_answer(carrier: Carrier, app: App) -> None:
    call = await Rest(carrier).create_call("client:bob", app.url + "/out", app.url + "/told")
    [told] = await app.wait_for("/told")
    assert told.params["CallStatus"] == "no-answer"
    assert carrier.exchange.store.calls.get(call) is not None
