"""Whose turn it is: the caller's speech, the engine's responses, and what happens when both want to talk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.metrics import BARGE_INS, PROVIDER_ERRORS, TURN_SECONDS
from realtime.bridge.protocol import openai
from realtime.bridge.transcript import GREETING_ITEM, heard_text

if TYPE_CHECKING:
    from realtime.bridge.playout import Utterance
    from realtime.bridge.session import Bridge

#: Turns whose text is still awaited; an engine that never sends any can't fill the memory.
_MAX_TURNS = 64


class Turns:
    """Speech and responses as the engine reports them."""

    def __init__(self, bridge: Bridge) -> None:
        self._b = bridge
        self.caller_speaking = False
        self.awaiting = False
        """The caller has finished and the engine will answer by itself."""
        self._turn_end_ms: float | None = None
        self.response_active = False
        self._announced = False
        """The active response began with `response.created`, so it will end with `response.done`."""
        self._response_id = ""
        self._refused = ""
        self._refusing = False
        self._wanted: str | None = None
        self._asked = ""
        self._failures = 0
        self.unheard = False
        """The caller has said something of which the engine has given no account yet."""
        self._unsaid = ""
        """The rest of a greeting that was cut off; said after all if it was only a noise that did it."""
        self._spans: dict[str, list[float]] = {}
        """Caller items: [start, end] in stream time."""
        self.last_activity_ms = 0.0

    # the caller

    def speech_started(self, event: dict[str, Any], now_ms: float) -> None:
        """The caller has begun to speak."""
        self.caller_speaking = True
        if not self.unheard:
            self.unheard = True
            self._b.line.keep_all()
        self.awaiting = False
        if self._b.ending.interruptible():
            self._wanted = None  # the engine answers what the caller says now
        self.last_activity_ms = now_ms
        self._b.timers.clear("answer")
        at = self._b.line.stream_time(openai.number(event, "audio_start_ms"), now_ms)
        if len(self._spans) >= _MAX_TURNS:
            del self._spans[next(iter(self._spans))]
        self._spans[openai.text(event, "item_id")] = [at, at]
        if not self._b.ending.interruptible():
            return
        if self._b.limits.barge_in_ms > 0:
            self._b.timers.set("barge_in", now_ms + self._b.limits.barge_in_ms, self.barge_in)
        else:
            self.barge_in(now_ms)

    def speech_stopped(self, event: dict[str, Any], now_ms: float) -> None:
        """The caller has finished: an answer is due."""
        self.caller_speaking = False
        self.last_activity_ms = now_ms
        end = openai.number(event, "audio_end_ms")
        span = self._spans.get(openai.text(event, "item_id"))
        if span is not None:
            span[1] = max(span[0], self._b.line.stream_time(end, now_ms))
        brief = self._b.timers.running("barge_in")
        self._b.timers.clear("barge_in")
        if brief and self._b.mouth.playout.playing(now_ms):
            return  # a back-channel, "mm-hm": the answer goes on
        self._expect(now_ms)

    def committed(self, event: dict[str, Any], now_ms: float) -> None:
        """The engine has taken the caller's turn into the conversation."""
        if openai.text(event, "item_id") in self._spans:
            return  # its end was reported, and what follows from it is known
        if not self.caller_speaking and not self.response_active and not self.awaiting:
            self._expect(now_ms)

    def _expect(self, now_ms: float) -> None:
        self.awaiting = True
        self._turn_end_ms = now_ms
        self._refusing = False
        self._b.mouth.unmute(now_ms)
        self._b.line.await_answer(now_ms)

    def recognised(self, event: dict[str, Any], now_ms: float) -> None:
        """The caller's words, as text."""
        item_id = openai.text(event, "item_id")
        text = openai.text(event, "transcript").strip()
        span = self._spans.pop(item_id, None) or [now_ms, now_ms]
        self._understood()
        if text:
            self._unsaid = ""
            self._b.caller_turn(item_id, text, span[0], span[1])
        elif self.awaiting and not self.response_active:
            # Noise: nothing was said, so no answer need come.
            self.nothing_to_answer(now_ms)

    def nothing_to_answer(self, now_ms: float) -> None:
        """What was taken for speech was none; an answer may come or not."""
        self.awaiting = False
        self._b.timers.clear("answer")
        unsaid, self._unsaid = self._unsaid, ""
        if unsaid:
            self._wanted = openai.say_exactly(unsaid)
        self.flush(now_ms)

    # barge-in

    def barge_in(self, now_ms: float) -> None:
        """Be silent at once, then tell the engine how much was heard."""
        b = self._b
        if not b.mouth.playout.playing(now_ms) and not self.response_active:
            return
        active = self._answering()
        cut = b.mouth.interrupt(now_ms)
        if active:
            b.line.send(openai.RESPONSE_CANCEL)
        self._refused, self._refusing = self._response_id, True
        self._response_id = ""
        self.response_active = self._announced = False
        for utterance in cut:
            self._tell_heard(utterance)
        if cut:
            BARGE_INS.inc()
        b.ending.interrupted(now_ms)
        b.effects.interrupted(now_ms)

    def _tell_heard(self, utterance: Utterance) -> None:
        line = self._b.line
        if utterance.kind == "answer" and utterance.item_id:
            heard = int(min(utterance.heard_ms, utterance.sent_ms))
            if heard > 0:
                line.send(openai.truncate(utterance.item_id, heard))
        elif utterance.kind == "greeting" and line.knows_greeting:
            # Text can't be truncated: the item is put in again, with as much as was heard.
            line.send(openai.delete_item(GREETING_ITEM))
            line.knows_greeting = False
            whole = "".join(utterance.text)
            text = heard_text(whole, utterance.heard_ms, utterance.total_ms)
            self._unsaid = whole[len(text) :].strip()
            if text:
                line.send(openai.message("assistant", text, after="root"))

    def end_unannounced(self, now_ms: float) -> bool:
        """A response that was never announced, and of which nothing more comes, has ended; False for another."""
        if self._announced:
            return False
        self._b.mouth.response_done("", now_ms)
        self._ended(now_ms)
        self._b.ending.response_done(now_ms)
        return True

    def recognition_failed(self, event: dict[str, Any]) -> None:
        """The caller's words could not be made out; the engine may still answer the sound."""
        self._spans.pop(openai.text(event, "item_id"), None)
        self._understood()

    def _understood(self) -> None:
        if not self.caller_speaking:
            self.unheard = False
            self._b.line.settled()

    @property
    def wants(self) -> bool:
        """Whether a response of ours waits for its moment."""
        return self._wanted is not None

    def _answering(self) -> bool:
        """Whether there is a response to cancel. An unannounced one ends with its audio, as far as we know."""
        return self.response_active and (self._announced or self._b.mouth.unfinished())

    def refused(self, response_id: str) -> bool:
        """Whether audio of this response comes too late: it was interrupted."""
        return self._refusing and (not response_id or response_id == self._refused)

    # responses

    def response_created(self, event: dict[str, Any], now_ms: float) -> None:
        """The engine has begun an answer."""
        self._response_id = openai.text(openai.obj(event, "response"), "id")
        self.response_active = self._announced = True
        self.awaiting = self._refusing = False
        self._unsaid = ""
        self._b.mouth.unmute(now_ms)
        self._b.line.await_answer(now_ms)

    def answering(self, response_id: str, now_ms: float) -> None:
        """Audio of an item came for the first time, perhaps without any announcement."""
        if self.refused(response_id):
            return
        if not self.response_active:
            self._announced = False
            self._response_id = response_id
            self.response_active = True
        self.awaiting = False

    def first_audio(self, now_ms: float) -> None:
        """The caller hears the beginning of an answer."""
        self._failures = 0
        self._b.greeted()
        self._understood()
        self._b.line.answered()
        if self._turn_end_ms is not None:
            waited = now_ms - self._turn_end_ms
            self._turn_end_ms = None
            TURN_SECONDS.observe(waited / 1000.0)
            self._b.fact("latency", {"turn": round(waited, 1)})

    def audio_done(self, event: dict[str, Any], now_ms: float) -> None:
        """An answer's audio is complete."""
        self._b.mouth.audio_done(openai.text(event, "item_id"), now_ms)
        if self.response_active and not self._announced:
            self._ended(now_ms)
            self._b.ending.response_done(now_ms)

    def response_done(self, event: dict[str, Any], now_ms: float) -> None:
        """The engine has finished, cancelled or failed an answer."""
        response = openai.obj(event, "response")
        response_id = openai.text(response, "id")
        self._b.mouth.response_done(response_id, now_ms)
        if response_id and response_id == self._refused:
            self._refused, self._refusing = "", False
            return  # interrupted before; the caller has the turn
        status = openai.text(response, "status")
        if status != "cancelled":
            for call in openai.function_calls(event):
                self._b.tools.call(call, now_ms)
        if self._response_id and response_id not in ("", self._response_id):
            return  # an older one; the present answer goes on
        self._ended(now_ms)
        if status == "failed":
            self._failed(response, now_ms)
        elif status != "cancelled":
            self._b.line.answered()
            self._b.ending.response_done(now_ms)

    def _ended(self, now_ms: float) -> None:
        self.response_active = self._announced = False
        self._response_id = ""
        self.last_activity_ms = now_ms
        self._b.timers.clear("answer")
        self.flush(now_ms)

    def _failed(self, response: dict[str, Any], now_ms: float) -> None:
        error = openai.obj(openai.obj(response, "status_details"), "error")
        code = openai.text(error, "code") or openai.text(error, "type") or "response_failed"
        PROVIDER_ERRORS.labels("realtime", "server").inc()
        self._b.fact("error", {"code": code[:64]})
        self._failures += 1
        if self._failures > 1:
            self._b.line.lost("failed", now_ms)
        elif not self.caller_speaking:
            self.want_response("", now_ms)

    # responses that we ask for

    def want_response(self, instructions: str, now_ms: float) -> None:
        """Have the engine speak as soon as nothing stands against it."""
        self._wanted = instructions
        self.flush(now_ms)

    def has_active_response(self) -> None:
        """The engine refused ours since another one runs: try again behind it."""
        if not self.awaiting:
            return
        self.response_active = self._announced = True
        self.awaiting = False
        self._wanted = self._asked

    def flush(self, now_ms: float) -> None:
        """Ask for the response that is wanted, if this is its moment."""
        if self._wanted is None or not self._b.line.ready:
            return
        if self.response_active or self.awaiting or self.caller_speaking:
            return  # the end of each of these comes back here
        self._asked, self._wanted = self._wanted, None
        self._refusing = False
        self._b.mouth.unmute(now_ms)
        self._b.line.send(openai.response_create(self._asked))
        self.awaiting = True
        self._b.line.await_answer(now_ms)

    def engine_gone(self) -> tuple[bool, bool]:
        """Forget the lost session's state. Is the caller owed an answer; must their sound go again?"""
        owed = self.awaiting or self.response_active or self._wanted is not None
        unheard, self.unheard = self.unheard, False
        self.caller_speaking = self.awaiting = self.response_active = self._announced = False
        self._refusing, self._refused, self._response_id = False, "", ""
        self._unsaid = ""
        self._spans.clear()
        self._b.timers.clear("barge_in")
        return owed, unheard

    def quiet(self, now_ms: float) -> bool:
        """Whether nobody speaks or is about to."""
        busy = self.caller_speaking or self.awaiting or self._wanted is not None
        return not busy and not self._answering() and not self._b.mouth.playout.playing(now_ms)
