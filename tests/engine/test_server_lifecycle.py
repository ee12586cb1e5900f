"""The server before its models are there, when all lines are busy, and when it goes away; parts are scripted."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import TestClient, TestServer

from engine.app import create_app
from engine.parts.hub import Hub
from engine.parts.protocols import Clip, Float32, Recognition
from engine.parts.vad import ActivityPool
from engine.parts.workers import Workers
from engine.state import STATE
from tests.engine.stage import LOUD, QUIET

Client = TestClient[Any, Any]


class Scripted:
    """All parts in one."""

    def recognise(self, samples: Any, rate: int, *, language: str | None, prompt: str = "") -> Recognition:
        return Recognition("Are you a robot?")

    def synthesise(self, text: str, *, speed: float = 1.0) -> Clip:
        return Clip(np.full(2205, 1000, np.int16), 22050)

    def embed(self, texts: list[str], kind: str) -> Float32:
        rng = np.random.default_rng(1)
        return rng.normal(size=(len(texts), 384)).astype(np.float32)


def hub() -> Hub:
    part = Scripted()
    return Hub(part, part, part, part, ActivityPool(1), *(Workers(name, 1) for name in ("a", "b", "c", "d")))


@asynccontextmanager
async def served(load: Callable[[], Hub] = hub) -> AsyncIterator[Client]:
    async with TestClient(TestServer(create_app(load))) as client:
        yield client


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Look again until `holds`, 10 s at most."""
    for _ in range(1000):
        if await holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


async def ready(client: Client) -> None:
    async def warm() -> bool:
        return (await client.get("/healthz")).status == 200

    await eventually(warm)


async def nobody_calls(client: Client) -> None:
    async def quiet() -> bool:
        return not client.app[STATE].calls

    await eventually(quiet)


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENGINE_API_KEY", raising=False)
    monkeypatch.delenv("ENGINE_API_KEY_FILE", raising=False)


async def until(ws: ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            event: dict[str, Any] = await ws.receive_json()
            if event["type"] == kind:
                return event


async def test_the_health_check_waits_for_the_models() -> None:
    release = threading.Event()

    def load() -> Hub:
        release.wait(10)
        return hub()

    async with served(load) as client:
        assert (await client.get("/healthz")).status == 503
        answer = await client.post("/v1/embeddings", json={"input": "x"})
        assert answer.status == 503 and (await answer.json())["error"]["code"] == "not_ready"
        release.set()
        await ready(client)
        assert (await client.post("/v1/embeddings", json={"input": "x"})).status == 200


async def test_a_busy_line_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_MAX_CALLS", "1")
    async with served() as client:
        await ready(client)
        async with client.ws_connect("/v1/realtime") as ws:
            await until(ws, "session.created")
            answer = await client.get("/v1/realtime")
            assert answer.status == 429
            assert (await answer.json())["error"]["code"] == "rate_limit_exceeded"
        await nobody_calls(client)
        async with client.ws_connect("/v1/realtime") as ws:
            await until(ws, "session.created")


async def test_calls_are_told_when_the_server_goes_away() -> None:
    async with served() as client:
        await ready(client)
        session = ClientSession()
        ws = await session.ws_connect(client.make_url("/v1/realtime"))
        await until(ws, "session.created")
        closing = asyncio.create_task(client.server.close())
        async with asyncio.timeout(10):
            message = await ws.receive()
        assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED)
        assert ws.close_code == 1001
        await ws.close()
        await closing
        await session.close()


async def test_a_client_that_hangs_up_leaves_nothing_running() -> None:
    gate = threading.Event()

    class Slow(Scripted):
        def synthesise(self, text: str, *, speed: float = 1.0) -> Clip:
            gate.wait(10)
            return super().synthesise(text, speed=speed)

    def load() -> Hub:
        made = hub()
        made.synthesizer = Slow()
        return made

    async with served(load) as client:
        await ready(client)
        ws = await client.ws_connect("/v1/realtime")
        await ws.send_json({"type": "response.create"})
        await until(ws, "response.content_part.added")
        await ws.close()
        gate.set()
        await nobody_calls(client)
        found = client.app[STATE].hub
        assert found is not None
        # Its thread is free again for the next one.
        assert await found.speaking.run(lambda: "free") == "free"
        assert found.activities.take() is not None


async def test_minutes_of_audio_at_once_do_not_hold_up_other_calls() -> None:
    async with served() as client:
        await ready(client)
        async with client.ws_connect("/v1/realtime") as flood, client.ws_connect("/v1/realtime") as other:
            await until(other, "session.created")
            audio = {"input": {"format": {"type": "audio/pcmu"}}, "output": {"format": {"type": "audio/pcmu"}}}
            await flood.send_json({"type": "session.update", "session": {"type": "realtime", "audio": audio}})
            minutes = base64.b64encode((LOUD * 40 + QUIET * 60) * 400).decode()
            await flood.send_json({"type": "input_audio_buffer.append", "audio": minutes})
            begun = asyncio.get_running_loop().time()
            await other.send_json({"type": "response.create"})
            await until(other, "response.done")
            assert asyncio.get_running_loop().time() - begun < 2.0
