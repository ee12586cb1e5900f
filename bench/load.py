"""The load: carriers on one side, engine sessions on the other, 50 frames a second each way in every call.

Both ends live in this process, so one clock measures what the server between them adds. Every frame carries its number
in the first bytes of its audio; frames of the calls are spread evenly over the 20 ms.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from dataclasses import dataclass, field

from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_connect,
    ws_create_server,
)

TEXT = WSMsgType.TEXT
FRAME_SECONDS = 0.02
#: base64 characters that hold the number: nine digits' worth of bytes, decoded from twelve characters.
_NUMBER = 12
_REST = base64.b64encode(b"\xff" * 151).decode()

_MEDIA = (
    '{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d","timestamp":"%d",'
    '"payload":"%s"},"streamSid":"%s"}'
)
_DELTA = (
    '{"type":"response.output_audio.delta","event_id":"event_%012d","response_id":"resp_bench000000000",'
    '"item_id":"item_bench0000000000","output_index":0,"content_index":0,"delta":"%s"}'
)
_SPEECH = b'{"type":"input_audio_buffer.speech_started","audio_start_ms":0,"item_id":"item_u"}'
_SILENCE = b'{"type":"input_audio_buffer.speech_stopped","audio_end_ms":100,"item_id":"item_u"}'
_CREATED = b'{"type":"response.created","response":{"id":"resp_bench000000000","status":"in_progress"}}'


def _payload(number: int) -> str:
    return base64.b64encode(b"%09d" % number).decode() + _REST


def _number(data: bytes, key: bytes) -> int:
    start = data.find(key)
    if start < 0:
        return -1
    start += len(key)
    text = base64.b64decode(data[start : start + _NUMBER])
    return int(text) if text.isdigit() else -1


@dataclass
class Samples:
    """What one window measured, in milliseconds."""

    inwards: list[float] = field(default_factory=list)
    outwards: list[float] = field(default_factory=list)
    clears: list[float] = field(default_factory=list)
    greetings: list[float] = field(default_factory=list)
    sent: int = 0


class Call:
    """Both ends of one call. `translated` says that the server speaks Realtime towards the engine."""

    def __init__(self, samples: Samples, index: int, *, translated: bool) -> None:
        self.samples, self.index, self.translated = samples, index, translated
        self.stream_sid = f"MZ{index:032x}"
        self.carrier: WSTransport | None = None
        self.engine: WSTransport | None = None
        self.measuring = False
        self.started = self.spoke = 0.0
        self.number = 0
        self.sent_in: dict[int, float] = {}
        self.sent_out: dict[int, float] = {}
        self.greeted = asyncio.Event()
        self._key = b'"audio":"' if translated else b'"payload":"'
        self._key_out = b'"payload":"' if translated else b'"delta":"'

    def tick(self) -> None:
        """One frame each way."""
        if self.carrier is None or self.engine is None:
            return
        self.number = number = self.number + 1
        payload = _payload(number)
        media = _MEDIA % (number, number, number * 20, payload, self.stream_sid)
        delta = _DELTA % (number, payload)
        now = time.perf_counter()
        self.sent_in[number] = now
        self.carrier.send(TEXT, media.encode())
        self.sent_out[number] = time.perf_counter()
        self.engine.send(TEXT, delta.encode())
        if self.measuring:
            self.samples.sent += 2

    def at_engine(self, data: bytes) -> None:
        """A frame of the carrier arrived at the engine."""
        now = time.perf_counter()
        sent = self.sent_in.pop(_number(data, self._key), None)
        if sent is not None and self.measuring:
            self.samples.inwards.append((now - sent) * 1000.0)

    def at_carrier(self, data: bytes) -> None:
        """A frame of the server arrived at the carrier."""
        now = time.perf_counter()
        if data.startswith(b'{"event":"clear"'):
            self.samples.clears.append((now - self.spoke) * 1000.0)
            return
        if not self.greeted.is_set():
            self.samples.greetings.append((now - self.started) * 1000.0)
            self.greeted.set()
        sent = self.sent_out.pop(_number(data, self._key_out), None)
        if sent is not None and self.measuring:
            self.samples.outwards.append((now - sent) * 1000.0)

    def interrupt(self) -> None:
        """The engine hears the caller speak; the answer then goes on as a new response."""
        if self.engine is not None:
            self.spoke = time.perf_counter()
            self.engine.send(TEXT, _SPEECH)
            self.engine.send(TEXT, _SILENCE)
            self.engine.send(TEXT, _CREATED)


class _Carrier(WSListener):
    def __init__(self, call: Call) -> None:
        self._call = call

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is TEXT:
            self._call.at_carrier(frame.get_payload_as_bytes())
        elif frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self._call.carrier = None


class _Session(WSListener):
    """An engine session; which call it belongs to is known by the order in which calls are set up."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._call: Call | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._call = self._load.waiting.pop(0)
        self._call.engine = transport
        transport.send(TEXT, b'{"type":"session.created","session":{}}')

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is TEXT and self._call is not None:
            self._call.at_engine(frame.get_payload_as_bytes())
        elif frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        if self._call is not None:
            self._call.engine = None


@dataclass
class Group:
    """The calls of one server, and what they measured."""

    calls: list[Call] = field(default_factory=list)
    samples: Samples = field(default_factory=Samples)

    def measure(self, on: bool) -> None:
        """Take samples or not."""
        for call in self.calls:
            call.measuring = on

    async def hang_up(self) -> None:
        """End all calls."""
        for call in self.calls:
            if call.carrier is not None:
                call.carrier.send_close(WSCloseCode.OK)
                call.carrier.disconnect()
        while any(call.engine is not None for call in self.calls):  # noqa: ASYNC110 - the measuring is over
            await asyncio.sleep(0.01)


class Load:
    """The engine's listening side, and the pace: one group of calls speaks at a time."""

    def __init__(self) -> None:
        self.waiting: list[Call] = []
        self.engine_url = ""
        self._speaking: Group | None = None
        self._pacer: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        """Be the engine."""

        def route(_request: WSUpgradeRequest) -> WSListener:
            return _Session(self)

        server = await ws_create_server(route, "127.0.0.1", 0)
        self.engine_url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/realtime"

    async def dial(self, url: str, count: int, tokens: list[tuple[str, str]] | None) -> Group:
        """Set `count` calls up, one after the other."""
        group = Group()
        for index in range(count):
            call = Call(group.samples, index, translated=tokens is not None)
            self.waiting.append(call)
            call.carrier, _ = await ws_connect(lambda call=call: _Carrier(call), url)
            call.started = time.perf_counter()
            if tokens is not None:
                token, call_sid = tokens[index]
                start = {
                    "streamSid": call.stream_sid,
                    "accountSid": "AC1",
                    "callSid": call_sid,
                    "tracks": ["inbound"],
                    "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                    "customParameters": {"token": token},
                }
                message = {"event": "start", "sequenceNumber": "1", "streamSid": call.stream_sid, "start": start}
                call.carrier.send(TEXT, json.dumps(message, separators=(",", ":")).encode())
                await asyncio.wait_for(call.greeted.wait(), 10)
            while call.engine is None:  # noqa: ASYNC110 - once a call, before anything is measured
                await asyncio.sleep(0.001)
            group.calls.append(call)
        return group

    async def speak(self, group: Group | None) -> None:
        """Let this group speak from now on, and no other."""
        self._speaking = None
        if self._pacer is not None:
            await self._pacer
            self._pacer = None
        if group is not None:
            self._speaking = group
            self._pacer = asyncio.create_task(self._pace(group))

    async def _pace(self, group: Group) -> None:
        """Every call once in 20 ms, evenly spread; what is late is made up for, so that the rate holds."""
        count = len(group.calls)
        gap = FRAME_SECONDS / count
        start = time.perf_counter()
        done = 0
        while self._speaking is group:
            due = int((time.perf_counter() - start) / gap)
            while done < due:
                group.calls[done % count].tick()
                done += 1
            await asyncio.sleep(0.001)
