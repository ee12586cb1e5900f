"""Both adapters over real sockets: the picows server of the media process, and the ASGI application under uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket as sockets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest
import uvicorn
from twilio.request_validator import RequestValidator

from calls.snapshot import SessionSnapshot, active_key, stream_key
from common.kv import redis_async
from realtime import driver
from realtime.admission import Admission
from realtime.bridge import Limits, Rung, ToolOutcome
from realtime.consumers import MediaApp
from realtime.driver import Services
from realtime.media import MediaServer
from tests.realtime.wire import Engine, EngineCall, Stream, Told, eventually
from tests.realtime.world import snapshot


@dataclass
class Line:
    """A running adapter, and everything around it."""

    url: str
    services: Services
    told: Told
    http: aiohttp.ClientSession
    media: MediaServer | None = None

    async def token(self, snap: SessionSnapshot, seconds: int = 60) -> str:
        token = secrets.token_urlsafe(32)
        redis = redis_async()
        await redis.set(stream_key(token), snap.sealed(token), ex=seconds)
        await redis.aclose()
        return token

    async def dial(self, **headers: str) -> aiohttp.ClientWebSocketResponse:
        return await self.http.ws_connect(self.url, headers=headers, max_msg_size=0)

    async def stream(self, snap: SessionSnapshot | None = None, token: str | None = None) -> Stream:
        """A started stream."""
        snap = snap or session()
        token = await self.token(snap) if token is None else token
        return await Stream(await self.dial(), snap.call_sid, token).start()


def session(**changes: Any) -> SessionSnapshot:
    """A session of a call of its own."""
    return snapshot(call_sid=f"CA{secrets.token_hex(16)}", **changes)


@contextlib.asynccontextmanager
async def adapter(kind: str, engines: list[Engine], limits: Limits | None = None) -> AsyncIterator[Line]:
    told = Told()
    ladder = [Rung(name=f"rung{i}", url=engine.url, key="secret") for i, engine in enumerate(engines)]
    services = Services(Admission(redis_async()), told, ladder, limits or Limits())
    async with aiohttp.ClientSession() as http:
        if kind == "picows":
            media = MediaServer(services)
            port = await media.start("127.0.0.1", 0)
            yield Line(f"http://127.0.0.1:{port}/media/twilio", services, told, http, media)
            await eventually(lambda: not services.live)
            await media.stop(0.0)
            return
        listening = sockets.socket()
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(MediaApp(services), log_level="error", lifespan="off", ws="wsproto")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await eventually(lambda: server.started)
        yield Line(f"http://127.0.0.1:{listening.getsockname()[1]}/media/twilio", services, told, http)
        server.should_exit = True
        await serving
        await asyncio.gather(*services.closing)
        await services.admission.close()
        listening.close()


@pytest.fixture(params=["picows", "asgi"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def answering(call: EngineCall, event: dict[str, Any]) -> None:
    """An engine that hears a question in the fifth frame of a call."""
    if event["type"] == "input_audio_buffer.append" and len(call.of("input_audio_buffer.append")) == 5:
        await call.send("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
        await call.send("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=100)
        kind = "conversation.item.input_audio_transcription.completed"
        await call.send(kind, item_id="u1", content_index=0, transcript="Are you open?")
        await call.answer("Yes, we are.", 400)


async def test_a_call_is_greeted_heard_answered_and_written_down(kind: str) -> None:
    async with Engine(answering).running() as engine, adapter(kind, [engine]) as line:
        stream = await line.stream()
        await stream.until(lambda: bool(stream.of("media")))
        assert stream.frames[0][0] - stream.started < 0.25  # the bench holds it to 50 ms on a quiet machine
        await stream.talk(10)
        await stream.until(lambda: bool(stream.of("clear")))
        await line.told.until(lambda: len(line.told.of("turn")) >= 2)
        await asyncio.sleep(0.45)  # the answer's own length: it is heard, not skipped
        await stream.echo_marks()
        await line.told.until(lambda: len(line.told.of("turn")) >= 3)
        await stream.stop()
        await asyncio.wait_for(stream.closed.wait(), 3)
        await asyncio.wait_for(engine.calls[0].closed.wait(), 3)
        await eventually(lambda: any(s["state"] == "ended" for s in line.told.of("stream")))
        turns = [(turn["role"], turn["text"]) for turn in line.told.of("turn")]
        assert ("caller", "Are you open?") in turns
        assert ("receptionist", "Yes, we are.") in turns
        assert [event.seq for event in line.told.events] == list(range(1, len(line.told.events) + 1))
        assert not engine.problems
        await stream.leave()


async def test_the_engine_closing_a_call_for_good_ends_in_voicemail(kind: str) -> None:
    async with Engine().running() as engine, adapter(kind, [engine], Limits(retry_ms=10)) as line:
        engine.status = 503
        snap = session(greeting_ulaw=b"\x11" * 800, sorry_ulaw=b"\x22" * 800)
        stream = await line.stream(snap)
        await asyncio.wait_for(stream.closed.wait(), 6)
        assert line.told.steps == [{"do": "voicemail", "reason": "engine"}]
        await stream.leave()


async def test_a_second_engine_takes_over_when_the_first_refuses(kind: str) -> None:
    async with Engine().running() as first, Engine().running() as second, adapter(kind, [first, second]) as line:
        first.status = 500
        stream = await line.stream()
        await eventually(lambda: bool(second.of("session.update")))
        await stream.leave()


async def _hears_a_beginning(call: EngineCall, event: dict[str, Any]) -> None:
    if event["type"] == "input_audio_buffer.append" and len(call.of("input_audio_buffer.append")) == 5:
        await call.send("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)


async def test_an_engine_that_stops_while_the_caller_speaks_is_replaced(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "_PING_AFTER_SECONDS", 0.1)
    monkeypatch.setattr(driver, "_PONG_SECONDS", 0.1)
    stopped, second = Engine(_hears_a_beginning, pongs=False), Engine()
    limits = Limits(engine_open_ms=200, retry_ms=10)
    async with stopped.running(), second.running(), adapter(kind, [stopped, second], limits) as line:
        stream = await line.stream()
        await stream.talk(5)
        await eventually(lambda: bool(stopped.calls))
        stopped.status = 503  # nor does it take another call
        await eventually(stopped.calls[0].closed.is_set)
        await eventually(lambda: bool(second.of("session.update")))
        assert not stream.closed.is_set()
        await stream.leave()


async def test_an_engine_that_answers_pings_is_kept_while_the_caller_speaks(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "_PING_AFTER_SECONDS", 0.1)
    monkeypatch.setattr(driver, "_PONG_SECONDS", 0.1)
    async with Engine(_hears_a_beginning).running() as engine, adapter(kind, [engine]) as line:
        stream = await line.stream()
        await stream.talk(5)
        await asyncio.sleep(0.4)  # longer than a ping and its pong may take together, twice
        assert len(engine.calls) == 1
        assert not engine.calls[0].closed.is_set()
        await stream.leave()


async def test_a_tool_runs_beside_the_audio(kind: str) -> None:
    running, let_go = asyncio.Event(), asyncio.Event()

    async def tool(name: str, arguments: str) -> ToolOutcome:
        assert (name, json.loads(arguments)) == ("business_hours", {"day": "monday"})
        running.set()
        await let_go.wait()
        return ToolOutcome(ok=True, output='{"say": "Nine to five."}')

    async def script(call: EngineCall, event: dict[str, Any]) -> None:
        if event["type"] == "input_audio_buffer.append" and len(call.of("input_audio_buffer.append")) == 1:
            item = {"type": "function_call", "call_id": "c1", "name": "business_hours", "arguments": '{"day":"monday"}'}
            await call.send("response.created", response={"id": "r1"})
            await call.send("response.output_item.done", response_id="r1", item=item)
            await call.send("response.done", response={"id": "r1", "status": "completed", "output": [item]})

    async with Engine(script).running() as engine, adapter(kind, [engine]) as line:
        line.told.tool = tool
        stream = await line.stream()
        await stream.talk(1)
        await asyncio.wait_for(running.wait(), 3)
        await stream.talk(5)
        await eventually(lambda: len(engine.of("input_audio_buffer.append")) == 6)
        let_go.set()
        await eventually(lambda: bool(engine.of("response.create")))
        outputs = [e["item"] for e in engine.of("conversation.item.create")]
        assert outputs[-1]["output"] == '{"say": "Nine to five."}'
        await line.told.until(lambda: bool(line.told.of("tool")))
        await stream.leave()


async def test_a_tool_that_breaks_is_answered_all_the_same(kind: str) -> None:
    async def tool(_name: str, _arguments: str) -> ToolOutcome:
        raise RuntimeError("the database is gone")

    async def script(call: EngineCall, event: dict[str, Any]) -> None:
        if event["type"] == "session.update":
            item = {"type": "function_call", "call_id": "c1", "name": "business_hours", "arguments": "{}"}
            await call.send("response.done", response={"id": "r1", "status": "completed", "output": [item]})

    async with Engine(script).running() as engine, adapter(kind, [engine]) as line:
        line.told.tool = tool
        stream = await line.stream()
        await eventually(lambda: bool(engine.of("response.create")))
        await line.told.until(lambda: bool(line.told.of("tool")))
        assert line.told.of("tool")[0]["ok"] is False
        await stream.leave()


async def test_a_token_works_once(kind: str) -> None:
    async with Engine().running() as engine, adapter(kind, [engine]) as line:
        snap = session()
        token = await line.token(snap)
        first = await line.stream(snap, token)
        await first.until(lambda: bool(first.of("media")))
        await first.stop()
        await asyncio.wait_for(first.closed.wait(), 3)
        second = await line.stream(snap, token)
        await asyncio.wait_for(second.closed.wait(), 3)
        assert not second.frames
        await first.leave()
        await second.leave()


async def test_an_expired_token_is_worth_nothing(kind: str) -> None:
    async with Engine().running() as engine, adapter(kind, [engine]) as line:
        snap = session()
        token = await line.token(snap, seconds=1)
        redis = redis_async()
        await redis.pexpire(stream_key(token), 1)
        await redis.aclose()
        await asyncio.sleep(0.02)
        stream = await line.stream(snap, token)
        await asyncio.wait_for(stream.closed.wait(), 3)
        assert not stream.frames
        await stream.leave()


async def test_a_token_of_another_call_is_worth_nothing(kind: str) -> None:
    async with Engine().running() as engine, adapter(kind, [engine]) as line:
        mine, other = session(), session()
        stream = await line.stream(other, await line.token(mine))
        await asyncio.wait_for(stream.closed.wait(), 3)
        assert not stream.frames
        await stream.leave()


async def test_a_call_has_one_stream_at_a_time(kind: str) -> None:
    async with Engine().running() as engine, adapter(kind, [engine]) as line:
        snap = session()
        first = await line.stream(snap)
        await first.until(lambda: bool(first.of("media")))
        second = await line.stream(snap)
        await asyncio.wait_for(second.closed.wait(), 3)
        assert not second.frames
        assert not first.closed.is_set()
        await first.leave()
        await second.leave()


async def test_the_next_generation_takes_a_call_over(kind: str) -> None:
    async with Engine().running() as engine, adapter(kind, [engine]) as line:
        snap = session()
        first = await line.stream(snap)
        await first.until(lambda: bool(first.of("media")))
        second = await line.stream(replace(snap, generation=1, history=[{"role": "user", "text": "My name is Ann."}]))
        await second.until(lambda: bool(second.of("media")))
        await asyncio.wait_for(first.closed.wait(), 3)
        await eventually(lambda: len(engine.calls) == 2 and bool(engine.calls[1].of("conversation.item.create")))
        item = engine.calls[1].of("conversation.item.create")[0]["item"]
        assert item["content"][0]["text"] == "My name is Ann."
        await first.leave()
        await second.leave()


async def test_a_finished_call_gives_up_its_claim(kind: str) -> None:
    async with Engine().running() as engine, adapter(kind, [engine]) as line:
        snap = session()
        stream = await line.stream(snap)
        await stream.until(lambda: bool(stream.of("media")))
        redis = redis_async()
        assert await redis.exists(active_key(snap.call_sid))
        await stream.leave()
        await eventually(lambda: not line.services.live and not line.services.closing)
        assert not await redis.exists(active_key(snap.call_sid))
        await redis.aclose()


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "[]",
        "null",
        '{"event":7}',
        '{"event":"media"}',
        '{"event":"media","media":{"payload":"*"}}',
        "x" * 80_000,
    ],
)
async def test_what_is_no_frame_is_dropped_and_the_call_goes_on(kind: str, frame: str) -> None:
    async with Engine(answering).running() as engine, adapter(kind, [engine]) as line:
        stream = await line.stream()
        await stream.until(lambda: bool(stream.of("media")))
        await stream.send(frame)
        await stream.socket.send_bytes(b"\x00\x01")
        await stream.talk(6)
        await eventually(lambda: len(engine.of("input_audio_buffer.append")) == 6)
        assert not stream.closed.is_set()
        await stream.leave()


async def test_what_is_no_event_is_dropped_and_the_call_goes_on(kind: str) -> None:
    async def script(call: EngineCall, event: dict[str, Any]) -> None:
        if event["type"] == "session.update":
            for text in ("", "{", "[]", '{"type":1}', '{"type":"response.done","response":[]}', '"' + "x" * 5_000_000):
                await call.socket.send_str(text)
            await call.socket.send_bytes(b"\x00")
            await call.answer("Still here.", 200)

    async with Engine(script).running() as engine, adapter(kind, [engine]) as line:
        stream = await line.stream(session(greeting_ulaw=b"", greeting_text=""))
        await stream.until(lambda: bool(stream.of("media")))
        assert len(engine.calls) == 1
        await stream.leave()


async def test_a_message_in_fragments_is_one_message() -> None:
    from picows import WSListener, WSMsgType, ws_connect

    async with Engine().running() as engine, adapter("picows", [engine]) as line:
        snap = session()
        token = await line.token(snap)
        transport, _ = await ws_connect(WSListener, line.url.replace("http", "ws"))
        start = {
            "event": "start",
            "start": {"streamSid": "MZ1", "callSid": snap.call_sid, "customParameters": {"token": token}},
        }
        text = json.dumps(start).encode()
        transport.send(WSMsgType.TEXT, text[:40], False)
        transport.send(WSMsgType.CONTINUATION, text[40:], True)
        await eventually(lambda: bool(engine.calls))
        transport.disconnect()


async def test_the_carrier_dropping_its_socket_closes_the_engines(kind: str) -> None:
    async with Engine().running() as engine, adapter(kind, [engine]) as line:
        stream = await line.stream()
        await eventually(lambda: bool(engine.calls))
        await stream.leave()
        await asyncio.wait_for(engine.calls[0].closed.wait(), 3)
        await eventually(lambda: not line.services.live)


async def test_speech_clears_the_line_at_once(kind: str) -> None:
    async with Engine().running() as engine, adapter(kind, [engine]) as line:
        stream = await line.stream()
        await eventually(lambda: bool(stream.of("media")) and bool(engine.of("session.update")))
        said = time.monotonic()
        await engine.calls[0].send("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
        await stream.until(lambda: bool(stream.of("clear")))
        assert time.monotonic() - said < 0.25
        await stream.leave()


@pytest.mark.parametrize("path", ["/", "/media/other", "/media/twilio/x"])
async def test_the_media_process_serves_one_path(path: str) -> None:
    async with Engine().running() as engine, adapter("picows", [engine]) as line:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await line.http.ws_connect(line.url.removesuffix("/media/twilio") + path)


async def test_the_media_process_says_that_it_is_alive() -> None:
    async with Engine().running() as engine, adapter("picows", [engine]) as line:
        answer = await line.http.get(line.url.removesuffix("/media/twilio") + "/healthz")
        assert (answer.status, await answer.text()) == (200, "ok")


async def test_a_forged_upgrade_signature_is_refused(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIA_URL", "wss://media.example.test")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "the-account-token")
    async with Engine().running() as engine, adapter(kind, [engine]) as line:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await line.dial(**{"X-Twilio-Signature": "forged"})
        assert refused.value.status == 403
        right = RequestValidator("the-account-token").compute_signature("wss://media.example.test/media/twilio", {})
        socket = await line.dial(**{"x-twilio-signature": right})
        await socket.close()


async def test_a_stopping_process_takes_no_call_and_lets_one_end() -> None:
    async with Engine(answering).running() as engine, adapter("picows", [engine]) as line:
        assert line.media is not None
        stream = await line.stream()
        await eventually(lambda: bool(engine.calls))
        stopping = asyncio.create_task(line.media.stop(5.0))
        await asyncio.sleep(0.05)
        with pytest.raises(aiohttp.ClientError):
            await line.dial()
        assert not stream.closed.is_set()
        await stream.stop()
        await asyncio.wait_for(stopping, 3)
        assert line.told.of("stream")[-1]["state"] == "ended"
        await stream.leave()


async def test_a_stopping_process_says_goodbye_to_who_stays() -> None:
    async def script(call: EngineCall, event: dict[str, Any]) -> None:
        if event["type"] == "response.create":
            assert "Goodbye." in event["response"]["instructions"]
            await call.answer("Goodbye.", 200)

    async with Engine(script).running() as engine, adapter("picows", [engine]) as line:
        assert line.media is not None
        stream = await line.stream(session(greeting_ulaw=b"\x11" * 80))
        await eventually(lambda: bool(engine.of("session.update")))
        stopping = asyncio.create_task(line.media.stop(0.0))
        await stream.until(lambda: len(stream.of("mark")) >= 3)
        await asyncio.sleep(0.2)
        await stream.echo_marks()
        await asyncio.wait_for(stopping, 5)
        assert line.told.steps == [{"do": "hangup"}]
        await stream.leave()
