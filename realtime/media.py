"""The media process: carriers' streams on picows. `python -m realtime.media --host H --port N`

On SIGTERM it takes no more calls, lets those that run end for `MEDIA_DRAIN_SECONDS`, and then says goodbye to the rest.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import time
from functools import partial

import uvloop
from picows import (
    WSFrame,
    WSListener,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)
from redis.exceptions import RedisError

from common.env import env_float
from common.kv import redis_async
from common.logs import configure
from common.metrics import PROTOCOL_ERRORS
from realtime.bridge.protocol.twilio import MAX_FRAME_BYTES
from realtime.doorway import PATH, product_services, signature_ok
from realtime.driver import TEXT, Driver, Messages, Services, close, now_ms

log = logging.getLogger(__name__)

#: A carrier that lets this much of our audio pile up (96 s) has stopped listening.
_CARRIER_BACKLOG = 1024 * 1024
_HEARTBEAT_SECONDS = 5.0
_HEARTBEAT_EXPIRES = 15
#: For a goodbye to be spoken and stored.
_GOODBYE_SECONDS = 15.0


class CarrierSocket(WSListener):
    """One stream of the carrier."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._messages = Messages("carrier", MAX_FRAME_BYTES)
        self._driver: Driver | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The upgrade is done."""
        transport.underlying_transport.set_write_buffer_limits(high=_CARRIER_BACKLOG)
        self._driver = Driver(self._services, partial(transport.send, TEXT), partial(close, transport))
        self._frame = self._driver.bridge.carrier_frame
        self._media = self._driver.bridge.caller_frame

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """The hot path inwards."""
        # Whatever kind of frame holds a whole audio message, it is audio: the kind costs more to ask for.
        data = frame.get_payload_as_bytes()
        if self._media(data):
            return
        message = data if frame.msg_type is TEXT and frame.fin else self._messages.rare(transport, frame)
        if message is not None:
            self._frame(message, now_ms())

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        """The carrier is gone."""
        if self._driver is not None:
            self._driver.bridge.carrier_closed(now_ms())

    def pause_writing(self) -> None:
        """The carrier does not read any more."""
        PROTOCOL_ERRORS.labels("carrier").inc()
        if self._driver is not None:
            self._driver.bridge.carrier_closed(now_ms())


class MediaServer:
    """The listening side. `services` is shared by all calls."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.draining = False
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; the port, which is chosen when `port` is 0."""
        self._server = await ws_create_server(self._route, host, port, max_frame_size=2 * MAX_FRAME_BYTES)
        return int(self._server.sockets[0].getsockname()[1])

    def _route(self, request: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener:
        path = request.path.decode("latin-1").split("?", 1)[0]
        if path == "/healthz":
            return WSUpgradeResponseWithListener(WSUpgradeResponse.create_ok_response(b"ok"), None)
        if path != PATH:
            return _refuse(404)
        if self.draining:
            return _refuse(503)
        if not signature_ok(request.headers.get("X-Twilio-Signature")):
            PROTOCOL_ERRORS.labels("signature").inc()
            return _refuse(403)
        return CarrierSocket(self.services)

    async def stop(self, drain_seconds: float) -> None:
        """Take no more calls, wait for those that run, say goodbye to what is left, write everything down."""
        self.draining = True
        if self._server is not None:
            self._server.close()
        await self._until_idle(drain_seconds)
        for driver in list(self.services.live):
            driver.bridge.drain(now_ms())
        await self._until_idle(_GOODBYE_SECONDS)
        for driver in list(self.services.live):
            driver.bridge.carrier_closed(now_ms())
        if self.services.closing:
            await asyncio.wait(set(self.services.closing), timeout=_GOODBYE_SECONDS)
        await self.services.admission.close()

    async def _until_idle(self, seconds: float) -> None:
        if self.services.live:
            self.services.idle.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.services.idle.wait(), seconds)


def _refuse(status: int) -> WSUpgradeResponseWithListener:
    return WSUpgradeResponseWithListener(WSUpgradeResponse.create_error_response(status), None)


async def heartbeat(name: str) -> None:
    """Keep `hb:<name>:<pid>` alive in Redis while this process runs."""
    client = redis_async()
    key = f"hb:{name}:{os.getpid()}"
    while True:
        try:
            await client.set(key, int(time.time()), ex=_HEARTBEAT_EXPIRES)
        except (RedisError, OSError):
            log.warning("the heartbeat could not be written")
        await asyncio.sleep(_HEARTBEAT_SECONDS)


async def serve(host: str, port: int) -> None:
    """Run until SIGTERM or SIGINT, then drain; a second signal ends it at once."""
    server = MediaServer(product_services())
    await server.start(host, port)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    beating = loop.create_task(heartbeat("media"))
    drained: list[asyncio.Task[None]] = []

    def on_signal() -> None:
        if stopping.is_set():
            drained[0].cancel()
            return
        stopping.set()
        beating.cancel()
        drained.append(loop.create_task(server.stop(env_float("MEDIA_DRAIN_SECONDS", 5.0))))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    log.info("the media process takes calls", extra={"port": port})
    await stopping.wait()
    await asyncio.wait(drained)


def main(argv: list[str] | None = None) -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(prog="realtime.media", description="The bridge between carrier and engine.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    options = parser.parse_args(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")
    configure(os.environ.get("LOG_LEVEL", "INFO"))

    import django

    django.setup()
    uvloop.run(serve(options.host, options.port))


if __name__ == "__main__":
    main()
