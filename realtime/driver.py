"""The bridge on asyncio: timers, tasks and the engine's socket. The carrier's socket is the adapter's business."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import cache, partial
from time import monotonic
from typing import Any

from picows import WSCloseCode, WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect
from redis.exceptions import RedisError

from calls.facts import JournalEvent
from calls.snapshot import SessionSnapshot
from common.metrics import BARGE_IN_SECONDS, PROTOCOL_ERRORS, STREAMS_ACTIVE
from realtime.admission import Admission, Hold
from realtime.bridge import Bridge, Limits, Rung, ToolOutcome
from realtime.bridge.ladder import Link
from realtime.bridge.ports import Step
from realtime.bridge.protocol.openai import MAX_EVENT_BYTES
from realtime.engines import address
from realtime.gateway import Gateway
from realtime.writer import JournalWriter

log = logging.getLogger(__name__)

TEXT = WSMsgType.TEXT
#: An engine that lets this much of our audio pile up (20 s) has stopped listening.
_ENGINE_BACKLOG = 256 * 1024
#: An engine owes nothing while the caller speaks, so one that has stopped in the middle of it shows only here: after
#: this much quiet it is pinged, and given up when no pong follows.
_PING_AFTER_SECONDS = 3.0
#: picows wants this no longer than the quiet before the ping.
_PONG_SECONDS = 3.0
#: For a call whose other end has left, to get its journal written.
_CLOSE_SECONDS = 15.0


def now_ms() -> float:
    """The bridge's clock."""
    return monotonic() * 1000.0


@dataclass(slots=True)
class Services:
    """What all calls of a process share."""

    admission: Admission
    gateway: Gateway
    ladder: list[Rung]
    limits: Limits = field(default_factory=Limits)
    live: set[Driver] = field(default_factory=set)
    closing: set[asyncio.Task[None]] = field(default_factory=set)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever the last live call has ended."""


def close(transport: WSTransport) -> None:
    """Close a websocket, or answer the other side's close; picows leaves both to us."""
    if not transport.is_disconnected:
        transport.send_close(WSCloseCode.OK)
        transport.disconnect()


class Messages:
    """What a frame that is no whole text message means: fragments are joined, a close is answered, the rest dropped."""

    __slots__ = ("_limit", "_parts", "_side", "_size")

    def __init__(self, side: str, limit: int) -> None:
        self._side, self._limit = side, limit
        self._parts: list[bytes] = []
        self._size = 0

    def rare(self, transport: WSTransport, frame: WSFrame) -> bytes | None:
        """The message that ends with this frame, which is a fragment or no text; None when there is none."""
        kind = frame.msg_type
        if kind == WSMsgType.CLOSE:
            close(transport)
            return None
        if kind == WSMsgType.BINARY:
            PROTOCOL_ERRORS.labels(self._side).inc()
            return None
        if kind not in (TEXT, WSMsgType.CONTINUATION):
            return None
        if kind == TEXT:
            self._parts, self._size = [], 0
        self._size += frame.payload_size
        if self._size <= self._limit:
            self._parts.append(frame.get_payload_as_bytes())
        else:
            self._parts = []
        if not frame.fin:
            return None
        message, fits = b"".join(self._parts), self._size <= self._limit
        self._parts, self._size = [], 0
        if not fits:
            PROTOCOL_ERRORS.labels(self._side).inc()
            return None
        return message


@cache
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes milliseconds: once a process.
    return ssl.create_default_context()


class _EngineSocket(WSListener):
    """One engine connection, reporting to its link."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._messages = Messages("engine", MAX_EVENT_BYTES)
        self.transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        if not self._link.wanted:
            self.hang_up()  # given up while it was being dialled
            return
        transport.underlying_transport.set_write_buffer_limits(high=_ENGINE_BACKLOG)
        # Here and not behind `ws_connect`: the first frame may come in the same packet as the handshake.
        self._link.opened(partial(transport.send, TEXT), now_ms())

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        data, now = frame.get_payload_as_bytes(), monotonic() * 1000.0
        if self._link.audio(data, now):
            return
        message = data if frame.msg_type is TEXT and frame.fin else self._messages.rare(transport, frame)
        if message is not None:
            self._link.frame(message, now)

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self._link.closed("closed", now_ms())

    def pause_writing(self) -> None:
        self._link.closed("stuck", now_ms())

    def hang_up(self) -> None:
        if self.transport is not None:
            close(self.transport)


class Driver:
    """One call. `carrier_send` writes a text frame to the carrier, `close` closes its socket; both return at once."""

    def __init__(self, services: Services, carrier_send: Callable[[bytes], object], close: Callable[[], None]) -> None:
        self._services = services
        self._loop = asyncio.get_running_loop()
        self.carrier_send = carrier_send
        self._close_carrier = close
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._dialling: asyncio.Task[None] | None = None
        self._engine: _EngineSocket | None = None
        self._writer = JournalWriter(self._store)
        self._hold: Hold | None = None
        self._snapshot: SessionSnapshot | None = None
        self._ended = False
        STREAMS_ACTIVE.inc()
        services.live.add(self)
        self.bridge = Bridge(self, services.ladder, services.limits, now_ms())

    @property
    def _who(self) -> dict[str, str]:
        """What log lines say about this call."""
        return {"call_sid": self.bridge.call_sid, "tenant": self._snapshot.schema if self._snapshot else ""}

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # effects

    def carrier_close(self) -> None:
        """Close the carrier's socket."""
        self._close_carrier()

    def engine_connect(self, rung: Rung, link: Link) -> None:
        """Dial an engine."""
        self._engine = _EngineSocket(link)
        self._dialling = self._spawn(self._dial(rung, link, self._engine))

    async def _dial(self, rung: Rung, link: Link, socket: _EngineSocket) -> None:
        url = address(rung, self._snapshot.model if self._snapshot else "")
        try:
            await ws_connect(
                lambda: socket,
                url,
                ssl_context=_tls() if url.startswith("wss:") else None,
                extra_headers={"Authorization": f"Bearer {rung.key}"} if rung.key else None,
                max_frame_size=2 * MAX_EVENT_BYTES,
                max_redirects=0,
                enable_auto_ping=True,
                auto_ping_idle_timeout=_PING_AFTER_SECONDS,
                auto_ping_reply_timeout=_PONG_SECONDS,
            )
        except (WSError, OSError, TimeoutError, ValueError) as error:
            extra = {"engine": rung.name, "error": type(error).__name__, **self._who}
            log.warning("an engine could not be reached", extra=extra)
            link.closed("refused", now_ms())

    def engine_close(self) -> None:
        """Leave the engine, connected or not."""
        if self._dialling is not None and self._dialling is not asyncio.current_task(self._loop):
            self._dialling.cancel()
        self._dialling = None
        if self._engine is not None:
            self._engine.hang_up()
            self._engine = None

    def admit(self, token: str, call_sid: str) -> None:
        """Redeem the stream token."""
        self._spawn(self._admit(token, call_sid))

    async def _admit(self, token: str, call_sid: str) -> None:
        try:
            self._snapshot, self._hold = await self._services.admission.redeem(token, call_sid, self._superseded)
        except (RedisError, OSError) as error:
            log.error("a stream token could not be redeemed", extra={"error": type(error).__name__})
        if self._ended and self._hold is not None:
            await self._services.admission.release(self._hold)
            return
        self.bridge.admitted(self._snapshot, now_ms())

    def _superseded(self) -> None:
        self.bridge.carrier_closed(now_ms())

    def run_tool(self, call_id: str, name: str, arguments: str) -> None:
        """Run a tool beside the audio."""
        self._spawn(self._run_tool(call_id, name, arguments))

    async def _run_tool(self, call_id: str, name: str, arguments: str) -> None:
        assert self._snapshot is not None
        try:
            outcome = await self._services.gateway.run_tool(self._snapshot, name, arguments)
        except Exception as error:
            log.error("a tool could not be run", exc_info=error, extra=self._who)
            outcome = ToolOutcome(ok=False, output=json.dumps({"error": "unavailable"}))
        self.bridge.tool_done(call_id, outcome, now_ms())

    def journal(self, event: JournalEvent) -> None:
        """Queue a fact."""
        self._writer.put(event)

    async def _store(self, events: list[JournalEvent]) -> None:
        assert self._snapshot is not None
        await self._services.gateway.journal(self._snapshot, events)

    def finish(self, step: Step | None) -> None:
        """Write all facts, then the step."""
        if step is not None:
            self._spawn(self._finish(step))

    async def _finish(self, step: Step) -> None:
        assert self._snapshot is not None
        try:
            # The step must not wait for a journal that can't be written: the caller is on the line.
            await asyncio.wait({self._loop.create_task(self._writer.flush())}, timeout=1.0)
            await self._services.gateway.set_next_step(self._snapshot, step)
        except Exception as error:
            log.error("the next step was not stored", exc_info=error, extra=self._who)
        self.bridge.step_done(now_ms())

    def wake_at(self, at_ms: float) -> None:
        """Wake the bridge then."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(0.0, (at_ms - now_ms()) / 1000.0), self._wake)

    def _wake(self) -> None:
        self._timer = None
        self.bridge.tick(now_ms())

    def interrupted(self, since_ms: float) -> None:
        """Measure how long `clear` took."""
        BARGE_IN_SECONDS.observe((now_ms() - since_ms) / 1000.0)

    def ended(self) -> None:
        """Clean up behind the call; its journal is still being written."""
        if self._ended:
            return
        self._ended = True
        STREAMS_ACTIVE.dec()
        self._services.live.discard(self)
        if not self._services.live:
            self._services.idle.set()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        task = self._loop.create_task(self._clean_up())
        self._services.closing.add(task)
        task.add_done_callback(self._services.closing.discard)

    async def _clean_up(self) -> None:
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._writer.flush()
        except TimeoutError:
            log.error("the journal of a finished stream was not written in time", extra=self._who)
        if self._hold is not None:
            await self._services.admission.release(self._hold)
        for task in list(self._tasks):
            task.cancel()
