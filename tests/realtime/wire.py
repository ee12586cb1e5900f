"""Real sockets: a scripted Realtime server, a caller's stream, and what the product was told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web

from calls.facts import JournalEvent
from calls.snapshot import SessionSnapshot
from realtime.bridge import ToolOutcome
from tests.realtime.specs import check_carrier_frame, check_client_event
from tests.realtime.world import STREAM, audio

Script = Callable[["EngineCall", dict[str, Any]], Awaitable[None]]


class EngineCall:
    """One session of the scripted engine."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []
        self.closed = asyncio.Event()

    async def send(self, type_: str, **fields: Any) -> None:
        await self.socket.send_str(json.dumps({"type": type_, **fields}))

    async def answer(self, text: str, ms: int, item: str = "a1", response: str = "r1") -> None:
        """A whole answer, audio in deltas of 200 ms."""
        ids = {"item_id": item, "response_id": response, "output_index": 0, "content_index": 0}
        await self.send("response.created", response={"id": response})
        for _ in range(ms // 200):
            await self.send("response.output_audio.delta", **ids, delta=audio(200))
        await self.send("response.output_audio.done", **ids)
        await self.send("response.output_audio_transcript.done", **ids, transcript=text)
        await self.send("response.done", response={"id": response, "status": "completed", "output": []})

    def of(self, type_: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == type_]


class Engine:
    """A server that speaks Realtime as its script says; every client event is checked against the published schema."""

    def __init__(self, script: Script | None = None, *, hello: bool = True, pongs: bool = True) -> None:
        self.calls: list[EngineCall] = []
        self.problems: list[str] = []
        self._script, self._hello, self._pongs = script, hello, pongs
        self.url = ""
        self.status = 101

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if self.status != 101:
            return web.Response(status=self.status)
        socket = web.WebSocketResponse(max_msg_size=0, autoping=self._pongs)
        await socket.prepare(request)
        call = EngineCall(socket)
        self.calls.append(call)
        if self._hello:
            await call.send("session.created", session={"type": "realtime"})
        try:
            async for message in socket:
                if message.type == aiohttp.WSMsgType.PING:
                    continue
                if message.type != aiohttp.WSMsgType.TEXT:
                    self.problems.append(repr(message))
                    break
                await self._take(call, json.loads(message.data))
        finally:
            call.closed.set()
        return socket

    async def _take(self, call: EngineCall, event: dict[str, Any]) -> None:
        try:
            check_client_event(event)
        except Exception as error:
            self.problems.append(f"{event.get('type')}: {error}")
        call.events.append(event)
        if self._script is not None:
            await self._script(call, event)

    def of(self, type_: str) -> list[dict[str, Any]]:
        """Client events of that type over all sessions."""
        return [event for call in self.calls for event in call.of(type_)]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Engine]:
        app = web.Application()
        app.router.add_get("/v1/realtime", self._serve)
        runner = web.AppRunner(app, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.url = f"ws://127.0.0.1:{port}/v1/realtime"
        try:
            yield self
        finally:
            for call in self.calls:
                await call.socket.close()
            await runner.cleanup()


class Told:
    """What a live call told the product: `Gateway` in memory, for tests of the sockets alone."""

    def __init__(self) -> None:
        self.events: list[JournalEvent] = []
        self.steps: list[dict[str, Any]] = []
        self.changed = asyncio.Event()
        self.tool: Callable[[str, str], Awaitable[ToolOutcome]] | None = None

    async def journal(self, _snapshot: SessionSnapshot, events: list[JournalEvent]) -> None:
        self.events += events
        self.changed.set()

    async def run_tool(self, _snapshot: SessionSnapshot, name: str, arguments: str) -> ToolOutcome:
        assert self.tool is not None
        return await self.tool(name, arguments)

    async def set_next_step(self, _snapshot: SessionSnapshot, step: dict[str, Any]) -> None:
        self.steps.append(step)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event.data for event in self.events if event.kind == kind]

    async def until(self, wanted: Callable[[], bool], seconds: float = 5.0) -> None:
        """Wait until the journal fits."""
        async with asyncio.timeout(seconds):
            while not wanted():
                self.changed.clear()
                await self.changed.wait()


class Stream:
    """The carrier's end of one stream."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, call_sid: str, token: str) -> None:
        self.socket, self.call_sid, self.token = socket, call_sid, token
        self.frames: list[tuple[float, dict[str, Any]]] = []
        self.started = 0.0
        self.closed = asyncio.Event()
        self._changed = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type == aiohttp.WSMsgType.TEXT:
                frame = json.loads(message.data)
                check_carrier_frame(frame)
                self.frames.append((time.monotonic(), frame))
                self._changed.set()
        self.closed.set()
        self._changed.set()

    async def send(self, frame: dict[str, Any] | str) -> None:
        await self.socket.send_str(frame if isinstance(frame, str) else json.dumps(frame, separators=(",", ":")))

    async def start(self) -> Stream:
        await self.send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        start = {
            "streamSid": STREAM,
            "accountSid": "AC1",
            "callSid": self.call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": self.token},
        }
        self.started = time.monotonic()
        await self.send({"event": "start", "sequenceNumber": "1", "streamSid": STREAM, "start": start})
        return self

    async def talk(self, frames: int = 1) -> None:
        for _ in range(frames):
            media = {"track": "inbound", "chunk": "1", "timestamp": "1", "payload": audio(20)}
            await self.send({"event": "media", "sequenceNumber": "2", "media": media, "streamSid": STREAM})

    async def echo_marks(self) -> None:
        """Return every mark that has come, as if all had been played."""
        for frame in self.of("mark"):
            await self.send({"event": "mark", "streamSid": STREAM, "sequenceNumber": "7", "mark": frame["mark"]})

    async def stop(self) -> None:
        await self.send({"event": "stop", "sequenceNumber": "9", "streamSid": STREAM, "stop": {}})

    def of(self, event: str) -> list[dict[str, Any]]:
        return [frame for _, frame in self.frames if frame["event"] == event]

    async def until(self, wanted: Callable[[], bool], seconds: float = 5.0) -> None:
        """Wait until the frames that came fit."""
        async with asyncio.timeout(seconds):
            while not wanted():
                self._changed.clear()
                await self._changed.wait()

    async def leave(self) -> None:
        await self.socket.close()
        await self._reading


async def eventually(wanted: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something that announces itself in no other way."""
    async with asyncio.timeout(seconds):
        while not wanted():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)
