"""A call on a virtual clock: a scripted carrier that really plays, a scripted engine, everything that happened."""

from __future__ import annotations

import base64
import heapq
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from calls.facts import JournalEvent
from calls.snapshot import SessionSnapshot
from realtime.bridge import Bridge, Limits, Rung, ToolOutcome
from realtime.bridge.ladder import Link
from tests.realtime.specs import check_carrier_frame, check_client_event

STREAM = "MZ00000000000000000000000000000001"
CALL = "CA00000000000000000000000000000001"
TOKEN = "token-1"

TOOL = {
    "type": "function",
    "name": "business_hours",
    "description": "Tells the hours.",
    "parameters": {"type": "object", "properties": {}},
}


def audio(ms: float, value: int = 0x55) -> str:
    """Base64 mu-law of that length."""
    return base64.b64encode(bytes([value]) * int(ms * 8)).decode()


def snapshot(**changes: Any) -> SessionSnapshot:
    """A session as `calls` would lay it down."""
    values: dict[str, Any] = {
        "schema": "t_1",
        "call_id": "00000000-0000-0000-0000-000000000001",
        "call_sid": CALL,
        "instructions": "You are the receptionist of a dental practice.",
        "tools": [TOOL],
        "greeting_text": "Hello and welcome to the practice of Doctor Miller. How may I help you today?",
        "greeting_ulaw": b"\x11" * 16_000,
        "idle_prompts": ["Are you still there?", "Can I help you with anything else?"],
        "goodbye_text": "Goodbye.",
        "sorry_ulaw": b"\x22" * 8_000,
        "tool_timeout_s": 5.0,
        "fillers": [audio(600, 0x33)],
    }
    return SessionSnapshot(**{**values, **changes})


@dataclass
class Sent:
    """One thing that went out, and when."""

    at: float
    what: dict[str, Any]


class World:
    """`Effects` of one bridge. The carrier plays audio and returns marks like Twilio; the engine is scripted."""

    def __init__(
        self,
        snap: SessionSnapshot | None = None,
        *,
        rungs: int = 1,
        limits: Limits | None = None,
        marks: str = "played",
        lag_ms: float = 0.0,
        auto_open: bool = True,
        check: bool = True,
    ) -> None:
        self.now = 1_000.0
        self.snap = snapshot() if snap is None else snap
        self.carrier: list[Sent] = []
        self.engine: list[Sent] = []
        self.facts: list[JournalEvent] = []
        self.steps: list[dict[str, Any] | None] = []
        self.dialled: list[str] = []
        self.links: list[Link] = []
        self.tools: list[tuple[str, str, str]] = []
        self.hung_up = 0
        self.carrier_open, self.engine_open, self.over = True, False, False
        self.auto_open, self.auto_admit, self.auto_store = auto_open, True, True
        self.marks, self.lag_ms, self.check = marks, lag_ms, check
        self._plays_until = 0.0
        self._pending: list[tuple[str, int]] = []
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._wake = 0
        ladder = [Rung(name=f"rung{i}", url=f"ws://engine{i}") for i in range(rungs)]
        self.bridge = Bridge(self, ladder, limits or Limits(), self.now)

    # clock

    def at(self, ms: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (ms, next(self._order), action))

    def run(self, ms: float) -> World:
        """Let that much time pass."""
        until = self.now + ms
        while self._queue and self._queue[0][0] <= until:
            at, _, action = heapq.heappop(self._queue)
            self.now = max(self.now, at)
            action()
        self.now = until
        return self

    # effects

    def carrier_send(self, frame: bytes) -> None:
        assert self.carrier_open, "sent to a closed carrier"
        message = json.loads(frame)
        if self.check:
            check_carrier_frame(message)
        assert message["streamSid"] == STREAM
        self.carrier.append(Sent(self.now, message))
        if message["event"] == "media":
            ms = len(base64.b64decode(message["media"]["payload"], validate=True)) / 8
            self._plays_until = max(self._plays_until, self.now + self.lag_ms) + ms
        elif message["event"] == "mark":
            name = message["mark"]["name"]
            if self.marks == "early":
                self.at(self.now, lambda: self._echo(name))
            elif self.marks == "played":
                number = next(self._order)
                self._pending.append((name, number))
                self.at(max(self.now, self._plays_until), lambda: self._played(name, number))
        elif message["event"] == "clear":
            self._plays_until = self.now
            pending, self._pending = self._pending, []
            for name, _ in reversed(pending):  # in no promised order
                self.at(self.now, lambda name=name: self._echo(name))

    def _played(self, name: str, number: int) -> None:
        if (name, number) in self._pending:
            self._pending.remove((name, number))
            self._echo(name)

    def _echo(self, name: str) -> None:
        self.frame({"event": "mark", "sequenceNumber": "9", "streamSid": STREAM, "mark": {"name": name}})

    def carrier_close(self) -> None:
        self.carrier_open = False

    def engine_connect(self, rung: Rung, link: Link) -> None:
        assert not self.engine_open
        self.dialled.append(rung.name)
        self.links.append(link)
        if self.auto_open:
            self.at(self.now + 40, lambda: self.open(link))

    def open(self, link: Link | None = None) -> None:
        """The engine takes the connection and says hello."""
        link = link or self.links[-1]
        if link is self.links[-1] and link.wanted:
            self.engine_open = True
            link.opened(self._engine_send, self.now)
            link.frame(b'{"type":"session.created","session":{}}', self.now)

    def _engine_send(self, frame: bytes) -> None:
        assert self.engine_open, "sent to a closed engine"
        event = json.loads(frame)
        if self.check:
            check_client_event(event)
        self.engine.append(Sent(self.now, event))

    def engine_close(self) -> None:
        self.engine_open = False
        self.hung_up += 1

    def admit(self, token: str, call_sid: str) -> None:
        if self.auto_admit:
            found = self.snap if (token, call_sid) == (TOKEN, CALL) else None
            self.at(self.now + 1, lambda: self.bridge.admitted(found, self.now))

    def run_tool(self, call_id: str, name: str, arguments: str) -> None:
        self.tools.append((call_id, name, arguments))

    def journal(self, event: JournalEvent) -> None:
        json.dumps(event.data)
        self.facts.append(event)

    def finish(self, step: dict[str, Any] | None) -> None:
        self.steps.append(step)
        if step is not None and self.auto_store:
            self.at(self.now + 5, lambda: self.bridge.step_done(self.now))

    def wake_at(self, at_ms: float) -> None:
        self._wake = wake = next(self._order)
        self.at(max(at_ms, self.now), lambda: self.bridge.tick(self.now) if self._wake == wake else None)

    def interrupted(self, since_ms: float) -> None:
        assert since_ms == self.now

    def ended(self) -> None:
        assert not self.over, "ended twice"
        self.over = True

    # the carrier's script

    def frame(self, message: dict[str, Any] | bytes) -> None:
        if self.carrier_open:
            data = message if isinstance(message, bytes) else json.dumps(message, separators=(",", ":")).encode()
            self.bridge.carrier_frame(data, self.now)

    def start(self, token: str = TOKEN, call_sid: str = CALL, tracks: Sequence[str] = ("inbound",)) -> World:
        self.frame({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        start = {
            "streamSid": STREAM,
            "accountSid": "AC1",
            "callSid": call_sid,
            "tracks": list(tracks),
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": token},
        }
        self.frame({"event": "start", "sequenceNumber": "1", "streamSid": STREAM, "start": start})
        return self

    def talk(self, ms: float = 20, payload: str | None = None) -> World:
        """The caller's line sends that much audio, in real time."""
        for _ in range(int(ms / 20)):
            media = {"track": "inbound", "chunk": "1", "timestamp": "1", "payload": payload or audio(20)}
            self.frame({"event": "media", "sequenceNumber": "2", "media": media, "streamSid": STREAM})
            self.run(20)
        return self

    def press(self, digit: str) -> None:
        self.frame({"event": "dtmf", "streamSid": STREAM, "sequenceNumber": "5", "dtmf": {"digit": digit}})

    def stop(self) -> World:
        self.frame({"event": "stop", "sequenceNumber": "5", "streamSid": STREAM, "stop": {}})
        return self

    # the engine's script

    def say(self, type_: str, **fields: Any) -> World:
        self.hear(json.dumps({"type": type_, **fields}, separators=(",", ":")).encode())
        return self

    def hear(self, data: bytes) -> None:
        """A message of the engine, handed over the way the sockets do."""
        link = self.links[-1]
        if not link.audio(data, self.now):
            link.frame(data, self.now)

    def speech(self, item: str = "u1", ms: float = 800, text: str | None = "What are your hours?") -> World:
        """The caller speaks a turn, as the engine reports it."""
        self.say("input_audio_buffer.speech_started", audio_start_ms=int(self.now), item_id=item)
        self.run(ms)
        self.say("input_audio_buffer.speech_stopped", audio_end_ms=int(self.now), item_id=item)
        self.say("input_audio_buffer.committed", item_id=item, previous_item_id=None)
        if text is not None:
            self.heard(item, text)
        return self

    def heard(self, item: str, text: str) -> World:
        kind = "conversation.item.input_audio_transcription.completed"
        return self.say(kind, item_id=item, content_index=0, transcript=text)

    def created(self, response: str = "r1") -> World:
        return self.say("response.created", response={"id": response, "status": "in_progress", "output": []})

    def delta(self, ms: float, item: str = "a1", response: str = "r1") -> World:
        fields = {"output_index": 0, "content_index": 0, "delta": audio(ms)}
        return self.say("response.output_audio.delta", response_id=response, item_id=item, **fields)

    def words(self, text: str, item: str = "a1", response: str = "r1") -> World:
        return self.say("response.output_audio_transcript.delta", response_id=response, item_id=item, delta=text)

    def done(self, response: str = "r1", status: str = "completed", output: Any = (), **extra: Any) -> World:
        body = {"id": response, "status": status, "output": list(output), **extra}
        return self.say("response.done", response=body)

    def answer(self, text: str, ms: float, item: str = "a1", response: str = "r1") -> World:
        """A whole answer in a burst, the way engines send it."""
        self.created(response).words(text, item, response)
        left = ms
        while left > 0:
            self.delta(min(200, left), item, response)
            left -= 200
        self.say("response.output_audio.done", response_id=response, item_id=item)
        self.say("response.output_audio_transcript.done", response_id=response, item_id=item, transcript=text)
        return self.done(response)

    def call_tool(self, call_id: str = "c1", name: str = "business_hours", response: str = "r1") -> World:
        item = {"type": "function_call", "call_id": call_id, "name": name, "arguments": "{}"}
        self.say("response.function_call_arguments.done", response_id=response, item_id="f", **item)
        return self.say("response.output_item.done", response_id=response, item=item)

    def tool_answers(self, call_id: str = "c1", **fields: Any) -> World:
        outcome = ToolOutcome(**{"ok": True, "output": '{"say":"We open at nine."}', **fields})
        self.bridge.tool_done(call_id, outcome, self.now)
        return self

    # what happened

    def sent(self, event: str) -> list[Sent]:
        """Frames of that kind that went to the carrier."""
        return [s for s in self.carrier if s.what["event"] == event]

    def asked(self, type_: str) -> list[Sent]:
        """Events of that kind that went to the engine."""
        return [s for s in self.engine if s.what["type"] == type_]

    def played_ms(self) -> float:
        return sum(len(base64.b64decode(s.what["media"]["payload"])) / 8 for s in self.sent("media"))

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The data of all facts of that kind."""
        return [fact.data for fact in self.facts if fact.kind == kind]

    def turns(self) -> list[tuple[str, str]]:
        """Who said what, in the order of time."""
        turns = sorted(self.of("turn"), key=lambda turn: turn["start_ms"])
        return [(turn["role"], turn["text"]) for turn in turns]
