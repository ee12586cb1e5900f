"""The line to the engine: one connection after the other, down a ladder of engines, with the conversation carried over.

A rung is given up when it refuses, closes, stays silent after dialling, or owes an answer for too long. A connection
that was live and closes is dialled again once; then comes the next rung, the last one again after a pause, and when
that is used up nothing is left and the caller hears the apology.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from common.metrics import ENGINE_SWITCHES
from realtime.bridge.ports import Rung, Send
from realtime.bridge.protocol import openai
from realtime.bridge.protocol.base64text import audio_ms
from realtime.bridge.transcript import GREETING_ITEM

if TYPE_CHECKING:
    from realtime.bridge.session import Bridge

#: A connection that held this long says nothing about the next one.
_STEADY_MS = 10_000.0
#: Ten seconds of sound that a new session is given, and what its recognition may take.
_OLDEST_MS = 15_000.0
#: Half a second: engines report the beginning of speech with about this delay.
_PREROLL_FRAMES = 25
#: Waiting this long and hearing nothing weighs as much as two refusals.
_SLOW = frozenset({"stalled", "unanswered"})


class Link:
    """One connection attempt. The world outside reports to it; an abandoned one hears nothing any more."""

    __slots__ = ("_line", "audio", "frame")

    def __init__(self, line: Line) -> None:
        self._line: Line | None = line
        self.frame: Callable[[bytes, float], None] = line.frame
        """`frame(data, now_ms)`: one text message of the engine."""
        self.audio: Callable[[bytes, float], bool] = _not_audio
        """`audio(data, now_ms)`: the same, where it may be audio; False: it is for `frame`."""

    def opened(self, send: Send, now_ms: float) -> None:
        """The socket is open; `send` writes one text frame to it."""
        if self._line is not None:
            self._line.link_opened(send, now_ms)

    def closed(self, reason: str, now_ms: float) -> None:
        """The socket could not be opened, or was closed: `refused`, `closed`, `stuck`."""
        if self._line is not None:
            self._line.link_lost(reason, now_ms)

    @property
    def wanted(self) -> bool:
        """Whether anybody still waits for this connection."""
        return self._line is not None

    def abandon(self) -> None:
        """Deaf from now on."""
        self._line = None
        self.frame, self.audio = _deaf, _not_audio


def _deaf(_data: bytes, _now_ms: float) -> None:
    return


def _not_audio(_data: bytes, _now_ms: float) -> bool:
    return False


def _nowhere(_frame: bytes) -> None:
    return


class Line:
    """The engine of one call, whichever it is just now."""

    def __init__(self, bridge: Bridge, rungs: list[Rung]) -> None:
        self._b = bridge
        self._rungs = rungs
        self._index = 0
        self._strikes = 0
        self._link: Link | None = None
        self._opened_ms = 0.0
        self.last_ms = 0.0
        self._base_ms = 0.0
        """Stream time of the first audio this session was sent."""
        self._updates = 0
        self._owed = False
        self._cut_off = False
        self._unheard = False
        self._fresh = True
        """No session has been given what is in `recent`."""
        self.ready = False
        self.gone = False
        """The ladder is used up."""
        self.knows_greeting = False
        """The greeting is an item of this session that can still be taken back."""
        self.send: Send = _nowhere
        self.recent: deque[bytes] = deque()
        """Caller audio that no engine has understood yet."""
        self.keep_all()

    @property
    def rung(self) -> Rung:
        """The engine in use."""
        return self._rungs[self._index]

    # dialling

    def start(self, now_ms: float) -> None:
        """Dial the first rung."""
        self._dial(now_ms)

    def _dial(self, now_ms: float) -> None:
        self._link = Link(self)
        self.last_ms = 0.0
        self._b.timers.set("engine", now_ms + self._b.limits.engine_open_ms, self._stalled)
        self._b.fact("engine", {"state": "connecting", "name": self.rung.name})
        self._b.effects.engine_connect(self.rung, self._link)

    def _stalled(self, now_ms: float) -> None:
        self.lost("stalled", now_ms)

    def link_opened(self, send: Send, now_ms: float) -> None:
        """The world outside says that the connection is open."""
        self._b.link_opened(send, now_ms)

    def opened(self, send: Send, now_ms: float) -> None:
        """Configure the session and hand over everything said and unheard so far; all in order on one socket."""
        self.send, self.ready, self._opened_ms = send, True, now_ms
        self._configure(with_voice=True)
        self.knows_greeting = False
        for event in self._b.conversation.replay():
            send(event)
        if self._b.mouth.greeting():
            send(openai.message("assistant", self._b.snapshot.greeting_text, GREETING_ITEM))
            self.knows_greeting = True
        waiting, self._fresh = list(self.recent), False
        self._base_ms = now_ms - sum(map(audio_ms, waiting))
        for payload in waiting:
            send(openai.APPEND_HEAD + payload + openai.APPEND_TAIL)
        greeting = self._b.greeting_request()
        if greeting is not None:
            self._b.turns.want_response(greeting, now_ms)
        elif self._owed and not self._unheard:
            self._b.turns.want_response(_GO_ON if self._cut_off else "", now_ms)
        if self._unheard:
            self._b.turns.unheard = True
        else:
            self.settled()
        self._owed = self._unheard = self._cut_off = False
        self._b.turns.flush(now_ms)

    def _configure(self, *, with_voice: bool) -> None:
        snapshot, rung = self._b.snapshot, self.rung
        self._updates += 1
        turn_detection = dict(snapshot.turn_detection) or {"type": "server_vad"}
        if self._b.limits.barge_in_ms > 0:
            # We decide what interrupts; the engine must not cancel at the first sound.
            turn_detection["interrupt_response"] = False
        config = openai.SessionConfig(
            instructions=snapshot.instructions,
            tools=snapshot.tools,
            turn_detection=turn_detection,
            transcription_model=rung.transcription_model,
            language=snapshot.language,
            voice=(snapshot.voice or rung.voice) if with_voice else "",
        )
        self.send(openai.session_update(config, f"session_{self._updates}"))

    # life

    def frame(self, data: bytes, now_ms: float) -> None:
        """The first message of an engine; the next ones go straight to the bridge."""
        if not self.last_ms:
            self.last_ms = now_ms
            self._b.timers.clear("engine")
            self._b.fact("engine", {"state": "live", "name": self.rung.name})
            self._b.fact("latency", {"engine": round(now_ms - self._opened_ms, 1)})
            if self._link is not None:
                self._link.frame = self._b.engine_frame
                self._link.audio = self._b.engine_audio
        self._b.engine_frame(data, now_ms)

    def stream_time(self, position_ms: float | None, now_ms: float) -> float:
        """The clock's time of a position in the audio that this session was sent; `now_ms` where it can't be true.

        It can't lie in the future, nor before the oldest sound a new session is given.
        """
        if position_ms is None:
            return now_ms
        at = self._base_ms + position_ms
        return at if now_ms - _OLDEST_MS <= at <= now_ms else now_ms

    def keep_all(self) -> None:
        """Something is being said, or no engine is there: keep all that comes, up to the limit."""
        self._keep(self.recent, self._b.limits.recent_frames)

    def settled(self) -> None:
        """The engine has understood what was said so far: keep no more than the beginning of a next word.

        What is kept passes through the processor's cache: half a second a call is cheap, ten are not.
        """
        self._keep((), _PREROLL_FRAMES)

    def _keep(self, frames: Iterable[bytes], most: int) -> None:
        self.recent = deque(frames, maxlen=most)
        self._b.keep = self.recent.append

    def await_answer(self, now_ms: float) -> None:
        """From now on the engine owes something."""
        self._b.timers.set("answer", now_ms + self._b.limits.engine_answer_ms, self._check_answer)

    def _check_answer(self, now_ms: float) -> None:
        turns = self._b.turns
        if turns.response_active:
            idle_at = self.last_ms + self._b.limits.engine_answer_ms
            if idle_at > now_ms:
                self._b.timers.set("answer", idle_at, self._check_answer)
            elif turns.end_unannounced(now_ms):
                return
            else:
                self.lost("unanswered", now_ms)
        elif turns.awaiting:
            self.lost("unanswered", now_ms)

    def answered(self) -> None:
        """The engine works."""
        self._strikes = 0

    def refused_event(self, event_id: str, now_ms: float) -> None:
        """An event of ours was refused: a session that can't be configured is retried plainly, then given up."""
        if not event_id.startswith("session_") or event_id != f"session_{self._updates}":
            return
        if self._updates > 1 + self._strikes:
            self.lost("misconfigured", now_ms)
        else:
            self._configure(with_voice=False)

    # loss

    def link_lost(self, reason: str, now_ms: float) -> None:
        """The world outside says that the connection is gone."""
        self._b.link_lost(reason, now_ms)

    def lost(self, reason: str, now_ms: float) -> None:
        """This connection is of no more use: dial again, climb down, or give up."""
        b = self._b
        live = bool(self.last_ms)
        if live and reason == "closed" and now_ms - self._opened_ms > _STEADY_MS:
            self._strikes = 0
        self._strikes += 2 if reason in _SLOW else 1
        b.fact("engine", {"state": "lost", "name": self.rung.name, "reason": reason})
        ENGINE_SWITCHES.labels(reason).inc()
        self.hang_up()
        self._cut_off = self._cut_off or b.mouth.unfinished()
        owed, unheard = b.turns.engine_gone()
        self._owed, self._unheard = self._owed or owed, self._unheard or unheard
        b.mouth.engine_gone(now_ms)
        if not self._fresh and not self._unheard:
            self.recent.clear()
        self._fresh = True
        self.keep_all()
        again = self._next(reason, live=live)
        if again is None:
            self.gone = True
            b.no_engine(now_ms)
            return
        if self._owed or self._unheard:
            b.timers.set("lost", now_ms + b.limits.filler_ms, self._fill)
        if again:
            b.timers.set("redial", now_ms + b.limits.retry_ms, self._dial)
        else:
            self._dial(now_ms)

    def _fill(self, now_ms: float) -> None:
        if not self.ready and not self._b.ending.begun:
            self._b.timers.set("lost", self._b.mouth.filler(now_ms), self._fill)

    def _next(self, reason: str, *, live: bool) -> bool | None:
        """Choose the rung. Whether to pause before dialling it; None when the ladder is used up."""
        if live and reason == "closed" and self._strikes == 1:
            return False
        if self._index + 1 < len(self._rungs):
            self._index += 1
            return False
        return True if self._strikes <= len(self._rungs) + 1 else None

    def hang_up(self) -> None:
        """Leave the engine; nothing is sent to it or heard from it any more."""
        self.ready, self.send = False, _nowhere
        for name in ("engine", "answer", "redial"):
            self._b.timers.clear(name)
        if self._link is not None:
            self._link.abandon()
            self._link = None
            self._b.effects.engine_close()


_GO_ON = "You were cut off by a technical fault while speaking. Go on from where you stopped, without repeating it."
