"""``WS /v1/realtime``: one socket around one `Session`; does its effects on the hub's threads."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from common.audio import ULAW_SILENCE, resample, ulaw_encode
from common.env import env_int
from engine.house.dialogue import Mind
from engine.http.errors import ApiProblem, models_of
from engine.parts.hub import Hub
from engine.parts.vad import SileroActivity
from engine.parts.workers import Job, Priority, Workers
from engine.realtime.core import Settings
from engine.realtime.effects import Close, Drop, Effect, Prepare, Promote, Recognise, Send, Speak, Think
from engine.realtime.frames import MAX_FRAME
from engine.realtime.session import Session
from engine.state import STATE

log = logging.getLogger(__name__)

#: A client that does not read is let go before it fills the memory: half a minute of PCM is about 2 MB.
MAX_UNSENT = 64 * 1024 * 1024


def _spoken(hub: Hub, effect: Speak) -> bytes:
    clip = hub.synthesizer.synthesise(effect.text, speed=effect.speed)
    if effect.ulaw:
        gap = bytes([ULAW_SILENCE]) * (effect.gap_ms * 8)
        return ulaw_encode(resample(clip.samples, clip.rate, 8000)) + gap
    return resample(clip.samples, clip.rate, 24000).astype("<i2").tobytes() + bytes(effect.gap_ms * 48)


class Call:
    """Drives a session: frames in, jobs out to the threads, events to the socket."""

    def __init__(
        self, hub: Hub, mind: Mind, socket: web.WebSocketResponse, activity: SileroActivity, model: str
    ) -> None:
        self._hub = hub
        self._mind = mind
        self._socket = socket
        self._jobs: dict[int, tuple[Workers, Job]] = {}
        self._out: asyncio.Queue[str | Close] = asyncio.Queue()
        self._unsent = 0
        self._closing = False
        settings = Settings(time.monotonic, time.time, lambda: not hub.hearing.busy)
        self._session = Session(settings, activity, model)
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Until either side hangs up."""
        writer = asyncio.create_task(self._write())
        clock = asyncio.create_task(self._watch())
        try:
            self._do()
            async for message in self._socket:
                if message.type == WSMsgType.TEXT:
                    self._session.receive(message.data)
                elif message.type == WSMsgType.BINARY:
                    self._session.receive_binary()
                else:
                    break
                self._do()
                while self._session.behind and not self._closing:
                    self._session.listen()
                    self._do()
                    # A burst of minutes of audio must not hold up the other calls.
                    await asyncio.sleep(0)
        finally:
            self._closing = True
            for workers, job in self._jobs.values():
                workers.cancel(job)
            writer.cancel()
            clock.cancel()
            await asyncio.gather(writer, clock, return_exceptions=True)

    async def close(self) -> None:
        """The server goes away."""
        self._closing = True
        await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b"server shutdown")

    async def _watch(self) -> None:
        while True:
            wait = max(0.0, self._session.deadline - time.monotonic())
            try:
                async with asyncio.timeout(min(wait, 3600.0)):
                    await self._wake.wait()
            except TimeoutError:
                self._session.tick()
                self._do()
            self._wake.clear()

    async def _write(self) -> None:
        while True:
            item = await self._out.get()
            if isinstance(item, Close):
                await self._socket.close(code=item.code, message=item.reason.encode())
                return
            self._unsent -= len(item)
            try:
                await self._socket.send_str(item)
            except (ConnectionError, RuntimeError):
                return

    def _put(self, item: str | Close) -> None:
        if isinstance(item, str):
            self._unsent += len(item)
            if self._unsent > MAX_UNSENT and not self._closing:
                self._closing = True
                log.warning("a client does not read what it is sent")
                item = Close(1008, "too much unsent")
        self._out.put_nowait(item)

    def _do(self) -> None:
        deadline = self._session.deadline
        for effect in self._session.take():
            self._effect(effect)
        if self._session.deadline != deadline:
            self._wake.set()

    def _effect(self, effect: Effect) -> None:
        hub = self._hub
        if isinstance(effect, Send):
            self._put(json.dumps(effect.event, separators=(",", ":")))
        elif isinstance(effect, Recognise):
            self._begin(
                hub.hearing,
                effect.job,
                effect.guess,
                lambda: hub.recognizer.recognise(
                    effect.samples, effect.rate, language=effect.language, prompt=effect.prompt
                ),
            )
        elif isinstance(effect, Think):
            self._begin(hub.thinking, effect.job, effect.guess, lambda: self._mind.reply(effect.prompt))
        elif isinstance(effect, Speak):
            self._begin(hub.speaking, effect.job, effect.guess, lambda: _spoken(hub, effect))
        elif isinstance(effect, Prepare):
            hub.thinking.submit(
                lambda: self._mind.prepare(effect.prompt), lambda _result, _error: None, Priority.REQUEST
            )
        elif isinstance(effect, Promote):
            if effect.job in self._jobs:
                workers, job = self._jobs[effect.job]
                workers.promote(job)
        elif isinstance(effect, Drop):
            if effect.job in self._jobs:
                workers, job = self._jobs.pop(effect.job)
                workers.cancel(job)
        else:
            self._put(effect)

    def _begin(self, workers: Workers, number: int, guess: bool, fn: Callable[[], Any]) -> None:
        def done(result: Any, error: Exception | None) -> None:
            self._jobs.pop(number, None)
            if not self._closing:
                self._session.finished(number, result if error is None else error)
                self._do()

        self._jobs[number] = (workers, workers.submit(fn, done, Priority.GUESS if guess else Priority.TURN))


async def realtime(request: web.Request) -> web.StreamResponse:
    """Upgrade and hold a conversation. `model` may be any name: there is one house model."""
    (hub, mind), calls = models_of(request), request.app[STATE].calls
    if len(calls) >= env_int("ENGINE_MAX_CALLS", 50):
        raise ApiProblem(429, "All lines are busy.", code="rate_limit_exceeded")
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise ApiProblem(400, "This URL speaks the WebSocket protocol.", code="invalid_request")
    socket = web.WebSocketResponse(
        protocols=("realtime",), heartbeat=20, max_msg_size=2 * MAX_FRAME, compress=False, timeout=5
    )
    await socket.prepare(request)
    activity = hub.activities.take()
    if activity is None:
        activity = await asyncio.to_thread(SileroActivity)
    call = Call(hub, mind, socket, activity, request.query.get("model", "")[:128])
    calls.add(call)
    try:
        await call.run()
    except Exception:
        log.exception("a session failed")
        await socket.close(code=1011, message=b"server error")
    finally:
        calls.discard(call)
        hub.activities.give(activity)
    return socket
