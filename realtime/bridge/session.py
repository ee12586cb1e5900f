"""One call between carrier and engine, without sockets or a clock.

waiting (for `start`) → admitting (token) → live → closed. Every entry point takes the present time in milliseconds.
An exception on the way is answered with the apology and voicemail, never with silence.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import Any

from calls.facts import JournalEvent
from calls.snapshot import SessionSnapshot
from common.errors import ProtocolError
from common.metrics import DROPPED, PROTOCOL_ERRORS
from realtime.bridge import events
from realtime.bridge.ending import Ending
from realtime.bridge.keypad import Keypad
from realtime.bridge.ladder import Line
from realtime.bridge.mouth import Mouth
from realtime.bridge.playout import Utterance
from realtime.bridge.ports import Effects, Limits, Rung, Send, Step, ToolOutcome
from realtime.bridge.protocol import openai, twilio
from realtime.bridge.protocol.base64text import is_base64
from realtime.bridge.protocol.openai import APPEND_HEAD, APPEND_TAIL, FunctionCall, audio_delta
from realtime.bridge.protocol.twilio import media_payload
from realtime.bridge.timers import Timers
from realtime.bridge.tools import Tools
from realtime.bridge.transcript import Conversation
from realtime.bridge.turns import Turns
from realtime.bridge.watchdogs import Watchdogs

log = logging.getLogger(__name__)

VOICEMAIL: Step = {"do": "voicemail", "reason": "engine"}
_MOST_ERRORS = 20
_BACK = "The line was interrupted for a moment. Apologise in a few words and go on with the conversation."


class Bridge:
    """The core. `caller_frame` and `engine_audio` are the hot path: a slice, a join, a write."""

    def __init__(self, effects: Effects, rungs: list[Rung], limits: Limits, now_ms: float) -> None:
        self.effects, self.limits, self._rungs = effects, limits, rungs
        self.timers = Timers(effects.wake_at)
        self.conversation = Conversation()
        self.now_ms = self.started_ms = now_ms
        self.state = "waiting"
        self.call_sid = self._stream_sid = ""
        self.fillers: list[bytes] = []
        self._live = self._plain = self._mixed = False
        self.budget = 0
        """Frames that the carrier may still send; below zero they are dropped."""
        self._early: deque[bytes] = deque(maxlen=limits.recent_frames)
        self.keep = self._early.append
        """Where caller audio is kept that no engine has understood; the line changes it."""
        self._left = False
        self._greeted = False
        self._errors = 0
        self._items: dict[str, int] = {}
        self.timers.set("start", now_ms + limits.start_ms, self._never_started)

    snapshot: SessionSnapshot
    mouth: Mouth
    turns: Turns
    tools: Tools
    ending: Ending
    line: Line
    watchdogs: Watchdogs
    keypad: Keypad

    # events from the carrier

    def caller_frame(self, data: bytes) -> bool:
        """The hot path inwards: pass on audio in its usual spelling. False: it is for `carrier_frame`."""
        try:
            if not self._plain:
                return False
            payload = media_payload(data)
            return payload is not None and self._caller_audio(payload)
        except Exception as error:
            self.fail(error, self.now_ms)
            return True

    def _caller_audio(self, payload: bytes) -> bool:
        self.budget -= 1
        if self.budget < 0:
            DROPPED.labels("caller_audio").inc()
            return True
        self.keep(payload)
        line = self.line
        if line.ready:
            line.send(APPEND_HEAD + payload + APPEND_TAIL)
        return True

    def carrier_frame(self, data: bytes, now_ms: float) -> None:
        """One text message of the carrier."""
        if self.caller_frame(data):
            return
        try:
            if self.state != "closed":
                self.now_ms = now_ms
                self._carrier_event(twilio.parse(data), now_ms)
        except ProtocolError:
            PROTOCOL_ERRORS.labels("carrier").inc()
        except Exception as error:
            self.fail(error, now_ms)

    def _carrier_event(self, frame: twilio.Frame, now_ms: float) -> None:
        event = frame.event
        if event == "media":
            if frame.payload and self._live:
                self._caller_audio(frame.payload)
            elif frame.payload and self.state == "admitting":
                self._early.append(frame.payload)
        elif event == "start":
            self._start(frame, now_ms)
        elif event == "stop":
            self.carrier_closed(now_ms)
        elif event == "mark" and self._live:
            self.mouth.marked(frame.name, now_ms)
        elif event == "dtmf" and self._live:
            self.keypad.pressed(frame.digit, now_ms)
        elif event != "connected":
            raise ProtocolError("unexpected frame")

    def _start(self, frame: twilio.Frame, now_ms: float) -> None:
        if self.state != "waiting":
            raise ProtocolError("a second start")
        self.state, self.started_ms = "admitting", now_ms
        self._stream_sid, self.call_sid, self._mixed = frame.stream_sid, frame.call_sid, frame.mixed
        self.effects.admit(frame.token, frame.call_sid)

    def _never_started(self, now_ms: float) -> None:
        PROTOCOL_ERRORS.labels("carrier").inc()
        self.shut(now_ms)

    def carrier_closed(self, now_ms: float) -> None:
        """The carrier said stop or closed the socket: the caller is gone, or the call goes elsewhere."""
        if self.state == "closed":
            return
        self.now_ms = now_ms
        try:
            if self._live:
                self.leave(None, now_ms)
        finally:
            self.shut(now_ms)

    # admission

    def admitted(self, snapshot: SessionSnapshot | None, now_ms: float) -> None:
        """The token's snapshot, or None when it is worth nothing."""
        if self.state != "admitting":
            return
        self.now_ms = now_ms
        if snapshot is None:
            PROTOCOL_ERRORS.labels("token").inc()
            self.shut(now_ms)
            return
        try:
            self._go_live(snapshot, now_ms)
        except Exception as error:
            self.fail(error, now_ms)

    def _go_live(self, snapshot: SessionSnapshot, now_ms: float) -> None:
        self.snapshot = snapshot
        self.fillers = [text for text in (f.encode("ascii", "replace") for f in snapshot.fillers) if is_base64(text)]
        self.mouth = Mouth(self, self._stream_sid)
        self.turns, self.tools, self.ending = Turns(self), Tools(self), Ending(self)
        self.line, self.watchdogs, self.keypad = Line(self, self._rungs), Watchdogs(self), Keypad(self)
        self.line.recent.extend(self._early)
        self._early.clear()
        self.state, self._live, self._plain = "live", True, not self._mixed
        self.timers.clear("start")
        state = "resumed" if snapshot.generation else "started"
        self.fact("stream", {"state": state, "generation": snapshot.generation})
        for turn in snapshot.history:
            self.conversation.said(turn.get("role", "user"), turn.get("text", ""), 0.0)
        if snapshot.greeting_ulaw:
            self._greeted = True
            self.mouth.greet(snapshot.greeting_ulaw, snapshot.greeting_text, now_ms, self.started_ms)
            snapshot.greeting_ulaw = b""  # it is on its way, and a call may be long
        self.watchdogs.start(now_ms)
        self.line.start(now_ms)

    def greeting_request(self) -> str | None:
        """What to ask a new engine for when nothing rendered was there to greet with; None when nothing is."""
        if self._greeted:
            return None
        if self.snapshot.greeting_text:
            return openai.say_exactly(self.snapshot.greeting_text)
        return _BACK if self.snapshot.generation else ""

    def greeted(self) -> None:
        """The receptionist has spoken first."""
        self._greeted = True

    # events from the engine

    def engine_audio(self, data: bytes, now_ms: float) -> bool:
        """The hot path outwards: pass on audio in its usual spelling. False: it is for `engine_frame`."""
        try:
            if not self.mouth.pass_on(data, now_ms):
                return False
            self.line.last_ms = now_ms
        except Exception as error:
            self.fail(error, now_ms)
        return True

    def engine_frame(self, data: bytes, now_ms: float) -> None:
        """One text message of the engine; the line calls this."""
        self.line.last_ms = now_ms
        try:
            found = audio_delta(data)
            if found is not None:
                self.mouth.audio(found[0], found[1], data, now_ms)
            else:
                self.now_ms = now_ms
                events.dispatch(self, openai.parse(data), data, now_ms)
        except ProtocolError:
            PROTOCOL_ERRORS.labels("engine").inc()
        except Exception as error:
            self.fail(error, now_ms)

    def no_engine(self, now_ms: float) -> None:
        """The ladder is used up."""
        self.fact("error", {"code": "no_engine"})
        self.ending.sorry(VOICEMAIL, now_ms)

    def engine_error(self, code: str) -> None:
        """Note what an engine complained about; the first few are enough."""
        self._errors += 1
        if self._errors <= _MOST_ERRORS:
            self.fact("error", {"code": code})

    # answers to effects

    def tool_done(self, call_id: str, outcome: ToolOutcome, now_ms: float) -> None:
        """A tool has answered."""
        self._guarded(lambda: self.tools.done(call_id, outcome, now_ms), now_ms)

    def step_done(self, now_ms: float) -> None:
        """The next step is stored, or could not be."""
        self._guarded(lambda: self.ending.stored(now_ms), now_ms)

    def link_opened(self, send: Send, now_ms: float) -> None:
        """An engine connection is open; the line calls this so that its exceptions are caught, too."""
        self._guarded(lambda: self.line.opened(send, now_ms), now_ms)

    def link_lost(self, reason: str, now_ms: float) -> None:
        """An engine connection ended; the line calls this so that its exceptions are caught, too."""
        self._guarded(lambda: self.line.lost(reason, now_ms), now_ms)

    def tick(self, now_ms: float) -> None:
        """The wake-up that was asked for."""
        if self.state != "closed":
            self.now_ms = now_ms
            try:
                self.timers.run(now_ms)
            except Exception as error:
                self.fail(error, now_ms)

    def drain(self, now_ms: float) -> None:
        """The process is about to stop: say goodbye."""
        if self._live:
            self._guarded(lambda: self.ending.goodbye({"do": "hangup"}, self.snapshot.goodbye_text, now_ms), now_ms)
        else:
            self.shut(now_ms)

    def _guarded(self, action: Any, now_ms: float) -> None:
        if not self._live:
            return
        self.now_ms = now_ms
        try:
            action()
        except Exception as error:
            self.fail(error, now_ms)

    # facts

    def offset(self, at_ms: float) -> int:
        """Milliseconds of the call, earlier streams included."""
        return max(0, round(self.snapshot.offset_ms + at_ms - self.started_ms))

    def fact(self, kind: str, data: dict[str, Any], at_ms: float | None = None) -> None:
        """Put a fact into the journal."""
        self.effects.journal(JournalEvent(kind, data, self.offset(self.now_ms if at_ms is None else at_ms)))

    def _turn(self, role: str, text: str, start: float, end: float, item_id: str, *, interrupted: bool) -> None:
        if item_id:
            # Each engine session counts its items anew, and the journal takes a second turn of an id for a correction.
            self._items[item_id] = self._items.get(item_id, 0) + 1
            if self._items[item_id] > 1:
                item_id = f"{item_id}#{self._items[item_id]}"
        data = {"role": role, "text": text, "start_ms": self.offset(start), "end_ms": self.offset(max(start, end))}
        self.fact("turn", {**data, "interrupted": interrupted, "item_id": item_id}, end)

    def caller_turn(self, item_id: str, text: str, start_ms: float, end_ms: float) -> None:
        """What the caller said."""
        self._turn("caller", text, start_ms, end_ms, item_id, interrupted=False)
        self.conversation.said("user", text, start_ms)
        self.watchdogs.heard_caller()

    def receptionist_turn(self, said: Utterance, text: str, start: float, end: float, *, interrupted: bool) -> None:
        """What the caller heard of what we said."""
        self._turn("receptionist", text, start, end, said.item_id, interrupted=interrupted)
        self.conversation.said("assistant", text, start)

    def tool_used(self, call: FunctionCall, outcome: ToolOutcome, took_ms: float) -> None:
        """A tool ran; facts of its own (citations) go along."""
        arguments = {"name": call.name, "arguments": call.arguments, "ok": outcome.ok, "output": outcome.output}
        self.fact("tool", {**arguments, "ms": round(took_ms)})
        for event in outcome.events:
            self.fact(event.kind, event.data)

    # the end

    def leave(self, step: Step | None, now_ms: float) -> None:
        """Close the journal of this stream and store the next step, once."""
        if self._left:
            return
        self._left = True
        self.mouth.close(now_ms)
        if step is not None:
            self.fact("next_step", step)
        self.fact("stream", {"state": "ended", "generation": self.snapshot.generation})
        self.effects.finish(step)

    def shut(self, now_ms: float) -> None:
        """Close both sides, once. Nothing is sent afterwards."""
        if self.state == "closed":
            return
        self.state = "closed"
        if self._live:
            self._live = self._plain = False
            self.line.hang_up()
        self.timers.clear_all()
        self.effects.carrier_close()
        self.effects.ended()

    def fail(self, error: Exception, now_ms: float) -> None:
        """A bug met a live call: apologise and take a message; if that fails too, close, and the carrier asks on."""
        log.error("the bridge failed", exc_info=error, extra={"call_sid": self.call_sid})
        PROTOCOL_ERRORS.labels("bridge").inc()
        try:
            if self._live and not self._left:
                self.line.hang_up()
                self.fact("error", {"code": "bridge"})
                self.ending.sorry(VOICEMAIL, now_ms)
                return
        except Exception as again:
            log.error("the bridge failed while apologising", exc_info=again, extra={"call_sid": self.call_sid})
        self.shut(now_ms)
