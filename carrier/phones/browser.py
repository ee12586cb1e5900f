"""A phone in a browser: Twilio's Voice SDK at the other end of a `Peer`, its signalling in `browser_signal`.

Both ways the call is answered only when media flows, so that nobody misses the first word.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from carrier.line import EndedBy, Line
from carrier.phones.browser_media import Peer
from common.errors import Invalid

log = logging.getLogger(__name__)

#: Seconds for ICE and DTLS.
MEDIA_SECONDS = 10.0
#: Seconds a client rings before nobody has answered.
RING_SECONDS = 60.0
#: A browser whose socket broke may come back to its call within this time; media goes on meanwhile.
RETURN_SECONDS = 20.0

Spawn = Callable[[Coroutine[Any, Any, None]], None]


class Signal(Protocol):
    """The browser's socket."""

    def send(self, kind: str, payload: dict[str, Any]) -> None:
        """A frame to the browser, in order, without waiting."""


class BrowserPhone:
    """A `Phone`. `line` is known as soon as the call is made; `callsid` is what the SDK calls it at the moment."""

    def __init__(self, signal: Signal, spawn: Spawn, callsid: str, identity: str) -> None:
        self.signal: Signal | None = signal
        self.callsid = callsid
        self.identity = identity
        self.line: Line | None = None
        self.reconnect = secrets.token_urlsafe(24)
        self.incoming = False
        #: The browser took the call it was rung for.
        self.taken: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        #: Gives up a call that was never answered, with Twilio's status for it.
        self.refused: Callable[[str], None] = lambda status: None
        self.on_ended: Callable[[], None] = lambda: None
        self._spawn = spawn
        self._peer = Peer(self._media_lost)
        self._gone = False
        self._patience: asyncio.TimerHandle | None = None

    # --- the way to media

    async def answer_offer(self, sdp: str) -> None:
        """The browser calls: our description goes out with ``ringing``; returns when media flows. Raises `Invalid`."""
        answer = await self._peer.answer(sdp)
        self._tell("ringing", {"callsid": self.callsid, "sdp": answer})
        await self._flowing()

    async def ring(self, parameters: dict[str, str]) -> None:
        """Ring the browser; returns when it took the call and media flows.

        Raises `Invalid`, or `TimeoutError` when nobody answered.
        """
        self.incoming = True
        offer = await self._peer.offer()
        invite = {"callsid": self.callsid, "sdp": offer, "reconnect": self.reconnect, "parameters": parameters}
        self._tell("invite", invite)
        async with asyncio.timeout(RING_SECONDS):
            answer = await self.taken
        await self._peer.accept(answer)
        await self._flowing()

    def placed(self, line: Line, callsid: str) -> None:
        """The call exists; from now on it goes by the carrier's SID."""
        self.line, self.callsid = line, callsid
        if self._gone:
            line.hang_up("caller")

    def abandon(self) -> None:
        """No call came of it."""
        self.on_ended()
        self._spawn(self._peer.close())

    async def _flowing(self) -> None:
        try:
            async with asyncio.timeout(MEDIA_SECONDS):
                await asyncio.shield(self._peer.connected)
        except TimeoutError:
            raise Invalid("no audio connection with the browser came about") from None

    # --- the line's side

    def answered(self, line: Line) -> None:
        """The call is answered."""
        self.line = line
        if not self.incoming:
            self._tell("answer", {"callsid": self.callsid, "reconnect": self.reconnect})

    def read(self) -> bytes:
        """What the browser's microphone heard."""
        return self._peer.read()

    def write(self, frame: bytes) -> None:
        """What the browser plays."""
        self._peer.write(frame)

    def ended(self, by: EndedBy, status: str) -> None:
        """The call is over."""
        never_taken = self.incoming and not self.taken.done()
        if by != "caller" or never_taken:
            self._tell("cancel" if never_taken else "hangup", {"callsid": self.callsid})
        self.taken.cancel()
        if self._patience is not None:
            self._patience.cancel()
        self.on_ended()
        self._spawn(self._peer.close())

    # --- the browser's side

    def took(self, sdp: Any) -> None:
        """The browser answered."""
        if not self.taken.done():
            self.taken.set_result(sdp)

    def hang_up(self) -> None:
        """The browser hung up, or refused the call it was rung for."""
        if self.incoming and not self.taken.done():
            self.taken.cancel()
            self.refused("busy")
        elif self.line is not None:
            self.line.hang_up("caller")
        else:
            self.refused("canceled")

    def press(self, keys: Any) -> None:
        """Keys of the browser's keypad; anything else is ignored."""
        if self.line is not None and isinstance(keys, str) and not set(keys) - set("0123456789*#"):
            self.line.press(keys[:64])

    def socket_lost(self, signal: Signal) -> None:
        """Signalling broke: the call waits for its browser, unless that is back on another socket already."""
        if self.signal is not signal:
            return
        self.signal = None
        if self.line is None or (self.incoming and not self.taken.done()):
            self.refused("no-answer")
            return
        self._patience = asyncio.get_running_loop().call_later(RETURN_SECONDS, self.hang_up)

    def returns_with(self, token: str, identity: str) -> bool:
        """Whether this is the browser that had the call."""
        return identity == self.identity and secrets.compare_digest(token.encode(), self.reconnect.encode())

    def came_back(self, signal: Signal) -> None:
        """Signalling is there again; media never stopped."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        self.signal = signal
        self._tell("answer", {"callsid": self.callsid, "reconnect": self.reconnect})

    def _media_lost(self) -> None:
        self._gone = True
        if self.line is not None:
            self.line.hang_up("caller")

    def _tell(self, kind: str, payload: dict[str, Any]) -> None:
        if self.signal is not None:
            self.signal.send(kind, payload)
