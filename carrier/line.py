"""A line: one phone, what is played to it, who listens. One 20 ms tick drives it.

Tick order: the phone's frame is read, the next frame to play is taken, marks that are due come back, listeners
(recorders, media streams) get both frames, the phone gets the played one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Literal, Protocol, TypeVar

from carrier.playback import Playback
from carrier.tones import SILENT_FRAME
from common.audio import FRAME_MS

log = logging.getLogger(__name__)

T = TypeVar("T")
#: Who ended a call: the phone, the carrier or its application, the call's time limit.
EndedBy = Literal["caller", "line", "limit"]

#: A process that slept longer than this does not make up for it with a burst.
_MAX_BEHIND = 1.0


class HungUp(Exception):
    """The line was closed while something waited on it."""


class Phone(Protocol):
    """What a line needs of a phone. All frames are 160 bytes (20 ms) of 8 kHz mu-law; nothing here may block.

    A phone presses keys with `Line.press` and hangs up with `Line.hang_up("caller")`.
    """

    def answered(self, line: Line) -> None:
        """The call was answered: from now on frames flow."""

    def read(self) -> bytes:
        """The next frame from the phone."""

    def write(self, frame: bytes) -> None:
        """The next frame to the phone."""

    def ended(self, by: EndedBy, status: str) -> None:
        """The call is over; `status` is Twilio's CallStatus."""


class Listener(Protocol):
    """Somebody who hears both directions of a line."""

    def frame(self, caller: bytes, played: bytes) -> None:
        """One frame from the phone and the one played to it at the same moment."""


class Ticker:
    """Calls a function every so many seconds, by absolute deadlines of the loop's clock, so that it can't drift."""

    def __init__(self, tick: Callable[[], None], seconds: float) -> None:
        self._tick, self._seconds = tick, seconds
        self._loop = asyncio.get_running_loop()
        self._next = self._loop.time() + seconds
        self._handle: asyncio.TimerHandle | None = self._loop.call_at(self._next, self._run)

    def _run(self) -> None:
        self._tick()
        if self._handle is None:
            return
        self._next = max(self._next + self._seconds, self._loop.time() - _MAX_BEHIND)
        self._handle = self._loop.call_at(self._next, self._run)

    def stop(self) -> None:
        """No more ticks."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


class Line:
    """The media side of a call, made when it is placed, ticking from `answer` to `hang_up`."""

    def __init__(self, phone: Phone, max_seconds: int, tick_seconds: float = FRAME_MS / 1000) -> None:
        self.phone = phone
        self.playback: Playback[Callable[[], None]] = Playback()
        self.listeners: list[Listener] = []
        self.digit_listeners: list[Callable[[str], None]] = []
        self.on_end: Callable[[EndedBy], None] = lambda by: None
        self._ended: asyncio.Future[EndedBy] = asyncio.get_running_loop().create_future()
        self._ticker: Ticker | None = None
        self._tick_seconds = tick_seconds
        self._frames_left = max_seconds * 1000 // FRAME_MS

    @property
    def ended(self) -> bool:
        """Whether the call is over."""
        return self._ended.done()

    def answer(self) -> None:
        """Let audio flow."""
        if self._ticker is None and not self.ended:
            self._ticker = Ticker(self.tick, self._tick_seconds)
            self.phone.answered(self)

    def hang_up(self, by: EndedBy) -> None:
        """End the call; again is harmless."""
        if self.ended:
            return
        if self._ticker is not None:
            self._ticker.stop()
        self._ended.set_result(by)
        self.on_end(by)

    def press(self, digits: str) -> None:
        """Keys pressed on the phone."""
        for digit in digits:
            for listener in list(self.digit_listeners):
                listener(digit)

    def tick(self) -> None:
        """Twenty milliseconds of the call. An error ends this call and no other."""
        try:
            caller = self.phone.read()
            frame, due = self.playback.pull()
            for mark in due:
                mark()
            played = frame or SILENT_FRAME
            for listener in self.listeners:
                listener.frame(caller, played)
            self.phone.write(played)
        except Exception:
            log.exception("A call's tick failed")
            self.hang_up("line")
            return
        self._frames_left -= 1
        if self._frames_left <= 0:
            self.hang_up("limit")

    async def until(self, event: asyncio.Future[T]) -> T:
        """Wait for `event`. Raises `HungUp` when the call ends first."""
        both: set[asyncio.Future[Any]] = {event, self._ended}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if event.done():
            return event.result()
        raise HungUp

    async def play(self, *audio: bytes) -> None:
        """Play mu-law to its end, or to a `silence`. Raises `HungUp`."""
        if self.ended:
            raise HungUp
        for part in audio:
            self.playback.put(part)
        played: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def heard() -> None:
            if not played.done():
                played.set_result(None)

        if not self.playback.mark(heard):
            await self.until(played)

    def silence(self) -> None:
        """Drop what waits to be played; whoever waits for it goes on."""
        for mark in self.playback.clear():
            mark()
