"""Media Streams over real sockets; every frame of the carrier's is checked against the published description."""

from __future__ import annotations

import asyncio
import base64
import time
from typing import Any

import pytest
from aiohttp import WSMsgType
from jsonschema import ValidationError

from tests.carrier.specs import check_media_frame, require_media_description
from tests.carrier.stage import App, Carrier, Socket, eventually, heard, loud, loud_seconds, voice, wav_turn

CONNECT = (
    '<Connect action="/after"><Stream url="{ws}/media" statusCallback="{http}/stream">'
    '<Parameter name="token" value="a &amp; b"/></Stream></Connect><Redirect>/next</Redirect>'
)


def prepare(carrier: Carrier, app: App, twiml: str = CONNECT) -> None:
    app.answers["/after"] = "<Hangup/>"
    twiml = twiml.format(ws=app.url.replace("http", "ws"), http=app.url)
    carrier.number(voice_url=app.answer("/voice", twiml), status_callback=app.url + "/status")


def payload(frame: dict[str, Any]) -> bytes:
    return base64.b64decode(frame["media"]["payload"])


async def test_a_stream_begins_tells_and_ends_as_described(carrier: Carrier, app: App) -> None:
    async def script(socket: Socket) -> None:
        for _ in range(60):
            await socket.receive()
        await socket.ws.close()

    app.stream = script
    prepare(carrier, app)
    result = await carrier.phone.call()
    [socket] = app.sockets
    assert socket.signature_ok
    for frame in socket.frames:
        check_media_frame(frame)
    connected, start, *media = socket.frames
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert start["sequenceNumber"] == "1" and start["start"]["tracks"] == ["inbound"]
    assert start["start"]["callSid"] == result["call_sid"]
    assert start["start"]["customParameters"] == {"token": "a & b"}
    assert start["start"]["streamSid"] == start["streamSid"] == socket.stream_sid
    assert [frame["sequenceNumber"] for frame in media] == [str(n) for n in range(2, 2 + len(media))]
    assert [frame["media"]["chunk"] for frame in media] == [str(n) for n in range(1, 1 + len(media))]
    assert [frame["media"]["timestamp"] for frame in media] == [str(20 * n) for n in range(len(media))]
    assert {len(payload(frame)) for frame in media} == {160}
    [after] = app.of("/after")
    assert after.ok and after.params["StreamSid"] == socket.stream_sid
    assert after.params["CallStatus"] == "in-progress" and not app.of("/next")
    told = await app.wait_for("/stream", 2)
    assert {one.params["StreamEvent"] for one in told} == {"stream-started", "stream-stopped"}
    assert all(one.ok and one.params["StreamSid"] == socket.stream_sid for one in told)


async def test_audio_is_played_in_order_and_marks_come_back_when_it_was_heard(carrier: Carrier, app: App) -> None:
    back: list[tuple[str, float]] = []

    async def script(socket: Socket) -> None:
        await socket.receive("start")
        await socket.mark("nothing buffered")
        began = time.monotonic()
        # Any size, faster than real time, no pacing.
        await socket.say(voice(0.25))
        await socket.say(voice(0.25)[:77])
        await socket.mark("half")
        await socket.say(voice(0.5))
        await socket.mark("end")
        while len(back) < 3 and (frame := await socket.receive("mark")):
            check_media_frame(frame)
            back.append((frame["mark"]["name"], time.monotonic() - began))
        await socket.ws.close()

    app.stream = script
    prepare(carrier, app)
    result = await carrier.phone.call()
    assert [name for name, _ in back] == ["nothing buffered", "half", "end"]
    assert back[0][1] < 0.15
    assert back[1][1] == pytest.approx(0.26, abs=0.1)
    assert back[2][1] == pytest.approx(0.76, abs=0.1)
    assert loud_seconds(heard(result)[1]) == pytest.approx(0.76, abs=0.06)


async def test_clear_empties_the_buffer_and_returns_every_pending_mark(carrier: Carrier, app: App) -> None:
    marks: list[str] = []
    took = 0.0

    async def script(socket: Socket) -> None:
        nonlocal took
        await socket.receive("start")
        for n in range(5):
            await socket.say(voice(2))
            await socket.mark(f"m{n}")
        for _ in range(25):
            await socket.receive("media")
        cleared = time.monotonic()
        await socket.send("clear")
        while len(marks) < 5 and (frame := await socket.receive("mark")):
            marks.append(frame["mark"]["name"])
        took = time.monotonic() - cleared
        await socket.say(voice(0.1))
        await socket.mark("after")
        frame = await socket.receive("mark")
        assert frame is not None and frame["mark"]["name"] == "after"
        await socket.ws.close()

    app.stream = script
    prepare(carrier, app)
    result = await carrier.phone.call()
    assert marks == ["m0", "m1", "m2", "m3", "m4"]
    assert took < 0.2
    # Half a second before the clear, and what was said after it.
    assert loud_seconds(heard(result)[1]) == pytest.approx(0.6, abs=0.12)


async def test_the_caller_is_heard_and_pressed_keys_arrive(carrier: Carrier, app: App) -> None:
    said: list[bytes] = []
    digits: list[str] = []

    async def script(socket: Socket) -> None:
        await socket.receive("start")
        await socket.say(voice(0.3))
        while len(digits) < 2 and (frame := await socket.receive("media", "dtmf")):
            check_media_frame(frame)
            if frame["event"] == "media":
                said.append(payload(frame))
                if loud(said[-2:][0]) and not loud(said[-1]):
                    # The caller has finished: an answer, into which the keys are pressed.
                    await socket.say(voice(1))
            else:
                digits.append(frame["dtmf"]["digit"])
                assert frame["dtmf"]["track"] == "inbound_track"
        await socket.ws.close()

    app.stream = script
    prepare(carrier, app)
    await carrier.phone.call([wav_turn(0.5, rate=16000), {"dtmf": "1#", "barge_in_ms": 0}])
    assert digits == ["1", "#"]
    assert sum(loud(frame) for frame in said) == pytest.approx(25, abs=2)


@pytest.mark.parametrize("broken", [False, True], ids=["closed", "broken"])
async def test_a_stream_without_action_goes_on_with_the_next_verb(carrier: Carrier, app: App, broken: bool) -> None:
    async def script(socket: Socket) -> None:
        await socket.receive("media")
        if broken:
            transport = socket.ws._req.transport  # type: ignore[union-attr]
            transport.abort()
        else:
            await socket.ws.close()

    app.stream = script
    app.answers["/next"] = "<Say>Next</Say>"
    prepare(carrier, app, '<Connect><Stream url="{ws}/media"/></Connect><Redirect>/next</Redirect>')
    await carrier.phone.call()
    assert len(app.of("/next")) == 1


async def test_a_broken_socket_asks_the_action_which_may_stream_again(carrier: Carrier, app: App) -> None:
    async def script(socket: Socket) -> None:
        await socket.receive("media")
        if len(app.sockets) == 1:
            socket.ws._req.transport.abort()  # type: ignore[union-attr]
        await socket.receive("media")
        await socket.ws.close()

    app.stream = script
    prepare(carrier, app)
    stream = CONNECT.format(ws=app.url.replace("http", "ws"), http=app.url)
    app.answers["/after"] = lambda request: stream if len(app.of("/after")) == 1 else "<Hangup/>"
    result = await carrier.phone.call()
    assert result["status"] == "completed"
    first, second = app.sockets
    assert first.stream_sid != second.stream_sid
    assert [one.params["StreamSid"] for one in app.of("/after")] == [first.stream_sid, second.stream_sid]


@pytest.mark.parametrize("url", ["ws://127.0.0.1:9/media", "{http}/nothing", "{ws}/media?token=1"])
async def test_a_stream_that_cannot_be_opened_is_reported_and_the_call_goes_on(
    carrier: Carrier, app: App, url: str
) -> None:
    prepare(carrier, app, CONNECT.replace("{ws}/media", url))
    await carrier.phone.call()
    [after] = app.of("/after")
    assert after.ok and "StreamSid" not in after.params
    [told] = await app.wait_for("/stream")
    assert told.params["StreamEvent"] == "stream-error" and told.params["StreamError"].startswith("31920")


async def test_hanging_up_stops_the_stream_and_tells_the_action(carrier: Carrier, app: App) -> None:
    last: list[dict[str, Any] | None] = []

    async def script(socket: Socket) -> None:
        await socket.receive("start")
        last.append(await socket.receive("stop"))
        last.append(await socket.receive())

    app.stream = script
    prepare(carrier, app)
    result = await carrier.phone.call([{"hangup_after_ms": 300}])
    assert result["ended_by"] == "caller"
    [after] = await app.wait_for("/after")
    assert after.params["CallStatus"] == "completed"
    stop, nothing = last
    assert stop is not None and nothing is None
    check_media_frame(stop)
    assert stop["stop"]["callSid"] == result["call_sid"]


async def test_a_redirect_over_rest_stops_the_stream(carrier: Carrier, app: App) -> None:
    from carrier.steps import Given

    stopped = asyncio.Event()

    async def script(socket: Socket) -> None:
        await socket.receive("media")
        [call] = carrier.exchange.calls.values()
        call.interrupt(Given(b"<Response><Say>New</Say></Response>"))
        if await socket.receive("stop"):
            stopped.set()

    app.stream = script
    prepare(carrier, app)
    result = await carrier.phone.call()
    assert stopped.is_set() and loud_seconds(heard(result)[1]) > 0.1
    assert not app.of("/after")


HOSTILE = [
    "",
    "no json",
    "[]",
    "null",
    "5",
    '{"event":"media"}',
    '{"event":"media","streamSid":"MZother","media":{"payload":"AAAA"}}',
    '{"event":"media","streamSid":"%s"}',
    '{"event":"media","streamSid":"%s","media":[]}',
    '{"event":"media","streamSid":"%s","media":{"payload":7}}',
    '{"event":"media","streamSid":"%s","media":{"payload":"not base64!"}}',
    '{"event":"media","streamSid":"%s","media":{"payload":"AAA"}}',
    '{"event":"media","streamSid":"%s","media":{"payload":"\u00e9\u00e9\u00e9\u00e9"}}',
    '{"event":"mark","streamSid":"%s"}',
    '{"event":"mark","streamSid":"%s","mark":{"name":{}}}',
    '{"event":"sing","streamSid":"%s"}',
    '{"event":["media"],"streamSid":"%s"}',
    '{"streamSid":"%s"}',
    "[" * 100_000,
]


async def test_malformed_messages_are_ignored_and_the_call_goes_on(carrier: Carrier, app: App) -> None:
    async def script(socket: Socket) -> None:
        await socket.receive("start")
        for message in HOSTILE:
            await socket.ws.send_str(message.replace("%s", socket.stream_sid))
        await socket.ws.send_bytes(b"\x00" * 160)
        await socket.say(b"")
        await socket.say(voice(0.2))
        name = 'quotes " and \\ and \u2028'
        await socket.mark(name)
        frame = await socket.receive("mark")
        assert frame is not None and frame["mark"]["name"] == name
        await socket.ws.close()

    app.stream = script
    prepare(carrier, app)
    result = await carrier.phone.call()
    assert result["status"] == "completed" and len(app.of("/after")) == 1
    assert loud_seconds(heard(result)[1]) == pytest.approx(0.2, abs=0.04)


async def test_an_oversized_message_ends_the_stream_and_not_the_call(carrier: Carrier, app: App) -> None:
    async def script(socket: Socket) -> None:
        await socket.receive("start")
        await socket.ws.send_str("x" * (9 * 1024 * 1024))
        while await socket.receive():
            pass

    app.stream = script
    prepare(carrier, app)
    result = await carrier.phone.call()
    assert result["status"] == "completed" and len(app.of("/after")) == 1


async def test_more_than_five_minutes_of_audio_are_not_kept(carrier: Carrier, app: App) -> None:
    waiting: list[int] = []

    async def script(socket: Socket) -> None:
        await socket.receive("start")
        for _ in range(8):
            await socket.say(b"\xff" * 8000 * 60)
        [call] = carrier.exchange.calls.values()
        await socket.mark("m")
        await eventually(lambda: bool(call.line.playback._marks))
        waiting.append(call.line.playback.waiting)
        await socket.ws.close()

    app.stream = script
    prepare(carrier, app)
    await carrier.phone.call()
    assert 8000 * 299 < waiting[0] <= 8000 * 300


async def test_an_application_that_does_not_read_costs_audio_not_the_call(carrier: Carrier, app: App) -> None:
    done = asyncio.Event()

    async def script(socket: Socket) -> None:
        await done.wait()

    app.stream = script
    prepare(carrier, app)
    sid = await carrier.phone.place()
    await eventually(lambda: bool(app.sockets) and bool(carrier.exchange.calls[sid].line.listeners))
    line = carrier.exchange.calls[sid].line
    from carrier.media_stream import MediaStream

    [stream] = [one for one in line.listeners if isinstance(one, MediaStream)]
    # As if the socket's buffers were full: nothing leaves the queue while an hour of frames is put in.
    for _ in range(180_000):
        stream.frame(b"\xff" * 160, b"\xff" * 160)
    assert stream._out.qsize() <= 260
    line.hang_up("caller")
    done.set()
    assert (await carrier.phone.result(sid))["status"] == "completed"


async def test_a_stream_that_only_listens_hears_both_tracks(carrier: Carrier, app: App) -> None:
    tracks: dict[str, int] = {"inbound": 0, "outbound": 0}

    async def script(socket: Socket) -> None:
        while frame := await socket.receive():
            check_media_frame(frame)
            if frame["event"] == "media":
                tracks[frame["media"]["track"]] += loud(payload(frame))
            elif frame["event"] == "start":
                # It can't speak.
                await socket.say(voice(3))

    app.stream = script
    start = '<Start><Stream name="s" url="{ws}/media" track="both_tracks"/></Start>'
    prepare(carrier, app, start + '<Pause length="1"/><Say>Hi</Say><Stop><Stream name="s"/></Stop><Say>Bye</Say>')
    result = await carrier.phone.call()
    assert tracks["outbound"] == pytest.approx(10, abs=2) and tracks["inbound"] == 0
    assert loud_seconds(heard(result)[1]) == pytest.approx(0.4, abs=0.06)
    assert app.sockets[0].frames[-1]["event"] == "stop"


async def test_thirty_calls_at_once_do_not_drift(carrier: Carrier, app: App) -> None:
    frames = 150
    late: list[list[float]] = []

    async def script(socket: Socket) -> None:
        await socket.receive("start")
        began, lags = 0.0, []
        async for message in socket.ws:
            assert message.type is WSMsgType.TEXT
            if '"event":"media"' not in message.data[:20]:
                continue
            began = began or time.monotonic()
            lags.append(time.monotonic() - began - len(lags) * 0.02)
            if len(lags) % 10 == 0:
                await socket.say(voice(0.2))
            if len(lags) == frames:
                break
        late.append(lags)
        await socket.ws.close()

    app.stream = script
    prepare(carrier, app)
    sids = await asyncio.gather(*(carrier.phone.place() for _ in range(30)))
    results = await asyncio.gather(*(carrier.phone.result(sid) for sid in sids))
    assert all(result["status"] == "completed" for result in results)
    assert len(late) == 30
    for lags in late:
        # A busy machine may hold up any frame: who keeps to the clock makes up for it, who drifts can not.
        assert min(lags[-50:]) < 0.2
        # Nor does it run ahead: the first frame may have been late itself, which makes all others look early.
        assert lags[-1] > -0.5


def test_frames_are_held_against_the_published_description() -> None:
    require_media_description()
    with pytest.raises(ValidationError):
        check_media_frame({"event": "mark", "sequenceNumber": 4, "mark": {}})
