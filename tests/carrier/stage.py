"""The stage: a running carrier, a scripted application, a scripted speech server, all on 127.0.0.1, free ports."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy as np
from aiohttp import web
from twilio.request_validator import RequestValidator

from carrier.exchange import Exchange
from carrier.resources import PhoneNumber
from carrier.rest.access import EXCHANGE
from carrier.server import make_app
from carrier.settings import Settings
from carrier.tones import tone
from common.audio import read_wav, ulaw_decode, write_wav

SID = "AC" + "0123456789abcdef" * 2
TOKEN = "a-token-of-the-tests"
NUMBER = "+15552000000"
CALLER = "+15557654321"


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    """`app` on a free port; yields its base URL."""
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@dataclass
class Request:
    """One webhook as it arrived; `ok` is Twilio's own validator's verdict."""

    path: str
    params: dict[str, str]
    ok: bool
    method: str
    headers: dict[str, str]


Responder = Callable[[Request], Awaitable[web.Response] | web.Response | str]
StreamScript = Callable[["Socket"], Awaitable[None]]


@dataclass
class Socket:
    """The application's end of a media stream."""

    ws: web.WebSocketResponse
    signature_ok: bool
    frames: list[dict[str, Any]] = field(default_factory=list)
    stream_sid: str = ""

    async def receive(self, *events: str) -> dict[str, Any] | None:
        """The next frame (of these events), or None when the carrier is gone."""
        async for message in self.ws:
            frame: dict[str, Any] = json.loads(message.data)
            self.frames.append(frame)
            if frame["event"] == "start":
                self.stream_sid = frame["streamSid"]
            if not events or frame["event"] in events:
                return frame
        return None

    async def send(self, event: str, **body: Any) -> None:
        await self.ws.send_str(json.dumps({"event": event, "streamSid": self.stream_sid, **body}))

    async def say(self, audio: bytes) -> None:
        await self.send("media", media={"payload": base64.b64encode(audio).decode()})

    async def mark(self, name: str) -> None:
        await self.send("mark", mark={"name": name})


class App:
    """The application of a test: answers by path, remembers every request."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.answers: dict[str, Responder | str] = {}
        self.files: dict[str, tuple[bytes, str]] = {}
        self.stream: StreamScript | None = None
        self.sockets: list[Socket] = []
        self._arrived = asyncio.Condition()
        self._validator = RequestValidator(TOKEN)

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/media", self._media)
        app.router.add_route("*", "/{path:.*}", self._webhook)
        return app

    def answer(self, path: str, twiml: str | Responder) -> str:
        """Answer `path` with verbs (or whatever a function says); returns its URL."""
        self.answers[path] = twiml
        return self.url + path

    async def _webhook(self, request: web.Request) -> web.Response:
        if request.path in self.files:
            data, kind = self.files[request.path]
            return web.Response(body=data, content_type=kind)
        params = {k: str(v) for k, v in (await request.post()).items()}
        ok = self._validator.validate(
            self.url + request.raw_path, params, request.headers.get("X-Twilio-Signature", "")
        )
        seen = Request(request.path, params | dict(request.query), ok, request.method, dict(request.headers))
        async with self._arrived:
            self.requests.append(seen)
            self._arrived.notify_all()
        answer = self.answers.get(request.path, "")
        if callable(answer):
            answer = answer(seen)  # type: ignore[assignment]
            if not isinstance(answer, str | web.Response):
                answer = await answer
        if isinstance(answer, web.Response):
            return answer
        return web.Response(text=f"<Response>{answer}</Response>", content_type="text/xml")

    async def _media(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(max_msg_size=0)
        await ws.prepare(request)
        url = self.url.replace("http", "ws") + request.path
        ok = self._validator.validate(url, {}, request.headers.get("x-twilio-signature", ""))
        socket = Socket(ws, ok)
        self.sockets.append(socket)
        if self.stream is not None:
            await self.stream(socket)
        return ws

    def of(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    async def wait_for(self, path: str, count: int = 1, seconds: float = 10.0) -> list[Request]:
        """Until `path` was asked `count` times."""
        async with asyncio.timeout(seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(self.of(path)) >= count)
        return self.of(path)


class SpeechServer:
    """An OpenAI-compatible speech endpoint: every sentence is a tone of 200 ms, unless it `fails`."""

    def __init__(self) -> None:
        self.url = ""
        self.fails = False
        self.slow: asyncio.Event | None = None
        self.asked: list[dict[str, Any]] = []

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/audio/speech", self._speech)
        return app

    async def _speech(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        if self.slow is not None:
            await self.slow.wait()
        if self.fails:
            return web.Response(status=503)
        return web.Response(body=tone(440, ms=200), content_type="audio/basic")


class Phone:
    """A client of ``/phones/calls``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.headers = {"Authorization": aiohttp.encode_basic_auth(SID, TOKEN)}

    async def place(self, turns: list[dict[str, Any]] | None = None, **extra: Any) -> str:
        body = {"from": CALLER, "to": NUMBER, "turns": turns or [], "max_seconds": 30} | extra
        async with (
            aiohttp.ClientSession(headers=self.headers) as http,
            http.post(f"{self.url}/phones/calls", json=body) as r,
        ):
            assert r.status == 201, await r.text()
            return str((await r.json())["call_sid"])

    async def result(self, sid: str, wait: float = 30) -> dict[str, Any]:
        url = f"{self.url}/phones/calls/{sid}?wait={wait}"
        async with aiohttp.ClientSession(headers=self.headers) as http, http.get(url) as response:
            assert response.status == 200
            result: dict[str, Any] = await response.json()
            return result

    async def call(self, turns: list[dict[str, Any]] | None = None, **extra: Any) -> dict[str, Any]:
        return await self.result(await self.place(turns, **extra))


@dataclass
class Carrier:
    """The running carrier of a test."""

    url: str
    exchange: Exchange
    phone: Phone

    def number(self, phone_number: str = NUMBER, **urls: str) -> PhoneNumber:
        number = PhoneNumber(SID, phone_number, **urls)
        self.exchange.store.numbers.put(number)
        return number


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Carrier]:
    application = make_app(settings)
    async with served(application) as url:
        yield Carrier(url, application[EXCHANGE], Phone(url))


async def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Until `condition` holds; for what has no event to wait for."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - that is what it is
            await asyncio.sleep(0.005)


# --- sound


def voice(seconds: float) -> bytes:
    """Loud mu-law."""
    return tone(300, 800, ms=int(seconds * 1000))


def wav_turn(seconds: float, rate: int = 8000, **extra: Any) -> dict[str, Any]:
    """A turn of the WAV phone that is `seconds` of loud sound at `rate`."""
    time = np.arange(int(rate * seconds)) / rate
    samples = (np.sin(2 * np.pi * 440 * time) * 8000).astype(np.int16)
    return {"wav": base64.b64encode(write_wav(samples, rate)).decode(), **extra}


def heard(result: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Loudness (RMS) of every 20 ms of caller and line."""
    wav = read_wav(base64.b64decode(result["wav"]))
    assert wav.rate == 8000 and wav.samples.shape[1] == 2
    frames = len(wav.samples) // 160
    blocks = wav.samples[: frames * 160].astype(np.float64).reshape(frames, 160, 2)
    rms = np.sqrt((blocks**2).mean(axis=1))
    return rms[:, 0], rms[:, 1]


def loud_seconds(rms: np.ndarray) -> float:
    return float((rms > 328).sum() * 0.02)


def loud(ulaw: bytes) -> bool:
    return bool(np.abs(ulaw_decode(ulaw).astype(int)).mean() > 200)
