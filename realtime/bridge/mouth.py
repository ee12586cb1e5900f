"""What is said to the caller: the greeting, the engine's answers, fillers, the apology; and what of it was heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.metrics import DROPPED, GREETING_SECONDS
from realtime.bridge.playout import Playout, Utterance
from realtime.bridge.protocol import openai, twilio
from realtime.bridge.protocol.base64text import ALPHABET, BYTES_PER_MS, PADS, audio_ms, chunks
from realtime.bridge.transcript import GREETING_ITEM, heard_text

if TYPE_CHECKING:
    from realtime.bridge.session import Bridge


#: Answers whose end is still awaited; an engine that never ends any can't fill the memory.
_MAX_OPEN = 64


class Mouth:
    """The way from engine to carrier."""

    def __init__(self, bridge: Bridge, stream_sid: str) -> None:
        self._b = bridge
        self.playout = Playout()
        self._sid = stream_sid
        self._head = twilio.media_head(stream_sid)
        self._send = bridge.effects.carrier_send
        self._ahead = bridge.limits.ahead_ms
        self._item = self._item_key = b""
        """Item of the engine that is being spoken."""
        self._speaking: Utterance | None = None
        self._open: dict[str, Utterance] = {}
        """Answers that are not in the journal yet, by item id."""
        self._fillers = 0

    # engine audio

    def pass_on(self, data: bytes, now_ms: float) -> bool:
        """The hot path outwards: the next delta of the item that is being spoken, in its usual spelling.

        False, and nothing done, for everything else: then `audio` has the longer way.
        """
        if not data.startswith(openai.DELTA_HEAD):
            return False
        start = data.find(b'"delta":"') + 9
        payload = data[start:-2]
        rest = payload.translate(None, ALPHABET)
        size, speaking, playout = len(payload), self._speaking, self.playout
        if start < 9 or not size or size & 3 or speaking is None or data.find(self._item_key, 0, start) < 0:
            return False
        if rest and (rest not in PADS or not payload.endswith(rest)):
            return False
        end = playout.end_ms
        if end < now_ms or end > now_ms + self._ahead or speaking.muted or playout.tail is not speaking:
            return False
        ms = ((size >> 2) * 3 - len(rest)) / BYTES_PER_MS
        speaking.total_ms += ms
        speaking.run_ms += ms
        playout.end_ms = end + ms
        self._send(self._head + payload + twilio.MEDIA_TAIL)
        return True

    def audio(self, item: bytes, payload: bytes, data: bytes, now_ms: float) -> None:
        """Base64 audio of `item` came, of whatever kind; `data` is the whole event."""
        speaking = self._speaking
        if speaking is None or item != self._item:
            speaking = self._begin(item, data, now_ms)
        ms = audio_ms(payload)
        speaking.total_ms += ms
        if speaking.muted:
            return
        playout = self.playout
        if playout.end_ms - now_ms > self._ahead:
            DROPPED.labels("engine_audio").inc()
            return
        first = not speaking.run_ms
        playout.add(speaking, now_ms, ms)
        self._send(self._head + payload + twilio.MEDIA_TAIL)
        if first:
            # One mark near the beginning measures how far the carrier lags behind; the next one is at the end.
            self._mark(speaking, now_ms, last=False)
            self._b.turns.first_audio(now_ms)

    def _begin(self, item: bytes, data: bytes, now_ms: float) -> Utterance:
        self._item, self._item_key = item, b'"item_id":"%s"' % item
        name = item.decode("utf-8", "replace")
        known = self._open.get(name)
        if known is None or known.audio_done:
            known = Utterance(name, "answer", openai.response_id(data))
            known.muted = self._b.turns.refused(known.response_id)
            self._remember(known, now_ms)
        elif not known.response_id:
            known.response_id = openai.response_id(data)  # its text came first
        self._speaking = known
        self._b.turns.answering(known.response_id, now_ms)
        return known

    def _remember(self, utterance: Utterance, now_ms: float) -> None:
        earlier = self._open.pop(utterance.item_id, None)
        if earlier is not None:
            self._journal(earlier, now_ms)
        if len(self._open) >= _MAX_OPEN:
            self._journal(next(iter(self._open.values())), now_ms)
        self._open[utterance.item_id] = utterance

    def _mark(self, utterance: Utterance, now_ms: float, *, last: bool) -> None:
        name = self.playout.mark(utterance, now_ms, last=last)
        self._send(twilio.mark(self._sid, name))
        self._watch()

    def _watch(self) -> None:
        due = self.playout.next_due_ms(self._b.limits.mark_grace_ms)
        if due is not None:
            self._b.timers.set("mark", due, self._overdue)

    def _overdue(self, now_ms: float) -> None:
        for utterance in self.playout.overdue(now_ms, self._b.limits.mark_grace_ms):
            self._played(utterance, now_ms)
        self._watch()

    def transcript(self, item_id: str, text: str, *, final: bool, now_ms: float) -> None:
        """A piece of an answer's text, or all of it when `final`."""
        utterance = self._open.get(item_id)
        if utterance is None:
            utterance = Utterance(item_id, "answer")
            utterance.muted = self._b.turns.refused("")
            self._remember(utterance, now_ms)
        if final:
            utterance.text[:] = [text]
            utterance.text_done = True
            self._settle(utterance, now_ms)
        elif not utterance.text_done and len(utterance.text) < 10_000:
            utterance.text.append(text)

    def audio_done(self, item_id: str, now_ms: float) -> None:
        """No more audio of this item will come."""
        utterance = self._open.get(item_id)
        if utterance is not None and not utterance.audio_done:
            self._end_audio(utterance, now_ms)

    def response_done(self, response_id: str, now_ms: float) -> None:
        """No more of this response will come, audio or text; an unnamed one stands for all."""
        for utterance in list(self._open.values()):
            if utterance.kind == "answer" and (not response_id or utterance.response_id in ("", response_id)):
                utterance.text_done = True
                if not utterance.audio_done:
                    self._end_audio(utterance, now_ms)
                self._settle(utterance, now_ms)

    def _end_audio(self, utterance: Utterance, now_ms: float) -> None:
        utterance.audio_done = True
        if self._speaking is utterance:
            self._speaking, self._item = None, b""
        if utterance.sent_ms and not utterance.muted:
            self._mark(utterance, now_ms, last=True)
        elif not utterance.muted:
            utterance.played = True
        self._settle(utterance, now_ms)

    # audio of our own

    def say(self, ulaw_base64: list[bytes], kind: str, text: str, now_ms: float) -> Utterance:
        """Play audio that we hold ourselves."""
        utterance = Utterance(GREETING_ITEM if kind == "greeting" else f"deskbell_{kind}", kind, text=[text])
        utterance.text_done = utterance.audio_done = True
        for piece in ulaw_base64:
            ms = audio_ms(piece)
            utterance.total_ms += ms
            self.playout.add(utterance, now_ms, ms)
            self._send(self._head + piece + twilio.MEDIA_TAIL)
        self._remember(utterance, now_ms)
        if utterance.sent_ms:
            self._mark(utterance, now_ms, last=True)
        else:
            self._played(utterance, now_ms)
        return utterance

    def greet(self, ulaw: bytes, text: str, now_ms: float, started_ms: float) -> None:
        """The greeting, before any engine is there."""
        self._b.fact("greeting", {"text": text, "item_id": GREETING_ITEM})
        self.say(chunks(ulaw), "greeting", text, now_ms)
        GREETING_SECONDS.observe((now_ms - started_ms) / 1000.0)
        self._b.fact("latency", {"greeting": round(now_ms - started_ms, 1)})

    def filler(self, now_ms: float) -> float:
        """Say that something is being done, unless something is being heard anyway. When to ask again."""
        fillers = self._b.fillers
        if fillers and not self.playout.playing(now_ms):
            self.say([fillers[self._fillers % len(fillers)]], "filler", "", now_ms)
            self._fillers += 1
            return self.playout.done_ms() + 3.0 * self._b.limits.filler_ms
        return max(now_ms, self.playout.done_ms()) + self._b.limits.filler_ms

    # what was heard

    def marked(self, name: str, now_ms: float) -> None:
        """The carrier sent a mark back."""
        for utterance in self.playout.marked(name, now_ms):
            self._played(utterance, now_ms)
        self._watch()

    def _played(self, utterance: Utterance, now_ms: float) -> None:
        utterance.played = True
        self._settle(utterance, now_ms)
        self._b.ending.played(now_ms)

    def interrupt(self, now_ms: float) -> list[Utterance]:
        """Silence: empty the carrier's buffer. All that was cut short, with `heard_ms` set for good."""
        self._send(twilio.clear(self._sid))
        cut: list[Utterance] = []
        for utterance in self._open.values():
            if utterance.played or utterance.muted:
                continue
            utterance.heard_ms = self.playout.heard(utterance, now_ms)
            if utterance.audio_done and utterance.heard_ms >= utterance.total_ms:
                utterance.played = True  # its mark is on the way
            else:
                utterance.muted = True
            cut.append(utterance)
        self.playout.clear(now_ms)
        for utterance in cut:
            self._settle(utterance, now_ms)
        return [utterance for utterance in cut if utterance.muted]

    def unmute(self, now_ms: float) -> None:
        """A new answer is due and may reuse an old item's id: interrupted ones are over."""
        for utterance in list(self._open.values()):
            if utterance.muted:
                self._journal(utterance, now_ms)
        if self._speaking is not None and self._speaking.muted:
            self._speaking, self._item = None, b""

    def engine_gone(self, now_ms: float) -> None:
        """What was sent will still be played, but nothing will be added to it."""
        self.response_done("", now_ms)

    def greeting(self) -> bool:
        """Whether the greeting is being played just now."""
        greeting = self._open.get(GREETING_ITEM)
        return greeting is not None and not greeting.muted and bool(greeting.text[0])

    def waiting(self) -> bool:
        """Whether something complete or not is still to be heard."""
        return any(u.sent_ms and not u.played and not u.muted for u in self._open.values())

    def unfinished(self) -> bool:
        """Whether an answer was begun and its end has not come from the engine."""
        return any(u.kind == "answer" and u.sent_ms and not u.audio_done and not u.muted for u in self._open.values())

    # into the journal

    def _settle(self, utterance: Utterance, now_ms: float) -> None:
        if utterance.text_done and utterance.audio_done and (utterance.played or utterance.muted):
            self._journal(utterance, now_ms)

    def _journal(self, utterance: Utterance, now_ms: float) -> None:
        """The turn as it was heard; what was not heard at all was not said."""
        if self._open.get(utterance.item_id) is utterance:
            del self._open[utterance.item_id]
        if utterance.kind not in ("greeting", "answer"):
            return
        if utterance.played:
            utterance.heard_ms = utterance.sent_ms
        elif not utterance.muted:
            utterance.heard_ms = self.playout.heard(utterance, now_ms)
        text = "".join(utterance.text).strip()
        heard = heard_text(text, utterance.heard_ms, utterance.total_ms)
        if heard or utterance.kind == "greeting":  # a greeting is on record from its start: correct that
            start = utterance.first_ms or now_ms
            self._b.receptionist_turn(
                utterance, heard, start, start + utterance.heard_ms, interrupted=not utterance.played
            )

    def close(self, now_ms: float) -> None:
        """The line is gone: what has been heard by now is what was heard."""
        for utterance in list(self._open.values()):
            if not utterance.muted and self.playout.heard(utterance, now_ms) >= utterance.total_ms > 0:
                utterance.played = True
            self._journal(utterance, now_ms)
